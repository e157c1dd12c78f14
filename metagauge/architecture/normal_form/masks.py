"""Masks before a softmax: one spelling of those that are known, and none for one that lets everything through.

What is masked gets minus infinity in one place, the least float, -10000 or -1e9 in others; it is added, or chosen.
Numbers that are only very small count where nothing else is masked: beside them, another mask's minus infinity is less.
"""

from dataclasses import dataclass, replace
from math import inf, prod

import numpy as np

from metagauge.architecture.normal_form.draft import FOLD_ELEMENTS, Call, Draft
from metagauge.architecture.normal_form.hidden import hidden, spares_each_row
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
    is_exact: bool = True
    """Whether what is masked gets minus infinity."""


def respell_mask(draft: Draft, call: Call) -> Call | str | None:
    """`softmax(where(mask, x, -inf))` with all constant masks in one, unless a row may be masked as a whole.

    The logarithm of a very small share is no small number, and of none it is minus infinity: there, masks stay.
    """
    match call:
        case Call(operator=Softmax(axis=axis, logarithm=logarithm), inputs=(name,)):
            shape = draft.shape(name)
            found = _unmasked(draft, name, _DEPTH)
            if found.mask is None or shape is None:
                return None
            if draft.shape(found.value) != shape:
                return None
            mask = _reduced(found.mask, len(shape))
            if mask.all():
                return Call(operator=call.operator, inputs=(found.value,))
            if not spares_each_row(~mask, shape, axis) or not (found.is_exact or _is_bare(draft, found.value)):
                return None
            if logarithm and not found.is_exact:
                return None
            masked = draft.make(Where(), draft.array(mask), found.value, draft.number(-inf))
            return None if masked == name else Call(operator=call.operator, inputs=(masked,))
        case _:
            return None


def _is_bare(draft: Draft, name: str) -> bool:
    """Whether no other mask is in a value, for all that is known."""
    hides = hidden(draft, name, MASKED)
    return hides is not None and not bool(hides.any())


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
            for x, fill, mask in ((yes, no, chosen.astype(bool)), (no, yes, ~chosen.astype(bool))):
                number = draft.scalar(fill)
                if number is not None and number <= MASKED:
                    inner = _unmasked(draft, x, depth - 1)
                    return _both(name, inner, _Masked(value=x, mask=mask, is_exact=number == -inf))
            return _Masked(value=name)
        case Call(operator=Unary(function="clip", alpha=low, beta=high), inputs=(x,)):
            inner = _unmasked(draft, x, depth - 1) if low <= MASKED and high >= FLOAT_MAX else _Masked(value=name)
            return _Masked(value=name) if inner.mask is None else replace(inner, is_exact=False)
        case _:
            return _Masked(value=name)


def _sum(draft: Draft, name: str, left: str, right: str, depth: int) -> _Masked:
    for x, other in ((left, right), (right, left)):
        mask = _added_mask(draft, other)
        if mask is not None:
            return _both(name, _unmasked(draft, _without_zeros(draft, x, mask.mask), depth - 1), mask)
    first, second = _unmasked(draft, left, depth - 1), _unmasked(draft, right, depth - 1)
    if first.mask is None and second.mask is None:
        return _Masked(value=name)
    total = draft.make(Binary(function="add"), first.value, second.value)
    return _both(name, replace(first, value=total), second)


def _both(name: str, inner: _Masked, outer: _Masked) -> _Masked:
    """What `inner` is of, under both masks; the value itself where the two together would be too large."""
    if inner.mask is None or outer.mask is None:
        return replace(inner, mask=outer.mask if inner.mask is None else inner.mask, is_exact=_are_exact(inner, outer))
    if prod(np.broadcast_shapes(inner.mask.shape, outer.mask.shape)) > FOLD_ELEMENTS:
        return _Masked(value=name)
    return replace(inner, mask=inner.mask & outer.mask, is_exact=_are_exact(inner, outer))


def _are_exact(inner: _Masked, outer: _Masked) -> bool:
    return inner.is_exact and outer.is_exact


def _added_mask(draft: Draft, name: str) -> _Masked | None:
    """Where zero is added, if nothing but zero and very small numbers are."""
    array = draft.constant(name)
    if array is None or array.dtype.kind != "f" or not bool(((array == 0) | (array <= MASKED)).all()):
        return None
    return _Masked(value=name, mask=array == 0, is_exact=bool(((array == 0) | (array == -inf)).all()))


def _without_zeros(draft: Draft, name: str, mask: np.ndarray | None) -> str:
    """x, of x times one where the mask lets it through and zero elsewhere: GPT-2 once masked so."""
    operands = binary_of(draft, name, "multiply")
    if operands is None or mask is None:
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
