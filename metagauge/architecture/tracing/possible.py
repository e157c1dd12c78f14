"""Which elements of a value can be other than zero at all, however the network routes its tokens."""

from collections.abc import Mapping
from math import prod

import numpy as np

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.elementwise import Binary, Cast
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.indexing import OneHot
from metagauge.architecture.operators.movement import Reshape, Slice, Transpose
from metagauge.architecture.operators.reduction import Extreme, Reduce, TopK
from metagauge.architecture.operators.source import Constant
from metagauge.architecture.tracing.constants import READ_LIMIT
from metagauge.architecture.tracing.states import Shape, Value

_DEPTH = 32
"""Most steps between a choice and what is made of it."""

ShapeOf = Mapping[str, Shape | None]


def possible(value: Value, makers: Mapping[str, Step], shapes: ShapeOf) -> np.ndarray | None:
    """The largest that each element can be; None where that is not known.

    Follows one-hot vectors of the best of several scores through operators that only grow with what they read.
    """
    return _largest(value.name, makers, shapes, 0)


def _largest(name: str, makers: Mapping[str, Step], shapes: ShapeOf, depth: int) -> np.ndarray | None:
    step, shape = makers[name], shapes.get(name)
    if depth > _DEPTH or shape is None or prod(shape) > READ_LIMIT:
        return None
    match step.operator:
        case Constant():
            return evaluate(step.operator, ())[0]
        case OneHot() as operator if operator.on > operator.off >= 0.0:
            return _one_hot(operator, step, makers, shapes)
        case Transpose() | Reshape() | Slice() | Cast() | Reduce(function="sum" | "max"):
            x = _largest(step.inputs[0], makers, shapes, depth + 1)
            return None if x is None else evaluate(step.operator, (x,))[0]
        case Binary(function="greater" | "greater_equal") if isinstance(makers[step.inputs[1]].operator, Constant):
            left, right = (_largest(each, makers, shapes, depth + 1) for each in step.inputs)
            return None if left is None or right is None else evaluate(step.operator, (left, right))[0]
        case _:
            return None


def _one_hot(operator: OneHot, step: Step, makers: Mapping[str, Step], shapes: ShapeOf) -> np.ndarray | None:
    shape, bound = shapes.get(step.outputs[0]), _bound(step.inputs[0], makers, shapes)
    if shape is None or bound is None or prod(shape) > READ_LIMIT:
        return None
    inside = np.arange(operator.depth) < bound
    numbers = np.where(inside, operator.on, operator.off)
    return np.broadcast_to(numbers.reshape(-1, *(1,) * (len(shape) - operator.axis - 1)), shape)


def _bound(name: str, makers: Mapping[str, Step], shapes: ShapeOf) -> int | None:
    """How many different indices a value can hold: as many as there were scores to choose from."""
    for _ in range(_DEPTH):
        step = makers[name]
        match step.operator:
            case TopK(axis=axis) | Extreme(axis=axis) if name == step.outputs[-1]:
                shape = shapes.get(step.inputs[0])
                return None if shape is None else shape[axis]
            case Transpose() | Reshape() | Slice() | Cast():
                name = step.inputs[0]
            case _:
                return None
    return None
