"""Which values of a dataflow are weights, or computed from weights alone, and their numbers."""

from collections.abc import Mapping
from math import prod

import numpy as np

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.movement import Expand, Reshape, Resize, Slice, Transpose
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import LocalNorm, WindowPool
from metagauge.architecture.operators.sampling import Sample
from metagauge.architecture.operators.source import Constant, Given, Weight
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import ArchitectureMismatchError, LimitExceededError, OperatorUnknownError
from metagauge.graph.symmetry.axis import Shape

_DRAWN = (Given, Opaque, Carry, Choose, Convolve, LocalNorm, Recurrent, Resize, Sample, WindowPool)
"""Operators that are drawn also where they read weights alone: what they compute is not computed for a graph."""
FREE_ELEMENTS = 2**26
ELEMENTS_PER_BYTE = 8
"""Elements that weights computed from weights may take in one graph: so many, and so many for each byte of the file.

Views take none; weights packed into two bits take four for a byte, and once more as floats.
"""
MAX_PRODUCTS = 2**32
"""Multiplications that contracting weights with weights may take in one graph: some seconds."""
_VIEWS = (Weight, Constant, Reshape, Transpose, Slice, Expand)


class Arrays:
    """The numbers of values that do not depend on the input, computed when they are asked for."""

    def __init__(self, dataflow: Dataflow, checkpoint: Checkpoint, shapes: Mapping[str, Shape | None]) -> None:
        self._checkpoint = checkpoint
        self._shapes = shapes
        self._limit = FREE_ELEMENTS + ELEMENTS_PER_BYTE * checkpoint.size_bytes
        self._products = 0
        self._makers: dict[str, Step] = {}
        self._found: dict[str, np.ndarray] = {}
        self._origin: dict[str, str] = {}
        self._computed = 0
        for step in dataflow.steps:
            if isinstance(step.operator, _DRAWN) or any(name and name not in self._makers for name in step.inputs):
                continue
            origin = next((self._origin[name] for name in step.inputs if self._origin.get(name)), "")
            if isinstance(step.operator, Weight):
                origin = step.operator.tensor
            for name in step.outputs:
                if name:
                    self._makers[name] = step
                    self._origin[name] = origin

    def __contains__(self, name: str) -> bool:
        return name in self._makers

    def origin(self, name: str) -> str:
        """The tensor a value comes from, the first one if several; empty for constants."""
        return self._origin[name]

    def is_constant(self, name: str) -> bool:
        """Whether no tensor of the checkpoint is in it."""
        return not self._origin[name]

    def array(self, name: str) -> np.ndarray:
        """The numbers of a value.

        Raises:
            ArchitectureMismatchError: they cannot be computed.
            LimitExceededError: computing them takes too much memory.
        """
        for step in self._needed(name):
            inputs = [self._found[each] if each else None for each in step.inputs]
            self._plan(step, inputs)
            self._found |= dict(zip(step.outputs, self._evaluated(step, inputs), strict=False))
        return self._found[name]

    def spend(self, elements: int) -> None:
        """Counts elements that are about to be computed or copied.

        Raises:
            LimitExceededError: they are too many for a file of this size.
        """
        self._computed += elements
        if self._computed > self._limit:
            message = f"weights computed from weights take more than {self._limit} elements"
            raise LimitExceededError(
                f"{message}, which is out of proportion to a file of {self._checkpoint.size_bytes} bytes"
            )

    def _plan(self, step: Step, inputs: list[np.ndarray | None]) -> None:
        """Counts what a step will take, before it takes it."""
        is_moved = isinstance(step.operator, _VIEWS) and all(each is None or each.flags.c_contiguous for each in inputs)
        if not is_moved and not isinstance(step.operator, Transpose | Slice | Expand):
            self.spend(sum(prod(self._shapes.get(name) or ()) for name in step.outputs if name))
        if isinstance(step.operator, Contract):
            letters, _, _ = step.operator.equation.partition("->")
            sizes = {
                letter: size
                for word, array in zip(letters.split(","), inputs, strict=True)
                for letter, size in zip(word, () if array is None else array.shape, strict=False)
            }
            self._products += prod(sizes.values())
            if self._products > MAX_PRODUCTS:
                raise LimitExceededError(f"weights are products of weights in more than {MAX_PRODUCTS} multiplications")

    def _evaluated(self, step: Step, inputs: list[np.ndarray | None]) -> tuple[np.ndarray, ...]:
        if isinstance(step.operator, Weight):
            return (self._checkpoint.tensor(step.operator.tensor).array(),)
        try:
            return evaluate(step.operator, inputs)
        except OperatorUnknownError as error:
            message = f"{step.outputs[0]!r} is a weight made by {step.operator.kind}, which is not computed here"
            raise ArchitectureMismatchError(message) from error

    def _needed(self, name: str) -> list[Step]:
        """The steps to compute, in order."""
        order: list[Step] = []
        waiting, seen = [(name, False)], set(self._found)
        while waiting:
            value, is_ready = waiting.pop()
            if is_ready:
                order.append(self._makers[value])
            elif value and value not in seen:
                seen.update(each for each in self._makers[value].outputs if each)
                waiting.append((value, True))
                waiting.extend((each, False) for each in self._makers[value].inputs)
        return order


def is_uniform(array: np.ndarray) -> bool:
    """Whether all elements are one number."""
    return array.size > 0 and bool((array == array.reshape(-1)[0]).all())
