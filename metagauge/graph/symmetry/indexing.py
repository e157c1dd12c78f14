"""Axes of operators whose second input says which elements: the order along a picked axis means something."""

from typing import assert_never

import numpy as np

from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
)
from metagauge.graph.symmetry.axis import Axes, Axis, Shape, ordered, part, pin, unify

Indexing = Gather | GatherElements | GatherND | ScatterElements | ScatterND | OneHot


def indexed(
    operator: Indexing, inputs: tuple[Axes | None, ...], shape: Shape, known: tuple[np.ndarray | None, ...]
) -> Axes:
    """The axes of the output, of shape `shape`; arguments as in `rules.output_axes`."""
    source, indices, updates = (_given(inputs, number) for number in range(3))
    match operator:
        case Gather(axis=axis):
            return _picked(source, indices, axis, known[1])
        case GatherElements(axis=axis):
            pin(source[axis])
            for number in range(len(source)):
                if number != axis:
                    _together(source[number], indices[number])
            return indices
        case ScatterElements(axis=axis):
            pin(source[axis])
            for number in range(len(source)):
                _together(indices[number], updates[number])
                if number != axis:
                    _together(source[number], indices[number])
            if operator.reduction == "replace":
                pin(indices[axis])  # of two updates of one place the last one counts
            return source
        case GatherND(batch_axes=batch):
            depth = indices[-1].size
            _pin_all(source[batch : batch + depth])
            pin(indices[-1])
            for one, other in zip(source[:batch], indices[:batch], strict=True):
                _together(one, other)
            return (*indices[:-1], *source[batch + depth :])
        case ScatterND():
            depth = indices[-1].size
            _pin_all(source[:depth])
            pin(indices[-1])
            for one, other in zip((*indices[:-1], *source[depth:]), updates, strict=True):
                _together(one, other)
            if operator.reduction == "replace":
                _pin_all(indices)
            return source
        case OneHot(axis=axis, depth=depth):
            place = axis % len(shape)
            return (*source[:place], ordered(depth), *source[place:])
        case _:
            assert_never(operator)


def _given(inputs: tuple[Axes | None, ...], number: int) -> Axes:
    found = inputs[number] if number < len(inputs) else None
    return () if found is None else found


def _picked(source: Axes, indices: Axes, axis: int, numbers: np.ndarray | None) -> Axes:
    if numbers is not None and numbers.size == 1:
        start = int(numbers.reshape(-1)[0]) % source[axis].size
        place = part(source[axis], start, 1)
        return (*source[:axis], *(place for _ in indices[:1]), *indices[1:], *source[axis + 1 :])
    pin(source[axis])
    return (*source[:axis], *indices, *source[axis + 1 :])


def _together(one: Axis, other: Axis) -> None:
    """Two axes along which the operator goes in step; of a shorter one only the first places are met."""
    if one.size == other.size:
        unify(one, other)
    else:
        pin(one)
        pin(other)


def _pin_all(axes: Axes) -> None:
    for axis in axes:
        pin(axis)
