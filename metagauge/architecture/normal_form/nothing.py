"""Operators that change nothing are left out."""

from math import inf

import numpy as np

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.operators.elementwise import Binary, Cast, Unary, Where
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Resize, Slice, Transpose
from metagauge.architecture.operators.reduction import Reduce
from metagauge.architecture.operators.shaping.rules import broadcast

FLOAT_MAX = float(np.finfo(np.float32).max)
_A_BIT = float(np.finfo(np.float32).eps)
"""A factor as close to one is one in float32: what is left of numbers that cancel."""


def leave_out(draft: Draft, call: Call) -> Call | str | None:
    """The value that an operator gives back as it got it."""
    shape = draft.shape(call.inputs[0]) if call.inputs and call.inputs[0] else None
    match call.operator:
        case Reshape(shape=new) | Expand(shape=new) if new == shape:
            return call.inputs[0]
        case Transpose(axes=axes) if axes == tuple(range(len(axes))):
            return call.inputs[0]
        case Slice(axis=axis, count=count, step=1) if shape is not None and shape[axis] == count:
            return call.inputs[0]
        case Concat() if len(call.inputs) == 1:
            return call.inputs[0]
        case Pad(widths=widths) if not any(any(pair) for pair in widths):
            return call.inputs[0]
        case Resize(shape=new, scales=scales) if new == shape and all(scale == 1.0 for scale in scales):
            return call.inputs[0]
        case Cast(numbers=numbers) if draft.kind(call.inputs[0]) == numbers:
            return call.inputs[0]
        case Unary(function="affine", alpha=factor, beta=0.0) if abs(factor - 1.0) < _A_BIT:
            return call.inputs[0]
        case Unary(function="power", alpha=1.0):
            return call.inputs[0]
        case Unary(function="clip", alpha=low, beta=high) if low <= -FLOAT_MAX and high >= FLOAT_MAX:
            return call.inputs[0]
        case Reduce(function="sum" | "mean" | "max" | "min" | "product", axes=()):
            return call.inputs[0]
        case Unary() | Binary() | Where():
            return _same_side(draft, call)
        case _:
            return None


def _same_side(draft: Draft, call: Call) -> str | None:
    """A sum with zeros, a product with ones, a choice whose condition is known."""
    match call:
        case Call(operator=Binary(function="add"), inputs=(left, right)):
            return _neutral(draft, left, right, 0.0) or _neutral(draft, right, left, 0.0)
        case Call(operator=Binary(function="subtract"), inputs=(left, right)):
            return _neutral(draft, left, right, 0.0)
        case Call(operator=Binary(function="multiply"), inputs=(left, right)):
            return _neutral(draft, left, right, 1.0) or _neutral(draft, right, left, 1.0)
        case Call(operator=Binary(function="divide" | "power"), inputs=(left, right)):
            return _neutral(draft, left, right, 1.0)
        case Call(operator=Binary(function="maximum"), inputs=(left, right)):
            return _bounded(draft, left, right, -inf, -FLOAT_MAX) or _bounded(draft, right, left, -inf, -FLOAT_MAX)
        case Call(operator=Binary(function="minimum"), inputs=(left, right)):
            return _bounded(draft, left, right, FLOAT_MAX, inf) or _bounded(draft, right, left, FLOAT_MAX, inf)
        case Call(operator=Where(), inputs=(condition, yes, no)):
            known = draft.scalar(condition)
            chosen = no if known is not None and not known else yes
            if known is None and yes != no:
                return None
            return chosen if draft.shape(chosen) == draft.shape_of(call) else None
        case _:
            return None


def _neutral(draft: Draft, x: str, other: str, number: float) -> str | None:
    """x, where the other operand is this number everywhere and stretches nothing."""
    return x if draft.scalar(other) == number and _keeps_shape(draft, x, other) else None


def _bounded(draft: Draft, x: str, other: str, low: float, high: float) -> str | None:
    bound = draft.scalar(other)
    return x if bound is not None and low <= bound <= high and _keeps_shape(draft, x, other) else None


def _keeps_shape(draft: Draft, x: str, other: str) -> bool:
    """Whether x, broadcast against the other, has x's shape; and integers stay what they are."""
    left, right = draft.shape(x), draft.shape(other)
    known = left is not None and right is not None and broadcast((left, right)) == left
    return known and (draft.kind(x) == draft.kind(other) or draft.kind(x) == "float")
