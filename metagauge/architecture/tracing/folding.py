"""Computing what is known while a program is traced: shapes, masks and indices, within bounds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.control import Carry, Opaque
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.movement import Expand, Reshape, Slice, Transpose
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.shapes import output_shapes
from metagauge.architecture.operators.source import Given, Weight
from metagauge.architecture.tracing.constants import FOLD_LIMIT, READ_LIMIT, SMALL, as_numbers
from metagauge.architecture.tracing.states import Numbers, Shape, Tensorlike
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import OperatorUnknownError, StructureNotInferableError

_VIEWS = (Reshape, Transpose, Slice, Expand)
_DEPTH = 64
"""Most steps in a row that are computed to learn one number."""


@dataclass(slots=True, kw_only=True)
class Folding:
    """Computes operators on known numbers, and counts what that costs."""

    spent: int = 0

    def fold(
        self, operator: Operator, inputs: tuple[Tensorlike | None, ...], shapes: tuple[Shape | None, ...]
    ) -> tuple[Numbers, ...] | None:
        """The outputs as known numbers; None where an input is not known, or it would be too much work."""
        known = tuple(state for state in inputs if isinstance(state, Numbers))
        if not known or len(known) != len(inputs) or None in shapes or isinstance(operator, Carry):
            return None
        cost = _cost(operator, known, shapes)
        if cost > SMALL:
            if self.spent + cost > FOLD_LIMIT:
                return None
            self.spent += cost
        try:
            arrays = evaluate(operator, tuple(state.array for state in known))
        except OperatorUnknownError:
            return None
        return tuple(Numbers(array=as_numbers(array)) for array in arrays)


def known_array(name: str, makers: Mapping[str, Step], checkpoint: Checkpoint, read: dict[str, None]) -> np.ndarray:
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
                return {step.outputs[0]: as_numbers(stored.array())}
            case Given() | Carry() | Opaque():
                raise StructureNotInferableError("a shape, an index or a factor depends on what the network is given")
            case operator:
                if depth > _DEPTH:
                    raise StructureNotInferableError("a constant of the program takes too many steps to compute")
                arrays = tuple(known(each, depth + 1) if each else None for each in step.inputs)
                shapes = output_shapes(operator, tuple(None if array is None else array.shape for array in arrays))
                if sum(prod(shape or ()) for shape in shapes) > READ_LIMIT:
                    raise StructureNotInferableError("a constant of the program is too large to be computed")
                return dict(zip(step.outputs, evaluate(operator, arrays), strict=True))

    tensors: dict[str, None] = {}
    found = known(name, 0)
    read.update(tensors)
    return found


def _cost(operator: Operator, known: tuple[Numbers, ...], shapes: tuple[Shape | None, ...]) -> int:
    """Elements that are made, or that are multiplied; nothing for a view."""
    if isinstance(operator, Contract):
        return prod(_contracted(operator, tuple(state.shape for state in known)))
    is_copied = isinstance(operator, Reshape) and not known[0].array.flags.c_contiguous
    if isinstance(operator, _VIEWS) and not is_copied:
        return 0
    return max(sum(prod(shape) for shape in shapes if shape is not None), max(state.array.size for state in known))


def _contracted(operator: Contract, shapes: tuple[Shape, ...]) -> Iterable[int]:
    """The size of each letter of the equation: their product is what it costs."""
    letters = operator.equation.partition("->")[0].split(",")
    pairs = (zip(part, shape, strict=True) for part, shape in zip(letters, shapes, strict=True))
    return dict(pair for each in pairs for pair in each).values()
