"""Which elements of a weight are one coefficient: weights made of rotated copies, or of coefficients times a basis.

A linear layer that commutes with a group is a sum of coefficients times basis elements (Lim et al. 2024, app. B). Its
edges fall into sets with one coefficient each. The steps that make such a weight are followed here with the numbers of
the coefficients in the place of their values.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Unary
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.literal import unpack
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Slice, Transpose
from metagauge.architecture.operators.source import Constant, Weight
from metagauge.checkpoint.checkpoint import Checkpoint

MOST_ELEMENTS = 2**22
"""Of a weight whose coefficients are told apart."""


class Sharing:
    """The coefficients of a dataflow's weights."""

    def __init__(self, dataflow: Dataflow, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._makers = {name: step for step in dataflow.steps for name in step.outputs}

    def coefficients(self, name: str, size: int) -> np.ndarray | None:
        """For each element of a weight of that size the number of its coefficient, -1 where it has none.

        None if each element has its own, as in most weights, or if the steps that make it mix coefficients.
        """
        if size > MOST_ELEMENTS:
            return None
        steps = self._steps(name)
        if steps is None:
            return None
        tensors = {step.operator.tensor for step in steps if isinstance(step.operator, Weight)}
        if sum(prod(self._checkpoint.tensor(tensor).shape) for tensor in tensors) >= size:
            return None
        found = _Numbers()
        for step in steps:
            if isinstance(step.operator, Weight):
                found.start(step.outputs[0], self._checkpoint.tensor(step.operator.tensor).shape)
            elif not found.follow(step):
                return None
        return found.numbers[name] - 1

    def _steps(self, name: str) -> list[Step] | None:
        """What makes a value, in order; None if a step is none that keeps coefficients apart."""
        order: list[Step] = []
        waiting, seen = [(name, False)], set[str]()
        while waiting:
            value, is_ready = waiting.pop()
            step = self._makers[value]
            if is_ready:
                order.append(step)
            elif value not in seen:
                if not _keeps_apart(step):
                    return None
                seen.add(value)
                waiting.append((value, True))
                waiting.extend((each, False) for each in step.inputs)
        return order


class _Numbers:
    """For each value the numbers of its coefficients, counted from one; zero where there is none."""

    def __init__(self) -> None:
        self.numbers: dict[str, np.ndarray] = {}
        self._constants: dict[str, np.ndarray] = {}
        self._count = 0

    def start(self, name: str, shape: Sequence[int]) -> None:
        """A tensor, each element of which is a coefficient."""
        count = prod(shape)
        self.numbers[name] = np.arange(self._count + 1, self._count + count + 1).reshape(tuple(shape))
        self._count += count

    def follow(self, step: Step) -> bool:
        """Whether each element of the step's value has one coefficient at most."""
        (output,), operator = step.outputs, step.operator
        if isinstance(operator, Constant):
            self._constants[output] = unpack(operator)
            self.numbers[output] = np.zeros(operator.shape, np.int64)
            return True
        if all(name in self._constants for name in step.inputs):
            (self._constants[output],) = evaluate(operator, [self._constants[name] for name in step.inputs])
            self.numbers[output] = np.zeros(self._constants[output].shape, np.int64)
            return True
        if isinstance(operator, Contract):
            return self._contract(operator, step.inputs, output)
        if isinstance(operator, Unary):
            self.numbers[output] = self.numbers[step.inputs[0]]
        else:
            (self.numbers[output],) = evaluate(operator, [self.numbers[name] for name in step.inputs])
        return True

    def _contract(self, operator: Contract, inputs: Sequence[str], output: str) -> bool:
        if sum(name not in self._constants for name in inputs) != 1:
            return False
        plain = Contract(equation=operator.equation)
        held = [
            (self._constants[name] != 0 if name in self._constants else self.numbers[name]).astype(np.float64)
            for name in inputs
        ]
        (terms,) = evaluate(plain, [(each != 0).astype(np.float64) for each in held])
        if terms.size and terms.max() > 1:
            return False
        self.numbers[output] = np.rint(evaluate(plain, held)[0]).astype(np.int64)
        return True


def _keeps_apart(step: Step) -> bool:
    match step.operator:
        case Weight() | Constant() | Reshape() | Transpose() | Slice() | Expand() | Concat() | Contract():
            return True
        case Pad() as pad:
            return pad.mode == "constant" and pad.value == 0
        case Unary() as unary:
            return unary.function == "negate" or (unary.function == "affine" and unary.beta == 0)
        case _:
            return False
