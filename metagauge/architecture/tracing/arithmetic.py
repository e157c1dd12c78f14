"""Operators on two values element by element, and on more; one with a known number is a function of the other."""

import math
from collections.abc import Mapping

import numpy as np

from metagauge.architecture.attributes import decimal, flag, integer
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.elementwise import Binary, BinaryFunction, Unary, UnaryFunction, Where
from metagauge.architecture.operators.shaping.rules import broadcast
from metagauge.architecture.tracing.constants import uniform
from metagauge.architecture.tracing.reshaping import expanded, reshaped
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, Value, required, shape_of
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node

FLOAT_MAX = float(np.finfo(np.float32).max)
"""What stands for infinity where a bound is left out."""

_FUNCTIONS: Mapping[str, BinaryFunction] = {
    "Add": "add",
    "Sub": "subtract",
    "Mul": "multiply",
    "Div": "divide",
    "Pow": "power",
    "PRelu": "prelu",
    "Equal": "equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
    "And": "and",
    "Or": "or",
    "Xor": "xor",
}
_MANY: Mapping[str, BinaryFunction] = {"Sum": "add", "Mean": "add", "Max": "maximum", "Min": "minimum"}


def unary(
    tracing: Tracing, function: UnaryFunction, x: Tensorlike, alpha: float = 0.0, beta: float = 0.0
) -> Tensorlike:
    """`function(x)`."""
    return tracing.apply(Unary(function=function, alpha=alpha, beta=beta), x)


def affine(tracing: Tracing, x: Tensorlike, factor: float, shift: float = 0.0) -> Tensorlike:
    """`factor x + shift`; x itself where that changes nothing."""
    return x if (factor, shift) == (1.0, 0.0) else unary(tracing, "affine", x, factor, shift)


def binary(tracing: Tracing, function: BinaryFunction, left: Tensorlike, right: Tensorlike) -> Tensorlike:
    """`function(left, right)`, broadcast; of one value where the other is one known number."""
    left, right = _learned(tracing, left, right), _learned(tracing, right, left)
    found = None
    number = _number(right, left)
    if number is not None:
        found = _with_right(tracing, function, left, number)
    else:
        number = _number(left, right)
        if number is not None:
            found = _with_left(tracing, function, number, right)
    return tracing.apply(Binary(function=function), left, right) if found is None else found


def where(tracing: Tracing, condition: Tensorlike, yes: Tensorlike, no: Tensorlike) -> Tensorlike:
    """yes where the condition holds; one side where it is known to be the same everywhere."""
    truth = uniform(condition.array) if isinstance(condition, Numbers) and condition.rows is None else None
    shape = broadcast((condition.shape, yes.shape, no.shape))
    if truth is not None and shape is not None:
        return expanded(tracing, yes if truth else no, shape)
    return tracing.apply(Where(), condition, yes, no)


def _number(state: Tensorlike, other: Tensorlike) -> float | None:
    """The number that `state` is everywhere, if it does not change the shape of `other`, which is data."""
    if not isinstance(state, Numbers) or state.rows or not isinstance(other, Value) or other.numbers != "float":
        return None
    if state.shape and (other.shape is None or broadcast((state.shape, other.shape)) != other.shape):
        return None
    first = uniform(state.array)
    if first is None or not math.isfinite(first):
        return None
    return decimal(first.item())


def _learned(tracing: Tracing, state: Tensorlike, other: Tensorlike) -> Tensorlike:
    """A list of one number beside a linear layer or convolution is the bias of its only output, and learned."""
    is_list = isinstance(state, Numbers) and bool(state.tensor) and len(state.shape) > 0
    if is_list and isinstance(other, Value) and isinstance(tracing.makers[other.name].operator, Contract | Convolve):
        return tracing.parameter(state)
    return state


def _with_right(tracing: Tracing, function: BinaryFunction, x: Tensorlike, number: float) -> Tensorlike | None:
    match function:
        case "add":
            return affine(tracing, x, 1.0, number)
        case "subtract":
            return affine(tracing, x, 1.0, -number)
        case "multiply":
            return affine(tracing, x, number)
        case "divide" if number != 0.0 and math.isfinite(1.0 / number):
            return affine(tracing, x, 1.0 / number)
        case "power":
            return power(tracing, x, number)
        case "maximum":
            return clip(tracing, x, number, FLOAT_MAX)
        case "minimum":
            return clip(tracing, x, -FLOAT_MAX, number)
        case _:
            return None


def _with_left(tracing: Tracing, function: BinaryFunction, number: float, x: Tensorlike) -> Tensorlike | None:
    match function:
        case "add" | "multiply" | "maximum" | "minimum":
            return _with_right(tracing, function, x, number)
        case "subtract":
            return affine(tracing, x, -1.0, number)
        case "divide":
            return affine(tracing, unary(tracing, "reciprocal", x), number)
        case _:
            return None


def power(tracing: Tracing, x: Tensorlike, exponent: float) -> Tensorlike:
    """x to a known power."""
    match exponent:
        case 1.0:
            return x
        case 0.5:
            return unary(tracing, "sqrt", x)
        case -1.0:
            return unary(tracing, "reciprocal", x)
        case _:
            return unary(tracing, "power", x, exponent)


def clip(tracing: Tracing, x: Tensorlike, low: float, high: float) -> Tensorlike:
    """x between two numbers."""
    if low <= -FLOAT_MAX and high >= FLOAT_MAX:
        return x
    if low == 0.0 and high >= FLOAT_MAX:
        return unary(tracing, "relu", x)
    return unary(tracing, "clip", x, max(low, -FLOAT_MAX), min(high, FLOAT_MAX))


def _binary(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    left, right = required(inputs, 0), required(inputs, 1)
    function = _FUNCTIONS[node.operator]
    if function == "prelu":
        return tracing.apply(Binary(function="prelu"), left, _slope(tracing, left, tracing.parameter(right)))
    if "axis" in node.attributes:
        right = _aligned(tracing, right, len(shape_of(left)), integer(node, "axis", 0))
    elif _is_per_channel(left, right):
        tracing.assumed["numbers that fit nowhere else are added to the channels, as old files mean it"] = None
        right = _aligned(tracing, right, len(shape_of(left)), 1)
    return binary(tracing, function, left, right)


def _slope(tracing: Tracing, x: Tensorlike, slope: Tensorlike) -> Tensorlike:
    """A slope for each channel, which old files write without the axes behind it."""
    shape, rank = shape_of(slope), len(shape_of(x))
    if len(shape) == 1 and rank > 2 and shape[0] not in (1, shape_of(x)[-1]):
        return reshaped(tracing, slope, (shape[0], *(1,) * (rank - 2)))
    return slope


def _aligned(tracing: Tracing, right: Tensorlike, rank: int, axis: int) -> Tensorlike:
    """`right` with its axes standing at `axis` and behind, as operator sets before 7 broadcast."""
    shape = shape_of(right)
    axis = axis + rank if axis < 0 else axis
    return reshaped(tracing, right, (*shape, *(1,) * (rank - axis - len(shape))))


def _is_per_channel(left: Tensorlike, right: Tensorlike) -> bool:
    """Whether `right` has one number for each channel and cannot be broadcast, as in files converted from old ones."""
    if left.shape is None or right.shape is None or len(right.shape) != 1 or len(left.shape) < 3:
        return False
    return right.shape[0] == left.shape[1] and right.shape[0] not in (1, left.shape[-1]) and left.shape[-1] != 1


def _modulo(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    function = "remainder" if flag(node, "fmod", False) else "modulo"
    return binary(tracing, function, required(inputs, 0), required(inputs, 1))


def _many(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    total = required(inputs, 0)
    for position in range(1, len(inputs)):
        total = binary(tracing, _MANY[node.operator], total, required(inputs, position))
    return affine(tracing, total, 1.0 / len(inputs)) if node.operator == "Mean" else total


def _where(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    return where(tracing, required(inputs, 0), required(inputs, 1), required(inputs, 2))


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    **{("", name): _binary for name in _FUNCTIONS},
    **{("", name): _many for name in _MANY},
    ("", "Mod"): _modulo,
    ("", "Where"): _where,
}
