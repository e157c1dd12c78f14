"""Which elements of a value a mask may have hidden, as far as that can be known before anything runs."""

from math import inf, isfinite, prod

import numpy as np

from metagauge.architecture.normal_form.draft import FOLD_ELEMENTS, Call, Draft
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.elementwise import Binary, Cast, Unary, Where
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Concat, Expand, Reshape, Slice, Transpose
from metagauge.architecture.operators.reduction import Reduce, Softmax, Standardise, WindowPool
from metagauge.architecture.operators.source import Constant, Weight

_DEPTH = 16
"""Most operators in a row that are looked through."""
_LARGEST_FACTOR = 100.0
"""Scores that are multiplied with more may be as low as a mask makes them."""
_MOVES = (Reshape, Transpose, Slice, Expand)
_TAME = frozenset(
    {
        *("relu", "leaky_relu", "elu", "celu", "selu", "gelu", "gelu_tanh", "silu", "mish", "softplus", "softsign"),
        *("hardswish", "hardsigmoid", "thresholded_relu", "shrink", "tanh", "sigmoid", "erf", "absolute", "negate"),
        *("sign", "floor", "ceil", "round", "sin", "cos", "atan"),
    }
)
"""Functions whose values are of the size of what they read, or smaller."""
_NOTHING = np.zeros((), bool)


def hidden(draft: Draft, name: str, least: float, depth: int = _DEPTH) -> np.ndarray | None:
    """Where an element may be at most `least`; broadcasts against the value. None where that is not known.

    What the network computes of what it is given is taken for finite and of ordinary size; what it is given and adds
    is not, as masks come so. Minus infinity as `least` asks for that alone, and a weight may hold it, too.
    """
    call, shape = draft.call(name), draft.shape(name)
    if call is None or shape is None or depth == 0:
        return None
    if draft.is_constant(name):
        return _of_constant(draft, name, least)
    match call.operator:
        case Weight():
            return None if least == -inf else _NOTHING
        case Contract() | Convolve():
            return _NOTHING if all(_is_data(draft, each, least, depth - 1) for each in call.inputs if each) else None
        case Standardise() | Softmax(logarithm=False):
            return _NOTHING
        case Cast():
            is_small = draft.kind(call.inputs[0]) == "bool" or least == -inf
            return _NOTHING if is_small and draft.kind(call.inputs[0]) in ("bool", "int") else None
        case Unary():
            return _of_function(call.operator, hidden(draft, call.inputs[0], least, depth - 1), least)
        case Binary(function="add" | "subtract" | "multiply" | "minimum" | "maximum") | Where():
            return _of_several(draft, call, least, depth)
        case Reshape() | Transpose() | Slice() | Expand():
            return _moved(draft, call, hidden(draft, call.inputs[0], least, depth - 1))
        case Concat() | Gather():
            parts = call.inputs if isinstance(call.operator, Concat) else call.inputs[:1]
            found = [hidden(draft, each, least, depth - 1) for each in parts]
            return _NOTHING if all(each is not None and not each.any() for each in found) else None
        case _:
            return None


def spares_each_row(hides: np.ndarray, shape: tuple[int, ...], axis: int) -> bool:
    """Whether something is left of each row along an axis of a value with this shape."""
    hides = hides.reshape((1,) * (len(shape) - hides.ndim) + hides.shape)
    return not bool(hides.all(axis=axis).any())


def _of_constant(draft: Draft, name: str, least: float) -> np.ndarray | None:
    array = draft.constant(name)
    if array is None or array.dtype.kind != "f":
        return None if array is None else _NOTHING
    if bool((np.isnan(array) | np.isposinf(array)).any()):
        return None
    return array <= least


def _of_function(operator: Unary, inner: np.ndarray | None, least: float) -> np.ndarray | None:
    if inner is None:
        return None
    match operator:
        case Unary(function="affine", alpha=factor, beta=shift):
            is_small = least == -inf or (abs(factor) <= _LARGEST_FACTOR and abs(shift) <= _LARGEST_FACTOR)
            if not (isfinite(factor) and isfinite(shift) and is_small):
                return None
            return inner if (factor > 0 and (least == -inf or factor >= 1.0)) or not inner.any() else None
        case Unary(function="clip", alpha=low, beta=high) if low < inf and high > -inf:
            if isfinite(low) and low > least:
                return _NOTHING
            return inner if high > least else None
        case Unary(function=function) if function in _TAME and not inner.any():
            return _NOTHING
        case _:
            return None


def _of_several(draft: Draft, call: Call, least: float, depth: int) -> np.ndarray | None:
    operands = call.inputs[1:] if isinstance(call.operator, Where) else call.inputs
    found = [hidden(draft, each, least, depth - 1) for each in operands]
    known = [each for each in found if each is not None]
    shape = np.broadcast_shapes(*(each.shape for each in known))
    if len(known) != 2 or prod(shape) > FOLD_ELEMENTS:
        return None
    left, right = known
    match call.operator:
        case Where():
            condition = draft.constant(call.inputs[0])
            if condition is None:
                return left | right
            shape = np.broadcast_shapes(shape, condition.shape)
            return np.where(condition, left, right) if prod(shape) <= FOLD_ELEMENTS else None
        case Binary(function="subtract" | "multiply"):
            is_tame = not right.any() and (isinstance(call.operator, Binary) and call.operator.function == "subtract")
            return left if is_tame else _NOTHING if not left.any() and not right.any() else None
        case _:
            return left | right


def _moved(draft: Draft, call: Call, inner: np.ndarray | None) -> np.ndarray | None:
    if inner is None or not inner.any():
        return inner
    shape = draft.shape(call.inputs[0])
    if shape is None or prod(shape) > FOLD_ELEMENTS or not isinstance(call.operator, _MOVES):
        return None
    if isinstance(call.operator, Expand) and prod(call.operator.shape) > FOLD_ELEMENTS:
        return None
    return evaluate(call.operator, [np.broadcast_to(inner, shape)])[0]


def _is_data(draft: Draft, name: str, least: float, depth: int) -> bool:
    """Whether a value is what a network computes with, and nothing in it has been masked or divided by zero."""
    call = draft.call(name)
    if call is None:
        return True
    if depth == 0:
        return False
    if draft.is_constant(name):
        found = _of_constant(draft, name, least)
        return found is not None and not found.any()
    match call.operator:
        case Weight() | Constant() | Contract() | Convolve() | Standardise() | Softmax(logarithm=False) | WindowPool():
            return True
        case Unary(function="affine" | "clip", alpha=alpha, beta=beta):
            return isfinite(alpha) and isfinite(beta) and _is_data(draft, call.inputs[0], least, depth - 1)
        case Unary(function="power", alpha=2.0) | Reduce(function="sum" | "mean" | "max" | "min" | "l2"):
            return _is_data(draft, call.inputs[0], least, depth - 1)
        case Unary(function=function):
            return function in _TAME and _is_data(draft, call.inputs[0], least, depth - 1)
        case Binary(function="divide"):
            return _is_data(draft, call.inputs[0], least, depth - 1) and _is_positive(draft, call.inputs[1], depth)
        case Binary(function="add" | "subtract" | "multiply" | "minimum" | "maximum") | Concat():
            return all(_is_data(draft, each, least, depth - 1) for each in call.inputs)
        case Where():
            return all(_is_data(draft, each, least, depth - 1) for each in call.inputs[1:])
        case Reshape() | Transpose() | Slice() | Expand() | Gather() | Cast():
            return _is_data(draft, call.inputs[0], least, depth - 1)
        case _:
            return False


def _is_positive(draft: Draft, name: str, depth: int) -> bool:
    """Whether a divisor cannot be zero."""
    call = draft.call(name)
    if call is None or depth == 0:
        return False
    if draft.is_constant(name):
        array = draft.constant(name)
        return array is not None and bool((array > 0).all())
    match call.operator:
        case Unary(function="clip", alpha=low):
            return low > 0
        case Unary(function="affine", alpha=factor, beta=shift):
            return shift > 0 and factor > 0 and _is_no_less_than_zero(draft, call.inputs[0])
        case Unary(function="sqrt") | Reshape() | Transpose() | Slice() | Expand():
            return _is_positive(draft, call.inputs[0], depth - 1)
        case _:
            return False


def _is_no_less_than_zero(draft: Draft, name: str) -> bool:
    call = draft.call(name)
    match call:
        case Call(
            operator=Unary(function="power", alpha=2.0) | Unary(function="absolute" | "relu" | "sqrt" | "sigmoid")
        ):
            return True
        case Call(operator=Reduce(function="l2")):
            return True
        case Call(operator=Reduce(function="sum" | "mean"), inputs=(x,)):
            inner = draft.call(x)
            return inner is not None and inner.operator == Unary(function="power", alpha=2.0)
        case _:
            return False
