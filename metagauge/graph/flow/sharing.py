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
MOST_BASIS_ELEMENTS = 2**16
"""Of a basis."""


def basis(step: Step, checkpoint: Checkpoint) -> np.ndarray | None:
    """The numbers of a step that has no coefficients: a constant, or a stored tensor of ones and zeros."""
    operator = step.operator
    if isinstance(operator, Constant):
        return unpack(operator)
    if not isinstance(operator, Weight):
        return None
    tensor = checkpoint.tensor(operator.tensor)
    if tensor.size > MOST_BASIS_ELEMENTS:
        return None
    array = np.asarray(tensor.array(), np.float64)
    places = array != 0
    is_mixed = places.any() and not places.all()
    return array if is_mixed and (np.abs(array[places]) == 1).all() else None


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
        held = {step.operator.tensor: step for step in steps if isinstance(step.operator, Weight)}
        if all(self._checkpoint.tensor(tensor).size >= size for tensor in held):
            return None
        fixed = {name for name, step in held.items() if basis(step, self._checkpoint) is not None}
        if sum(self._checkpoint.tensor(tensor).size for tensor in held if tensor not in fixed) >= size:
            return None
        found = _Numbers()
        for step in steps:
            if not isinstance(step.operator, Weight):
                is_apart = found.follow(step)
            else:
                is_apart = True
                tensor = self._checkpoint.tensor(step.operator.tensor)
                if step.operator.tensor in fixed:
                    found.fix(step.outputs[0], tensor.array())
                else:
                    found.start(step.outputs[0], tensor.shape)
            if not is_apart:
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

    def fix(self, name: str, array: np.ndarray) -> None:
        """Numbers that are no coefficients."""
        self._constants[name] = array
        self.numbers[name] = np.zeros(array.shape, np.int64)

    def follow(self, step: Step) -> bool:
        """Whether each element of the step's value has one coefficient at most."""
        (output,), operator = step.outputs, step.operator
        if isinstance(operator, Constant):
            self.fix(output, unpack(operator))
            return True
        if all(name in self._constants for name in step.inputs):
            self.fix(output, evaluate(operator, [self._constants[name] for name in step.inputs])[0])
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
