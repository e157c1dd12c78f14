"""Operators that only move elements: the same three movements on views, weights and numbers."""

from math import prod
from typing import assert_never

import numpy as np

from metagauge.architecture.attributes import integer, integers
from metagauge.architecture.onnx import repeated
from metagauge.architecture.onnx import view as views
from metagauge.architecture.onnx import weight as weights
from metagauge.architecture.onnx.lifting import READ_LIMIT, Lifting
from metagauge.architecture.onnx.states import Numbers, Opaque, Padded, Repeated, Scores, State, Weight
from metagauge.architecture.onnx.view import View, shown
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

Inputs = tuple[State | None, ...]

INT64_MAX = (1 << 63) - 1
"""What exporters write for a slice that runs to the end, negative to the start."""

AXES_LIMIT = 16
"""Most axes of a value; attention in windows has eight."""


def reshaped(state: State | None, sizes: tuple[int, ...]) -> State:
    """The elements in row-major order with other sizes."""
    if len(sizes) > AXES_LIMIT:
        raise StructureNotInferableError(f"makes {len(sizes)} axes")
    match state:
        case View():
            moved = views.reshaped(state, sizes)
            if moved is None:
                raise StructureNotInferableError(f"{shown(state.shape)} as {shown(sizes)} mixes axes")
            return moved
        case Weight():
            return weights.reshaped(state, sizes)
        case Repeated():
            return repeated.reshaped(state, sizes)
        case Numbers():
            return Numbers(array=state.array.reshape(sizes))
        case _:
            raise unmovable(state)


def transposed(state: State | None, order: tuple[int, ...]) -> State:
    """The axes in another order."""
    match state:
        case View():
            return views.transposed(state, order)
        case Weight():
            return weights.transposed(state, order)
        case Repeated():
            return repeated.transposed(state, order)
        case Numbers():
            return Numbers(array=state.array.transpose(order))
        case _:
            raise unmovable(state)


def narrowed(state: State | None, axis: int, start: int, stop: int) -> State:
    """Indices `start <= i < stop` of one axis."""
    match state:
        case View():
            moved = views.narrowed(state, axis, start, stop)
            if moved is None:
                raise StructureNotInferableError(f"part {start}:{stop} of axis {axis} of {shown(state.shape)}")
            return moved
        case Weight():
            return weights.narrowed(state, axis, start, stop)
        case Repeated():
            return repeated.narrowed(state, axis, start, stop)
        case Numbers():
            return Numbers(array=state.array[(slice(None),) * axis + (slice(start, stop),)])
        case _:
            raise unmovable(state)


def shape_of(state: State | None) -> tuple[int, ...]:
    """Sizes of a value."""
    match state:
        case View() | Weight() | Repeated() | Numbers():
            return state.shape
        case _:
            raise unmovable(state)


def position(axis: int, rank: int) -> int:
    """An axis counted from the front.

    Raises:
        StructureNotInferableError: there is no such axis.
    """
    if not -rank <= axis < rank:
        raise StructureNotInferableError(f"axis {axis} of a value with {rank} axes")
    return axis % rank


def unmovable(state: State | None) -> StructureNotInferableError:
    """For a value that only some operators read."""
    match state:
        case None:
            kind = "nothing in the place of an input"
        case View():
            kind = "the network's values in the place of a constant"
        case Weight() | Repeated() | Numbers():
            kind = "a constant in the place of the network's values"
        case Padded():
            kind = "a map with zeros around it"
        case Scores():
            kind = "attention scores"
        case Opaque():
            kind = "what another operator left unclear"
        case _:
            assert_never(state)
    return StructureNotInferableError(f"it reads {kind}")


def reshape(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Reshape: 0 keeps a size (unless `allowzero`), -1 takes what is left."""
    shape = shape_of(inputs[0])
    sizes = list(lifting.integers(inputs[1]))
    if not integer(node, "allowzero", 0):
        sizes = [shape[axis] if size == 0 and axis < len(shape) else size for axis, size in enumerate(sizes)]
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = prod(shape) // max(prod(size for size in sizes if size != -1), 1)
    if prod(sizes) != prod(shape) or min(sizes, default=1) < 1:
        raise StructureNotInferableError(f"{shown(shape)} as {shown(sizes)}")
    return reshaped(inputs[0], tuple(sizes))


def flatten(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Flatten: two axes, split before `axis`."""
    shape = shape_of(inputs[0])
    axis = integer(node, "axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return reshaped(inputs[0], (prod(shape[:axis]), prod(shape[axis:])))


def squeeze(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Squeeze: without axes all of size one, but never the batch."""
    shape = shape_of(inputs[0])
    axes = axes_of(lifting, node, inputs)
    if axes is None:
        gone = {axis for axis, size in enumerate(shape) if size == 1 and axis > 0}
    else:
        gone = {position(axis, len(shape)) for axis in axes}
    if any(shape[axis] != 1 for axis in gone):
        raise StructureNotInferableError(f"{shown(shape)} without axes {sorted(gone)}")
    return reshaped(inputs[0], tuple(size for axis, size in enumerate(shape) if axis not in gone))


def unsqueeze(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Unsqueeze: axes count in the output."""
    shape = shape_of(inputs[0])
    axes = axes_of(lifting, node, inputs) or ()
    rank = len(shape) + len(axes)
    new = {position(axis, rank) for axis in axes}
    sizes = iter(shape)
    return reshaped(inputs[0], tuple(1 if axis in new else next(sizes) for axis in range(rank)))


def transpose(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Transpose: reversed where no order is given."""
    rank = len(shape_of(inputs[0]))
    order = integers(node, "perm") or tuple(reversed(range(rank)))
    if sorted(order) != list(range(rank)):
        raise StructureNotInferableError(f"axes {list(order)} of a value with {rank}")
    return transposed(inputs[0], order)


def slice_(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Slice: in steps of one, and any steps on numbers."""
    state = inputs[0]
    shape = shape_of(state)
    if len(inputs) > 1:
        starts, stops = lifting.integers(inputs[1]), lifting.integers(inputs[2])
        axes = lifting.integers(inputs[3]) if len(inputs) > 3 and inputs[3] is not None else None
        steps = lifting.integers(inputs[4]) if len(inputs) > 4 and inputs[4] is not None else ()
    else:
        starts, stops = integers(node, "starts") or (), integers(node, "ends") or ()
        axes, steps = integers(node, "axes"), ()
    if isinstance(state, Numbers):
        parts = [slice(None)] * len(shape)
        for axis, start, stop, step in zip(axes or range(len(starts)), starts, stops, steps or starts, strict=False):
            parts[axis] = slice(start, stop if stop > -INT64_MAX else None, step if steps else 1)
        return Numbers(array=state.array[tuple(parts)])
    if any(step != 1 for step in steps):
        raise StructureNotInferableError(f"in steps of {list(steps)}")
    for axis, start, stop in zip(axes or range(len(starts)), starts, stops, strict=False):
        axis = position(axis, len(shape))
        first, last, _ = slice(start, stop).indices(shape[axis])
        if last <= first:
            raise StructureNotInferableError(f"the empty part {start}:{stop} of axis {axis}")
        state = narrowed(state, axis, first, last)
    if state is None:
        raise unmovable(None)
    return state


def gather(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Gather: one index, or consecutive ones; anything on numbers."""
    state, index = inputs[0], inputs[1]
    shape = shape_of(state)
    axis = position(integer(node, "axis", 0), len(shape))
    if not isinstance(index, Numbers):
        raise StructureNotInferableError("the indices depend on the input's values")
    if isinstance(state, Numbers):
        if state.array.size * index.array.size > READ_LIMIT:
            raise StructureNotInferableError(f"gathers {shown(index.shape)} of a constant of {shown(shape)}")
        return Numbers(array=np.take(state.array, index.array.astype(np.int64), axis=axis))
    indices = [int(i) + shape[axis] if i < 0 else int(i) for i in index.array.ravel()]
    if not indices or indices != list(range(indices[0], indices[0] + len(indices))) or indices[-1] >= shape[axis]:
        raise StructureNotInferableError("the indices are not consecutive")
    part = narrowed(state, axis, indices[0], indices[-1] + 1)
    return reshaped(part, (*shape[:axis], *index.shape, *shape[axis + 1 :]))


def split(lifting: Lifting, node: Node, inputs: Inputs) -> tuple[State, ...]:
    """Split: given sizes, or equal parts of which the last may be smaller."""
    state = inputs[0]
    shape = shape_of(state)
    axis = position(integer(node, "axis", 0), len(shape))
    sizes = integers(node, "split")
    if len(inputs) > 1 and inputs[1] is not None:
        sizes = lifting.integers(inputs[1])
    if sizes is None:
        part = -(-shape[axis] // len(node.outputs))
        sizes = tuple(min(part, shape[axis] - part * number) for number in range(len(node.outputs)))
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return tuple(narrowed(state, axis, start, start + size) for start, size in zip(starts, sizes, strict=True))


def axes_of(lifting: Lifting, node: Node, inputs: Inputs) -> tuple[int, ...] | None:
    """Axes as an attribute, as older operator sets have them, or as the second input."""
    if len(inputs) > 1 and inputs[1] is not None:
        return lifting.integers(inputs[1])
    return integers(node, "axes")
