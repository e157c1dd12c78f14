"""The shapes of operators that only move elements."""

from math import prod
from typing import assert_never

from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Resize, Slice, Transpose
from metagauge.architecture.operators.shaping.rules import Shape, Shapes, axis_in, broadcast
from metagauge.errors import ArchitectureMismatchError

Movement = Reshape | Transpose | Slice | Expand | Pad | Resize | Concat


def shape(operator: Movement, inputs: Shapes) -> Shape | None:
    """The shape of the moved elements.

    Raises:
        ArchitectureMismatchError: the operator does not fit its inputs.
    """
    match operator:
        case Reshape():
            return _reshape(operator, inputs[0])
        case Transpose():
            return _transpose(operator, inputs[0])
        case Slice():
            return _slice(operator, inputs[0])
        case Expand():
            if inputs[0] is not None and broadcast((inputs[0], operator.shape)) != operator.shape:
                raise ArchitectureMismatchError(f"{list(inputs[0])} cannot be expanded to {list(operator.shape)}")
            return operator.shape
        case Pad():
            return _pad(operator, inputs[0])
        case Resize():
            if len(operator.scales) != len(operator.shape):
                raise ArchitectureMismatchError("resize has not one scale for every axis")
            if inputs[0] is not None and len(inputs[0]) != len(operator.shape):
                raise ArchitectureMismatchError(f"{list(inputs[0])} cannot be resized to {list(operator.shape)}")
            return operator.shape
        case Concat():
            return _concat(operator, inputs)
        case _:
            assert_never(operator)


def _reshape(operator: Reshape, given: Shape | None) -> Shape:
    if min(operator.shape, default=0) < 0:
        raise ArchitectureMismatchError(f"reshape to {list(operator.shape)}, with a size below zero")
    if given is not None and prod(given) != prod(operator.shape):
        raise ArchitectureMismatchError(f"{list(given)} cannot be reshaped to {list(operator.shape)}")
    return operator.shape


def _transpose(operator: Transpose, given: Shape | None) -> Shape | None:
    if sorted(operator.axes) != list(range(len(operator.axes))):
        raise ArchitectureMismatchError(f"{list(operator.axes)} is no order of axes")
    if given is None:
        return None
    if len(operator.axes) != len(given):
        raise ArchitectureMismatchError(f"order {list(operator.axes)} for the axes of {list(given)}")
    return tuple(given[axis] for axis in operator.axes)


def _slice(operator: Slice, given: Shape | None) -> Shape | None:
    if given is None:
        return None
    axis = axis_in(operator.axis, given)
    last = operator.start + (operator.count - 1) * operator.step
    is_inside = 0 <= operator.start < given[axis] and 0 <= last < given[axis]
    if operator.count < 0 or operator.step == 0 or (operator.count > 0 and not is_inside):
        message = f"{operator.count} elements from {operator.start} in steps of {operator.step}"
        raise ArchitectureMismatchError(f"{message} of axis {axis} of {list(given)}")
    return (*given[:axis], operator.count, *given[axis + 1 :])


def _pad(operator: Pad, given: Shape | None) -> Shape | None:
    if given is None:
        return None
    if len(operator.widths) != len(given):
        raise ArchitectureMismatchError(f"padding of {len(operator.widths)} axes for {list(given)}")
    sizes = tuple(size + before + after for size, (before, after) in zip(given, operator.widths, strict=True))
    if min(sizes, default=0) < 0:
        raise ArchitectureMismatchError(f"padding {list(operator.widths)} cuts more than {list(given)} has")
    return sizes


def _concat(operator: Concat, inputs: Shapes) -> Shape | None:
    known = [each for each in inputs if each is not None]
    for each in known:
        axis = axis_in(operator.axis, each)
        first = known[0]
        if len(each) != len(first) or any(
            size != other for place, (size, other) in enumerate(zip(each, first, strict=True)) if place != axis
        ):
            raise ArchitectureMismatchError(f"{list(first)} and {list(each)} cannot be joined along axis {axis}")
    if len(known) != len(inputs) or not known:
        return None
    sizes = list(known[0])
    sizes[operator.axis] = sum(each[operator.axis] for each in known)
    return tuple(sizes)
