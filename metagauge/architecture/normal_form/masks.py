"""Masks before a softmax: one spelling of those that are known, and none for one that lets everything through.

What is masked gets minus infinity in one place, the least float, -10000 or -1e9 in others; it is added, or chosen.
"""

from dataclasses import dataclass
from math import inf

import numpy as np

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.normal_form.look import binary_of
from metagauge.architecture.normal_form.nothing import FLOAT_MAX
from metagauge.architecture.operators.elementwise import Binary, Unary, Where
from metagauge.architecture.operators.reduction import Softmax
from metagauge.architecture.operators.shaping.rules import broadcast

MASKED = -9999.0
"""What is added to a masked element is at most this; beside other elements, its exponential is nothing."""
_DEPTH = 8
"""Most sums and masks in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Masked:
    """A value and where it is let through; None for everywhere."""

    value: str
    mask: np.ndarray | None = None


def respell_mask(draft: Draft, call: Call) -> Call | str | None:
    """`softmax(where(mask, x, -inf))` with all constant masks in one, unless a row is masked as a whole."""
    match call:
        case Call(operator=Softmax(axis=axis), inputs=(name,)):
            shape = draft.shape(name)
            found = _unmasked(draft, name, _DEPTH)
            if found.mask is None or shape is None:
                return None
            if draft.shape(found.value) != shape:
                return None
            mask = _reduced(found.mask, len(shape))
            if not bool(np.broadcast_to(mask, shape).any(axis=axis).all()):
                return None
            if mask.all():
                return Call(operator=call.operator, inputs=(found.value,))
            masked = draft.make(Where(), draft.array(mask), found.value, draft.number(-inf))
            return None if masked == name else Call(operator=call.operator, inputs=(masked,))
        case _:
            return None


def _unmasked(draft: Draft, name: str, depth: int) -> _Masked:
    call = draft.call(name)
    if call is None or depth == 0:
        return _Masked(value=name)
    match call:
        case Call(operator=Binary(function="add"), inputs=(left, right)):
            return _sum(draft, name, left, right, depth)
        case Call(operator=Where(), inputs=(condition, yes, no)):
            chosen = draft.constant(condition)
            if chosen is None:
                return _Masked(value=name)
            if _is_masked(draft, no):
                return _both(_unmasked(draft, yes, depth - 1), chosen.astype(bool))
            if _is_masked(draft, yes):
                return _both(_unmasked(draft, no, depth - 1), ~chosen.astype(bool))
            return _Masked(value=name)
        case Call(operator=Unary(function="clip", alpha=low, beta=high), inputs=(x,)):
            inner = _unmasked(draft, x, depth - 1) if low <= MASKED and high >= FLOAT_MAX else _Masked(value=name)
            return _Masked(value=name) if inner.mask is None else inner
        case _:
            return _Masked(value=name)


def _sum(draft: Draft, name: str, left: str, right: str, depth: int) -> _Masked:
    for x, other in ((left, right), (right, left)):
        mask = _added_mask(draft, other)
        if mask is not None:
            return _both(_unmasked(draft, _without_zeros(draft, x, mask), depth - 1), mask)
    first, second = _unmasked(draft, left, depth - 1), _unmasked(draft, right, depth - 1)
    masks = [each.mask for each in (first, second) if each.mask is not None]
    if not masks:
        return _Masked(value=name)
    total = _Masked(value=draft.make(Binary(function="add"), first.value, second.value))
    for mask in masks:
        total = _both(total, mask)
    return total


def _both(inner: _Masked, mask: np.ndarray) -> _Masked:
    return _Masked(value=inner.value, mask=mask if inner.mask is None else inner.mask & mask)


def _is_masked(draft: Draft, name: str) -> bool:
    """Whether a value is so small everywhere that nothing is left of it."""
    number = draft.scalar(name)
    return number is not None and number <= MASKED


def _added_mask(draft: Draft, name: str) -> np.ndarray | None:
    """Where zero is added, if nothing but zero and very small numbers are."""
    array = draft.constant(name)
    if array is None or array.dtype.kind != "f" or not bool(((array == 0) | (array <= MASKED)).all()):
        return None
    return array == 0


def _without_zeros(draft: Draft, name: str, mask: np.ndarray) -> str:
    """x, of x times one where the mask lets it through and zero elsewhere: GPT-2 once masked so."""
    operands = binary_of(draft, name, "multiply")
    if operands is None:
        return name
    x, other = operands
    array = draft.constant(other)
    if array is None or draft.shape(x) != draft.shape(name) or not bool(((array == 0) | (array == 1)).all()):
        return name
    shape = broadcast((array.shape, mask.shape))
    if shape is None or bool((np.broadcast_to(mask, shape) & (np.broadcast_to(array, shape) == 0)).any()):
        return name
    return x


def _reduced(mask: np.ndarray, rank: int) -> np.ndarray:
    """The mask with axes along which it is the same everywhere of size one, and as many axes as x."""
    mask = mask.reshape((1,) * (rank - mask.ndim) + mask.shape)
    for axis in range(rank):
        first = mask.take([0], axis=axis)
        if bool((mask == first).all()):
            mask = first
    return mask
