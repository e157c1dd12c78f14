"""Functions of each element: properties of neurons, sums of branches, and what weights add or scale."""

from dataclasses import replace

import numpy as np

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.elementwise import Binary, Unary
from metagauge.graph.draft import Cursor, constant
from metagauge.graph.flow import masking
from metagauge.graph.flow.arrays import is_uniform
from metagauge.graph.flow.canvas import Canvas, Drawn, spread
from metagauge.graph.flow.layout import Layout, Units, elements, size
from metagauge.graph.parameter_graph import Function, NodeGroup, Role
from metagauge.graph.symmetry.rules import Axes

_NUMBERS = {
    "affine": ("alpha", "beta"),
    "power": ("alpha",),
    "clip": ("alpha", "beta"),
    "leaky_relu": ("alpha",),
    "elu": ("alpha",),
    "celu": ("alpha",),
    "thresholded_relu": ("alpha",),
    "hardsigmoid": ("alpha", "beta"),
    "shrink": ("alpha", "beta"),
}
_NORMAL_HARDSIGMOID = 1 / 6


def unary(canvas: Canvas, step: Step, operator: Unary, source: Drawn) -> None:
    """An elementwise function becomes the neurons' activation."""
    (output,) = step.outputs
    found = canvas.layout(output)
    pieces: list[Cursor] = []
    for number, cursor in enumerate(source.pieces):
        target = canvas.opened(output, cursor, found.piece(number))
        canvas.draft.amend(target.group, _activated(canvas.draft.group(target.group), operator))
        pieces.append(target)
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))


def _activated(group: NodeGroup, operator: Unary) -> NodeGroup:
    function: Function = operator.function
    alpha, beta = operator.alpha, operator.beta
    if function == "clip" and (alpha, beta) == (0.0, 6.0):
        return replace(group, activation="relu6")
    if function == "leaky_relu" and alpha == 0:
        return replace(group, activation="relu")
    if function == "hardsigmoid" and abs(alpha - _NORMAL_HARDSIGMOID) < 1e-6 and beta == 0.5:
        return replace(group, activation="hardsigmoid")
    numbers = {"alpha": alpha, "beta": beta}
    named = _NUMBERS.get(function, ())
    detail = tuple(f"{name}={numbers[name]:.6g}" for name in named if function != "leaky_relu" and function != "elu")
    return replace(group, activation=function, slope=alpha if named else 0.0, detail=(*group.detail, *detail))


def binary(canvas: Canvas, step: Step, operator: Binary) -> bool:
    """A sum, or a value with a weight. False if it has no better picture than its name."""
    (output,) = step.outputs
    held = [name for name in step.inputs if name in canvas.arrays]
    if not held:
        is_sum = operator.function in ("add", "subtract")
        return is_sum and _sum(canvas, output, step.inputs, sign=1.0 if operator.function == "add" else -1.0)
    (weight,) = held
    is_second = step.inputs[1] == weight
    array = np.asarray(canvas.arrays.array(weight))
    match operator.function:
        case "add" if masking.added_mask(canvas, output, step.inputs[0 if is_second else 1], array):
            return True
        case "add":
            return _shifted(canvas, output, step, weight, array)
        case "subtract" if is_second:
            return _shifted(canvas, output, step, weight, -np.asarray(array, np.float32))
        case "multiply":
            return _scaled(canvas, output, step, weight, array)
        case "divide" if is_second:
            with np.errstate(divide="ignore"):
                return _scaled(canvas, output, step, weight, (1 / np.asarray(array, np.float32)).astype(np.float32))
        case "prelu" if is_second:
            return _prelu(canvas, output, step, weight, array)
        case _:
            return False


def _sum(canvas: Canvas, output: str, inputs: tuple[str, ...], *, sign: float) -> bool:
    """Merges the linear maps it adds up; everything else arrives through wiring of weight one."""
    found = canvas.layout(output)
    operands = [(canvas.drawn[name], canvas.layout(name)) for name in inputs]
    if any(len(drawn.pieces) not in (1, found.pieces) for drawn, _ in operands):
        return False
    pieces: list[Cursor] = []
    for number in range(found.pieces):
        axes = found.piece(number)
        met = [
            (drawn.pieces[number if len(drawn.pieces) == found.pieces else 0], factor)
            for (drawn, _), factor in zip(operands, (1.0, sign), strict=True)
        ]
        pieces.append(_summed(canvas, output, axes, met))
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))
    return True


def _summed(canvas: Canvas, output: str, axes: Axes, met: list[tuple[Cursor, float]]) -> Cursor:
    met = sorted(met, key=lambda each: each[0].group)  # a sum has no order
    neurons = _common_neurons(canvas, axes, [cursor for cursor, _ in met])
    positions = elements(axes) // size(neurons)
    ready = [
        cursor
        for cursor, factor in met
        if factor == 1
        and not cursor_read(cursor)
        and canvas.draft.can_merge(cursor)
        and canvas.draft.group(cursor.group).operation == "sum"
        and canvas.neurons[cursor.group] == neurons
        and canvas.draft.group(cursor.group).positions == positions
    ]
    if ready and met[0][0].group != met[1][0].group:
        target = replace(ready[0], is_open=True)
    else:
        ready = []
        target = canvas.group(output, axes, neurons, [cursor for cursor, _ in met])
    depth = canvas.draft.group(target.group).depth
    for cursor, factor in met:
        if cursor.group == target.group:
            continue
        depth = max(depth, canvas.draft.group(cursor.group).depth + (cursor not in ready))
        if cursor in ready:
            canvas.draft.merge(cursor.group, target.group)
        else:
            is_same = canvas.neurons[cursor.group] == neurons
            canvas.wire(output, cursor, target.group, "residual" if is_same else "wire", sign=factor)
    canvas.draft.set_extent(target.group, positions, depth)
    return target


def _common_neurons(canvas: Canvas, axes: Axes, cursors: list[Cursor]) -> Units:
    """The neurons of a sum: those of its branches, or of the first one where branches have other axes as neurons.

    An MLP-Mixer adds a map of tokens to a map of channels; neither is the other's neurons.
    """
    every = canvas.neurons_of(cursors, axes)
    if any(set(canvas.neurons[cursor.group]) >= set(every) for cursor in cursors):
        return every
    return canvas.neurons_of(cursors[:1], axes)


def _meetings(
    canvas: Canvas, output: str, step: Step, weight: str, array: np.ndarray
) -> list[tuple[Cursor, Axes, np.ndarray, tuple[int, ...]]] | None:
    """Each piece of the value with the numbers it meets, (neurons, 1, positions). None if they cannot be told."""
    value = next(name for name in step.inputs if name != weight)
    found, source = canvas.layout(output), canvas.drawn[value]
    if len(source.pieces) != found.pieces:
        return None
    if any(
        axis.size != after.size for axis, after in zip(canvas.layout(value).axes[::-1], found.axes[::-1], strict=False)
    ) or len(canvas.layout(value).axes) != len(found.axes):
        return None
    met: list[tuple[Cursor, Axes, np.ndarray, tuple[int, ...]]] = []
    for number, cursor in enumerate(source.pieces):
        axes = found.piece(number)
        numbers = spread(canvas.arrays, _piece(array, found, number), canvas.neurons[cursor.group], axes)
        if numbers is None:
            return None
        values, kernel = numbers
        if kernel and (values == values[:, :, :1]).all():
            values, kernel = values[:, :, :1], ()
        met.append((cursor, axes, values, kernel))
    return met


def _piece(array: np.ndarray, found: Layout, number: int) -> np.ndarray:
    """What meets one piece of a value."""
    if found.cut is None:
        return array
    axis = found.cut - len(found.axes) + array.ndim
    if axis < 0 or array.shape[axis] == 1:
        return array
    return found.pick(array, axis, number)


def _shifted(canvas: Canvas, output: str, step: Step, weight: str, array: np.ndarray) -> bool:
    met = _meetings(canvas, output, step, weight, array)
    if met is None:
        return False
    name = canvas.arrays.origin(weight) or weight
    pieces: list[Cursor] = []
    for cursor, axes, numbers, kernel in met:
        group = canvas.draft.group(cursor.group)
        is_free = (
            cursor.is_open and group.kind == "hidden" and group.activation == "identity" and not cursor_read(cursor)
        )
        if not kernel and is_free and group.norm != "none":
            target = _norm_changed(canvas, cursor, shift=numbers, name=name)
        else:
            target = cursor if is_free and group.norm == "none" else canvas.renewed(output, cursor, axes)
            if kernel:
                canvas.parameter(name, "position", numbers, target.group, kernel)
            else:
                canvas.bias(name, target.group, numbers)
        pieces.append(target)
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))
    return True


def _scaled(canvas: Canvas, output: str, step: Step, weight: str, array: np.ndarray) -> bool:
    met = _meetings(canvas, output, step, weight, array)
    if met is None:
        return False
    name = canvas.arrays.origin(weight) or weight
    pieces: list[Cursor] = []
    for cursor, axes, numbers, kernel in met:
        group = canvas.draft.group(cursor.group)
        is_free = cursor.is_open and not cursor_read(cursor) and group.activation == "identity"
        if not kernel and is_free and group.norm != "none":
            pieces.append(_norm_changed(canvas, cursor, scale=numbers, name=name))
        elif not kernel and _can_fold(canvas, cursor):
            canvas.draft.fold(
                cursor.group, np.asarray(numbers, np.float32).reshape(-1), np.zeros(len(numbers), np.float32)
            )
            pieces.append(cursor)
        elif not kernel:
            target = canvas.renewed(output, cursor, axes)
            canvas.draft.set_norm(target.group, "batch", group.size, 0.0)
            canvas.parameter(name, "norm_scale", numbers, target.group)
            canvas.parameter(f"{output}.shift", "norm_shift", constant(0, len(numbers), 1), target.group)
            pieces.append(target)
        else:
            target = canvas.group(output, axes, canvas.neurons[cursor.group], (cursor,), operation="product")
            canvas.wire(output, cursor, target.group)
            canvas.parameter(name, "scale", numbers, target.group, kernel)
            pieces.append(target)
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))
    return True


def _prelu(canvas: Canvas, output: str, step: Step, weight: str, array: np.ndarray) -> bool:
    met = _meetings(canvas, output, step, weight, array)
    if met is None:
        return False
    if is_uniform(array):
        slope = float(array.reshape(-1)[0])
        unary(canvas, step, Unary(function="leaky_relu", alpha=slope), canvas.drawn[step.inputs[0]])
        return True
    pieces: list[Cursor] = []
    for cursor, axes, numbers, kernel in met:
        target = canvas.opened(output, cursor, axes)
        canvas.draft.amend(target.group, replace(canvas.draft.group(target.group), activation="leaky_relu"))
        role: Role = "scale"
        canvas.parameter(canvas.arrays.origin(weight) or weight, role, numbers, target.group, kernel, operand=1)
        pieces.append(target)
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))
    return True


def _can_fold(canvas: Canvas, cursor: Cursor) -> bool:
    is_sum = canvas.draft.group(cursor.group).operation == "sum"
    foldable = canvas.draft.roles(cursor.group) <= {"linear", "conv", "bias"}
    return is_sum and foldable and not cursor_read(cursor) and canvas.draft.can_fold(cursor)


def cursor_read(cursor: Cursor) -> bool:
    """Whether something lies between a value and its neurons."""
    return cursor.reading != Cursor(group=0).reading


def _norm_changed(
    canvas: Canvas,
    cursor: Cursor,
    *,
    name: str,
    scale: np.ndarray | None = None,
    shift: np.ndarray | None = None,
) -> Cursor:
    """Lets a norm's scale and shift take up one more scale or shift."""
    factor, offset = canvas.draft.find(cursor.group, "norm_scale"), canvas.draft.find(cursor.group, "norm_shift")
    if factor is None or offset is None:
        return cursor
    if scale is not None:
        is_bare = is_uniform(factor.weight) and factor.weight.reshape(-1)[0] == 1
        total = scale if is_bare else (np.asarray(factor.weight, np.float32) * scale).astype(np.float32)
        canvas.draft.change(factor, replace(factor, weight=total, name=name))
        if np.any(offset.weight):
            moved = (np.asarray(offset.weight, np.float32) * scale).astype(np.float32)
            canvas.draft.change(offset, replace(offset, weight=moved))
    if shift is not None:
        is_bare = not np.any(offset.weight)
        total = shift if is_bare else (np.asarray(offset.weight, np.float32) + shift).astype(np.float32)
        canvas.draft.change(offset, replace(offset, weight=total, name=name))
    return cursor
