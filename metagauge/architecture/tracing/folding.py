"""Computing what is known while a program is traced: shapes, masks and indices, within bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.control import Carry, Opaque
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.evaluation.cost import cost
from metagauge.architecture.operators.movement import Expand, Reshape, Slice, Transpose
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.shapes import output_shapes
from metagauge.architecture.operators.source import Given, Weight
from metagauge.architecture.tracing.constants import FOLD_LIMIT, READ_LIMIT, SMALL, as_numbers
from metagauge.architecture.tracing.states import Numbers, Shape, Tensorlike
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import LimitExceededError, OperatorUnknownError, StructureNotInferableError

_VIEWS = (Reshape, Transpose, Slice, Expand)
MADE_LIMIT = 1 << 24
WRITTEN_LIMIT = 1 << 26
"""A mask of 2048 by 2048 takes 200 thousand."""
LOOKED_UP_LIMIT = 1 << 27
_UNPACKED = 16
"""Elements that cost as much as a packed byte."""
_STEP = 512
"""Elements that cost as much as one more operator."""
_DEPTH = 64
"""Most steps in a row that are computed to learn one number."""


@dataclass(slots=True, kw_only=True)
class Folding:
    """Computes operators on known numbers, and counts what that costs."""

    spent: int = 0
    """Elements of known numbers that operators made."""
    made: int = 0
    """Elements of ranges and the like."""
    written: int = 0
    """Bytes of known numbers that became constants of the dataflow."""
    looked_up: int = 0
    """Elements that were read or made to learn the numbers of a value."""

    def make(self, elements: int) -> None:
        """Counts numbers that a node makes of nothing.

        Raises:
            LimitExceededError: they are too many.
        """
        self.made += elements if elements > SMALL else 0
        if self.made > MADE_LIMIT:
            raise LimitExceededError(f"the program makes ranges and the like of more than {MADE_LIMIT} numbers")

    def write(self, elements: int, packed_bytes: int = 0) -> None:
        """Counts numbers that become a constant.

        Raises:
            LimitExceededError: they are too many.
        """
        self.written += elements // _UNPACKED + packed_bytes
        if self.written > WRITTEN_LIMIT:
            message = f"the constants that the program computes take more than {WRITTEN_LIMIT} bytes, compressed"
            raise LimitExceededError(message)

    def look_up(self, elements: int) -> None:
        """Counts what is read or made to learn the numbers of a value.

        Raises:
            StructureNotInferableError: it is too much.
        """
        self.looked_up += elements + _STEP
        if self.looked_up > LOOKED_UP_LIMIT:
            raise StructureNotInferableError("the constants of the program take too much work to compute")

    def fold(
        self, operator: Operator, inputs: tuple[Tensorlike | None, ...], shapes: tuple[Shape | None, ...]
    ) -> tuple[Numbers, ...] | None:
        """The outputs as known numbers; None where an input is not known, or it would be too much work."""
        known = tuple(state for state in inputs if isinstance(state, Numbers))
        if not known or len(known) != len(inputs) or None in shapes or isinstance(operator, Carry):
            return None
        work = _work(operator, known, shapes)
        if work > SMALL:
            if self.spent + work > FOLD_LIMIT:
                return None
            self.spent += work
        try:
            arrays = evaluate(operator, tuple(state.array for state in known))
        except OperatorUnknownError:
            return None
        return tuple(Numbers(array=as_numbers(array)) for array in arrays)


def known_array(
    name: str, makers: Mapping[str, Step], checkpoint: Checkpoint, read: dict[str, None], folding: Folding
) -> np.ndarray:
    """The numbers of a value that is made of the checkpoint's tensors alone; their names are added to `read`.

    Raises:
        StructureNotInferableError: it depends on what the caller gives, or is too large or too far to compute.
    """
    memo: dict[str, np.ndarray] = {}

    def known(name: str, depth: int) -> np.ndarray:
        if name not in memo:
            memo.update(outputs(makers[name], depth))
        return memo[name]

    def outputs(step: Step, depth: int) -> dict[str, np.ndarray]:
        match step.operator:
            case Weight(tensor=tensor):
                stored = checkpoint.tensor(tensor)
                if stored.size > READ_LIMIT:
                    raise StructureNotInferableError(f"tensor {tensor!r} is used as a constant of the program")
                tensors[tensor] = None
                folding.look_up(stored.size)
                return {step.outputs[0]: as_numbers(stored.array())}
            case Given() | Carry() | Opaque():
                raise StructureNotInferableError("a shape, an index or a factor depends on what the network is given")
            case operator:
                if depth > _DEPTH:
                    raise StructureNotInferableError("a constant of the program takes too many steps to compute")
                arrays = tuple(known(each, depth + 1) if each else None for each in step.inputs)
                given = tuple(None if array is None else array.shape for array in arrays)
                shapes = output_shapes(operator, given)
                if sum(prod(shape or ()) for shape in shapes) > READ_LIMIT:
                    raise StructureNotInferableError("a constant of the program is too large to be computed")
                folding.look_up(cost(operator, given, shapes))
                return dict(zip(step.outputs, evaluate(operator, arrays), strict=True))

    tensors: dict[str, None] = {}
    found = known(name, 0)
    read.update(tensors)
    return found


def _work(operator: Operator, known: tuple[Numbers, ...], shapes: tuple[Shape | None, ...]) -> int:
    """Elements that are made, or that are multiplied; nothing for a view."""
    is_copied = isinstance(operator, Reshape) and not known[0].array.flags.c_contiguous
    if isinstance(operator, _VIEWS) and not is_copied:
        return 0
    return cost(operator, tuple(state.shape for state in known), shapes)
