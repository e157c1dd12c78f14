"""Softmax, however it is written, as one operator."""

import numpy as np

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.normal_form.look import binary_of, reduced_of, unary_of
from metagauge.architecture.operators.elementwise import Binary, Unary, Where
from metagauge.architecture.operators.movement import Expand, Reshape, Slice, Transpose
from metagauge.architecture.operators.reduction import Softmax

_DEPTH = 12
"""Operators between a softmax and its mask, at most."""


def collect_softmax(draft: Draft, call: Call) -> Call | str | None:
    """`exp(x - max) / sum`, its logarithm, and `x - log(sum(exp(x)))`."""
    match call:
        case Call(operator=Binary(function="divide"), inputs=(power, total)):
            found, x = reduced_of(draft, total, "sum"), unary_of(draft, power, "exp")
            if found is None or x is None or found[0] != power or len(found[1]) != 1:
                return None
            return Call(operator=Softmax(axis=found[1][0]), inputs=(_unshifted(draft, x, found[1]),))
        case Call(operator=Unary(function="log"), inputs=(shares,)):
            match draft.call(shares):
                case Call(operator=Softmax(axis=axis, logarithm=False), inputs=(x,)):
                    return Call(operator=Softmax(axis=axis, logarithm=True), inputs=(x,))
        case Call(operator=Binary(function="subtract"), inputs=(x, total)):
            found = reduced_of(draft, total, "log_sum_exp") or _log_sum(draft, total)
            if found is not None and found[0] == x and len(found[1]) == 1:
                inputs = (_unshifted(draft, x, found[1]),)
                return Call(operator=Softmax(axis=found[1][0], logarithm=True), inputs=inputs)
    return None


def _log_sum(draft: Draft, name: str) -> tuple[str, tuple[int, ...]] | None:
    """The x and axes of `log(sum(exp(x)))`."""
    total = unary_of(draft, name, "log")
    found = None if total is None else reduced_of(draft, total, "sum")
    x = None if found is None else unary_of(draft, found[0], "exp")
    return None if found is None or x is None else (x, found[1])


def _unshifted(draft: Draft, name: str, axes: tuple[int, ...]) -> str:
    """x, of x less its largest element."""
    operands = binary_of(draft, name, "subtract")
    if operands is not None and reduced_of(draft, operands[1], "max") == (operands[0], axes):
        return operands[0]
    return name


def drop_guard(draft: Draft, call: Call) -> Call | str | None:
    """`where(is_nan(s), 0, s)` of a softmax that never is not-a-number: no row of it is masked as a whole."""
    match call:
        case Call(operator=Where(), inputs=(condition, zero, shares)):
            source = draft.call(shares)
            if unary_of(draft, condition, "is_nan") != shares or draft.scalar(zero) != 0.0 or source is None:
                return None
            if isinstance(source.operator, Softmax) and not may_be_infinite(draft, source.inputs[0]):
                return shares if draft.shape(shares) == draft.shape_of(call) else None
    return None


def may_be_infinite(draft: Draft, name: str, depth: int = _DEPTH) -> bool:
    """Whether all elements of a row may be minus infinity, by a mask that depends on the input or masks all."""
    call = draft.call(name)
    if call is None or depth == 0:
        return False
    match call.operator:
        case Reshape() | Transpose() | Slice() | Expand() | Unary(function="affine"):
            return may_be_infinite(draft, call.inputs[0], depth - 1)
        case Unary(function="log"):
            return True
        case Binary(function="add" | "multiply"):
            return any(may_be_infinite(draft, each, depth - 1) for each in call.inputs)
        case Where():
            condition = draft.constant(call.inputs[0])
            if condition is not None and bool(condition.any(axis=-1).all()):
                return may_be_infinite(draft, call.inputs[1], depth - 1)
            return True
        case _:
            array = draft.constant(name)
            return array is not None and bool(np.isneginf(array).any()) and not _spares_each_row(array)


def _spares_each_row(array: np.ndarray) -> bool:
    return array.ndim > 0 and bool(np.isfinite(array).any(axis=-1).all())
