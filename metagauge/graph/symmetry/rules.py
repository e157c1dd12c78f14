"""What each operator says about the axes of its inputs and outputs.

A rule may only leave an axis free if the operator commutes with every permutation of it; what a rule does not know it
pins. `tests/graph/symmetry` holds every rule against the operator itself.
"""

from collections.abc import Sequence
from typing import assert_never

import numpy as np

from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Requantise, Unary, Unpack, Where
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
    Triangle,
)
from metagauge.architecture.operators.literal import unpack
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Resize, Slice, Transpose
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import (
    Accumulate,
    Extreme,
    LocalNorm,
    Reduce,
    Softmax,
    Standardise,
    TopK,
    WindowPool,
)
from metagauge.architecture.operators.sampling import Sample
from metagauge.architecture.operators.source import Constant, Given, Weight
from metagauge.graph.symmetry import axis as axes_of
from metagauge.graph.symmetry.axis import Axes, Axis, Shape, leaf, ordered, part, pin, product, regroup, split, unify
from metagauge.graph.symmetry.indexing import indexed

GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def free(shape: Shape) -> Axes:
    """New axes, free to be permuted."""
    return tuple(leaf(size) for size in shape)


def fixed(shape: Shape) -> Axes:
    """New axes whose order means something."""
    return tuple(ordered(size) for size in shape)


def pin_all(values: Sequence[Axes | None]) -> None:
    """Pins every axis of these values."""
    for value in values:
        for each in value or ():
            pin(each)


def output_axes(
    operator: Operator,
    inputs: tuple[Axes | None, ...],
    outputs: tuple[Shape, ...],
    known: tuple[np.ndarray | None, ...],
) -> tuple[Axes, ...]:
    """The axes of an operator's outputs, all shapes being known.

    Args:
        operator: The operator.
        inputs: The axes of its inputs; None for an input left out.
        outputs: The shapes of its outputs.
        known: The numbers of those inputs that are constants.
    """
    match operator:
        case Given() | Opaque() | TopK() | Unpack():
            pin_all(inputs)
            return tuple(fixed(shape) for shape in outputs)
        case Weight():
            return (free(outputs[0]),)
        case Constant():
            return (_constant(operator),)
        case Unary() | Cast():
            return (_first(inputs),)
        case Binary() | Where() | Requantise():
            return (_broadcast(inputs, outputs[0]),)
        case Contract():
            return (_contract(operator, inputs),)
        case Convolve():
            return (_convolve(operator, inputs, outputs[0]),)
        case Reduce():
            kept = list(_first(inputs))
            for number in operator.axes:
                kept[number] = Axis(1)
            if not operator.keep:
                kept = [each for number, each in enumerate(kept) if number not in operator.axes]
            return (tuple(kept),)
        case Softmax() | Standardise():
            return (_first(inputs),)
        case LocalNorm():
            pin(_first(inputs)[1])
            return (_first(inputs),)
        case WindowPool():
            source = _first(inputs)
            pin_all((source[2:],))
            return ((*source[:2], *fixed(outputs[0][2:])),)
        case Accumulate():
            pin(_first(inputs)[operator.axis])
            return (_first(inputs),)
        case Extreme():
            source = list(_first(inputs))
            pin(source[operator.axis])
            source[operator.axis] = Axis(1)
            return (tuple(source) if operator.keep else _without(source, operator.axis),)
        case Reshape() | Expand() | Transpose() | Slice() | Concat() | Pad() | Resize():
            return (_moved(operator, inputs, outputs[0]),)
        case Gather() | GatherElements() | GatherND() | ScatterElements() | ScatterND() | OneHot():
            return (indexed(operator, inputs, outputs[0], known),)
        case Sample():
            return (_sampled(inputs),)
        case Triangle():
            pin_all((_first(inputs)[-2:],))
            return (_first(inputs),)
        case Recurrent():
            return _recurrent(operator, inputs, outputs)
        case Choose():
            return _choose(inputs, outputs)
        case Carry():
            return (_first(inputs),)
        case _:
            assert_never(operator)


def _first(inputs: tuple[Axes | None, ...]) -> Axes:
    return _at(inputs, 0)


def _at(inputs: tuple[Axes | None, ...], number: int) -> Axes:
    """The axes of an input that the operator cannot do without."""
    found = inputs[number]
    return () if found is None else found


def _without(axes: Sequence[Axis], number: int) -> Axes:
    return (*axes[:number], *axes[number + 1 :])


def _constant(operator: Constant) -> Axes:
    """An axis along which nothing changes is free; the numbers along the others are in their order."""
    array = unpack(operator)
    return tuple(
        leaf(size) if array.size and (array == array.take([0], axis=number)).all() else ordered(size)
        for number, size in enumerate(array.shape)
    )


def _broadcast(inputs: tuple[Axes | None, ...], shape: Shape) -> Axes:
    found: list[Axis] = []
    for back in range(len(shape), 0, -1):
        size = shape[-back]
        met = [value[-back] for value in inputs if value and len(value) >= back and value[-back].size == size]
        for other in met[1:]:
            unify(met[0], other)
        found.append(met[0] if met and size != 1 else Axis(size))
    return tuple(found)


def _contract(operator: Contract, inputs: tuple[Axes | None, ...]) -> Axes:
    operands, _, output = operator.equation.partition("->")
    met: dict[str, Axis] = {}
    for letters, value in zip(operands.split(","), inputs, strict=True):
        for letter, each in zip(letters, value or (), strict=True):
            unify(met.setdefault(letter, each), each)
    return tuple(met[letter] for letter in output)


def _convolve(operator: Convolve, inputs: tuple[Axes | None, ...], shape: Shape) -> Axes:
    source, weight = _at(inputs, 0), _at(inputs, 1)
    bias = inputs[2] if len(inputs) > 2 else None
    groups, kernel = operator.groups, [each.size for each in weight[2:]]
    pin_all((weight[2:],))
    channels, runs = source[1], [leaf(groups)]
    inner, outer = (weight[1], weight[0]) if not operator.transposed else (weight[0], weight[1])
    if groups == 1:
        unify(channels, inner)
        outputs = outer
    elif operator.transposed:
        unify(channels, inner)
        taken = split(inner, (groups, inner.size // groups)) or [ordered(groups)]
        outputs = product([taken[0], outer])
    else:
        unify(channels, product([*runs, inner]))
        taken = split(outer, (groups, outer.size // groups)) or [ordered(groups)]
        unify(runs[0], taken[0])
        outputs = outer
    if bias is not None:
        unify(outputs, bias[0])
    positions: list[Axis] = []
    for number, each in enumerate(source[2:]):
        is_pointwise = kernel[number] == 1 and operator.stride[number] == 1 and not any(operator.padding[number])
        if is_pointwise and not operator.extra and each.size == shape[2 + number]:
            positions.append(each)
        else:
            pin(each)
            positions.append(ordered(shape[2 + number]))
    return (source[0], outputs, *positions)


def _moved(
    operator: Reshape | Expand | Transpose | Slice | Concat | Pad | Resize,
    inputs: tuple[Axes | None, ...],
    shape: Shape,
) -> Axes:
    source = _first(inputs)
    match operator:
        case Reshape():
            grouped = regroup(source, shape)
            return fixed(shape) if grouped is None else tuple(grouped)
        case Expand():
            old = (*(Axis(1) for _ in range(len(shape) - len(source))), *source)
            return tuple(each if each.size == size else leaf(size) for each, size in zip(old, shape, strict=True))
        case Transpose():
            return tuple(source[number] for number in operator.axes)
        case Slice():
            found = list(source)
            found[operator.axis] = _sliced(operator, source[operator.axis])
            return tuple(found)
        case Concat():
            given = [value for value in inputs if value is not None]
            along = axes_of.concat([value[operator.axis] for value in given])
            found = _broadcast(tuple(_without(value, operator.axis) for value in given), _sizes(shape, operator.axis))
            return (*found[: operator.axis], along, *found[operator.axis :])
        case Pad():
            return tuple(
                _padded(each, widths, operator.mode) for each, widths in zip(source, operator.widths, strict=True)
            )
        case Resize():
            kept = [
                each.size == size and scale == 1
                for each, size, scale in zip(source, shape, operator.scales, strict=True)
            ]
            pin_all((tuple(each for each, is_kept in zip(source, kept, strict=True) if not is_kept),))
            return tuple(
                each if is_kept else ordered(size) for each, size, is_kept in zip(source, shape, kept, strict=True)
            )
        case _:
            assert_never(operator)


def _sizes(shape: Shape, without: int) -> Shape:
    return (*shape[:without], *shape[without + 1 :])


def _sliced(operator: Slice, source: Axis) -> Axis:
    step, count = operator.step, operator.count
    if step == 1 or count == 1:
        return part(source, operator.start, count)
    if step > 1 and source.size == step * count and operator.start < step:
        halves = split(source, (count, step))
        if halves is not None:
            pin(halves[1])
            return halves[0]
    pin(source)
    return ordered(count)


def _padded(source: Axis, widths: tuple[int, int], mode: str) -> Axis:
    before, after = widths
    if before == after == 0:
        return source
    if mode != "constant":
        pin(source)
        return ordered(source.size + before + after)
    start, stop = max(-before, 0), source.size - max(-after, 0)
    kept = part(source, start, stop - start)
    return axes_of.concat([leaf(max(before, 0)), kept, leaf(max(after, 0))])


def _sampled(inputs: tuple[Axes | None, ...]) -> Axes:
    """Channels and points are free; positions and the numbers of a point have their order."""
    source, points = _first(inputs), _at(inputs, 1)
    unify(source[0], points[0])
    pin_all((source[2:], points[-1:]))
    return (*source[:2], *points[1:-1])


def _recurrent(operator: Recurrent, inputs: tuple[Axes | None, ...], outputs: tuple[Shape, ...]) -> tuple[Axes, ...]:
    """Hidden units are permuted together in every gate and direction; gates and directions have their order."""
    source, weight, recurrence = (_at(inputs, number) for number in range(3))
    bias, state, cell, peephole = (*inputs[3:], *(None,) * 4)[:4]
    gates, hidden = GATES[operator.cell], leaf(operator.hidden)
    pin(source[0])
    unify(source[2], weight[2])
    unify(recurrence[2], hidden)
    for rows, count in ((weight[1], gates), (recurrence[1], gates), (_axis(bias), 2 * gates), (_axis(peephole), 3)):
        if rows is not None:
            unify(rows, product([ordered(count), hidden]))
    for first in (state, cell):
        if first is not None:
            unify(first[1], source[1])
            unify(first[2], hidden)
    for each in (weight, recurrence, bias, state, cell, peephole):
        if each is not None:
            pin(each[0])
    # Both directions are one behind the other, so that later steps may tell them apart.
    directions = axes_of.concat([Axis(1)] * outputs[0][1])
    last = (directions, source[1], hidden)
    return ((ordered(outputs[0][0]), directions, source[1], hidden), *(last for _ in outputs[1:]))


def _axis(value: Axes | None) -> Axis | None:
    return None if value is None else value[1]


def _choose(inputs: tuple[Axes | None, ...], outputs: tuple[Shape, ...]) -> tuple[Axes, ...]:
    sides, count = inputs[1:], len(outputs)
    found: list[Axes] = []
    for number, shape in enumerate(outputs):
        pair = [side for side in (sides[number], sides[number + count]) if side is not None]
        if all(tuple(each.size for each in side) == shape for side in pair):
            found.append(_broadcast(tuple(pair), shape))
        else:
            pin_all(pair)
            found.append(fixed(shape))
    return tuple(found)
