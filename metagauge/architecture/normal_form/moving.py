"""Movements in a row are one movement, and one of several that do the same."""

from math import prod

import numpy as np

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.operators.elementwise import Binary, Unary
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Concat, Expand, Reshape, Slice, Transpose
from metagauge.architecture.operators.reduction import Reduce


def join_moves(draft: Draft, call: Call) -> Call | str | None:
    """Two of the same kind as one."""
    if not call.inputs or not call.inputs[0]:
        return None
    inner = draft.call(call.inputs[0])
    match call.operator, inner:
        case Reshape(), Call(operator=Reshape(), inputs=(x,)):
            return Call(operator=call.operator, inputs=(x,))
        case Expand(), Call(operator=Expand(), inputs=(x,)):
            return Call(operator=call.operator, inputs=(x,))
        case Transpose(axes=outer), Call(operator=Transpose(axes=axes), inputs=(x,)):
            return Call(operator=Transpose(axes=tuple(axes[axis] for axis in outer)), inputs=(x,))
        case Transpose(axes=axes), _:
            return _as_reshape(draft, axes, call.inputs[0])
        case Slice(axis=axis) as outer, Call(operator=Slice() as before, inputs=(x,)) if before.axis == axis:
            start = before.start + outer.start * before.step
            both = Slice(axis=axis, start=start, count=outer.count, step=outer.step * before.step)
            return Call(operator=both, inputs=(x,))
        case Slice(step=1) as outer, Call(operator=Concat(), inputs=parts) if len(parts) > 1:
            return _part(draft, outer, inner, parts)
        case Concat(), _:
            return _flatter(draft, call)
        case _:
            return None


def reshape_last(draft: Draft, call: Call) -> Call | str | None:
    """What is computed of means and the like first, the reshape that takes their axes away after it."""
    match call:
        case Call(operator=Unary(), inputs=(name,)):
            match draft.call(name):
                case Call(operator=Reshape() as reshape, inputs=(x,)) if _is_statistic(draft, x):
                    return Call(operator=reshape, inputs=(draft.make(call.operator, x),))
        case Call(operator=Binary(), inputs=(left, right)):
            match draft.call(left), draft.call(right):
                case (
                    Call(operator=Reshape() as reshape, inputs=(x,)),
                    Call(operator=Reshape() as other, inputs=(y,)),
                ) if reshape == other and draft.shape(x) == draft.shape(y) and _is_statistic(draft, x):
                    return Call(operator=reshape, inputs=(draft.make(call.operator, x, y),))
    return None


def _is_statistic(draft: Draft, name: str) -> bool:
    """Whether a value is a reduction that keeps its axes, or made of some."""
    for _ in range(_STATISTIC):
        match draft.call(name):
            case Call(operator=Reduce()):
                return True
            case Call(operator=Unary() | Binary(), inputs=inputs):
                name = inputs[0]
            case _:
                return False
    return False


_STATISTIC = 8
"""Most operators between a mean and what is made of it: a variance and its root take five."""


def _as_reshape(draft: Draft, axes: tuple[int, ...], x: str) -> Call | None:
    """A transposition that only moves axes of one."""
    shape = draft.shape(x)
    if shape is None:
        return None
    moved = [axis for axis in axes if shape[axis] != 1]
    if moved != sorted(moved):
        return None
    return Call(operator=Reshape(shape=tuple(shape[axis] for axis in axes)), inputs=(x,))


def _part(draft: Draft, outer: Slice, inner: Call | None, parts: tuple[str, ...]) -> Call | str | None:
    """A slice of what was put together, if it lies within one part."""
    if inner is None or not isinstance(inner.operator, Concat):
        return None
    rank = len(draft.shape(parts[0]) or ())
    if not rank or inner.operator.axis % rank != outer.axis % rank:
        return None
    begin = 0
    for part in parts:
        shape = draft.shape(part)
        if shape is None:
            return None
        size = shape[outer.axis]
        if begin <= outer.start and outer.start + outer.count <= begin + size:
            kept = Slice(axis=outer.axis, start=outer.start - begin, count=outer.count)
            return Call(operator=kept, inputs=(part,))
        begin += size
    return None


def _flatter(draft: Draft, call: Call) -> Call | None:
    """Parts that are themselves put together along the same axis, and neighbouring slices of one value."""
    if not isinstance(call.operator, Concat):
        return None
    parts: list[str] = []
    for name in call.inputs:
        inner = draft.call(name)
        if inner is not None and inner.operator == call.operator and draft.is_read_once(name):
            parts.extend(inner.inputs)
        elif parts and (joined := _neighbours(draft, call.operator, parts[-1], name)) is not None:
            parts[-1] = joined
        else:
            parts.append(name)
    return None if tuple(parts) == call.inputs else Call(operator=call.operator, inputs=tuple(parts))


def _neighbours(draft: Draft, operator: Concat, left: str, right: str) -> str | None:
    match draft.call(left), draft.call(right):
        case (
            Call(operator=Slice(axis=axis, step=1) as first, inputs=(x,)),
            Call(operator=Slice(step=1) as second, inputs=(same,)),
        ) if x == same and second.axis == axis and first.start + first.count == second.start:
            shape = draft.shape(x)
            if shape is not None and operator.axis % len(shape) == axis % len(shape):
                return draft.make(Slice(axis=axis, start=first.start, count=first.count + second.count), x)
    return None


def gather_known(draft: Draft, call: Call) -> Call | str | None:
    """Picking known neighbouring elements is a slice; one for all, a slice that is expanded."""
    match call:
        case Call(operator=Gather(axis=axis), inputs=(x, indices)):
            places, shape = draft.constant(indices), draft.shape(x)
            if places is None or shape is None or places.size == 0 or places.dtype.kind not in "iu":
                return None
            axis %= len(shape)
            if places.min() < -shape[axis] or places.max() >= shape[axis]:
                return None
            flat = np.where(places < 0, places + shape[axis], places).ravel().astype(np.int64)
            first, step = int(flat[0]), int(flat[1] - flat[0]) if flat.size > 1 else 1
            result = (*shape[:axis], *places.shape, *shape[axis + 1 :])
            if not bool((np.diff(flat) == step).all()):
                return None
            if step == 0:
                part = draft.make(Slice(axis=axis, start=first, count=1), x)
                one = draft.make(Reshape(shape=(*shape[:axis], *(1,) * places.ndim, *shape[axis + 1 :])), part)
                return Call(operator=Expand(shape=result), inputs=(one,))
            part = draft.make(Slice(axis=axis, start=first, count=flat.size, step=step), x)
            return Call(operator=Reshape(shape=result), inputs=(part,)) if prod(result) else None
    return None
