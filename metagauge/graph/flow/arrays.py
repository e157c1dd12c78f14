"""Which values of a dataflow are weights, or computed from weights alone, and their numbers."""

import numpy as np

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Convolve
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.movement import Resize
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import LocalNorm, WindowPool
from metagauge.architecture.operators.sampling import Sample
from metagauge.architecture.operators.source import Given, Weight
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import ArchitectureMismatchError, LimitExceededError, OperatorUnknownError

_DRAWN = (Given, Opaque, Carry, Choose, Convolve, LocalNorm, Recurrent, Resize, Sample, WindowPool)
"""Operators that are drawn also where they read weights alone: what they compute is not computed for a graph."""
MAX_COMPUTED = 2**30
"""Elements that weights computed from weights may take in one graph; views take none."""


class Arrays:
    """The numbers of values that do not depend on the input, computed when they are asked for."""

    def __init__(self, dataflow: Dataflow, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
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
            found = self._evaluated(step, inputs)
            for output, array in zip(step.outputs, found, strict=False):
                is_view = any(
                    array.base is not None and np.may_share_memory(array, each) for each in inputs if each is not None
                )
                self._computed += 0 if is_view or isinstance(step.operator, Weight) else array.size
                self._found[output] = array
            if self._computed > MAX_COMPUTED:
                raise LimitExceededError(f"weights computed from weights take more than {MAX_COMPUTED} elements")
        return self._found[name]

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
