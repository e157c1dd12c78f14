"""Operators that move elements without computing anything."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np

from metagauge.architecture.attributes import flag, integer, integers, real, text
from metagauge.architecture.operators.movement import Concat, Pad
from metagauge.architecture.tracing.reshaping import (
    axes_of,
    axis_of,
    concatenated,
    reshaped,
    sliced,
    transposed,
)
from metagauge.architecture.tracing.states import (
    Inputs,
    Numbers,
    Rows,
    Shape,
    State,
    Tensorlike,
    Value,
    required,
    shape_of,
    tensor_at,
)
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_MODES = {"constant": "constant", "reflect": "reflect", "edge": "edge", "wrap": "wrap"}


def _listed(tracing: Tracing, node: Node, inputs: Inputs, name: str, position: int) -> tuple[int, ...] | None:
    """Integers that newer operator sets have as an input and older ones as an attribute."""
    state = tensor_at(inputs, position)
    return integers(node, name) if state is None else tracing.integers(state)


def reshape(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Reshape: 0 keeps a size (unless `allowzero`), -1 takes what is left."""
    x = required(inputs, 0)
    sizes = list(_listed(tracing, node, inputs, "shape", 1) or ())
    if not flag(node, "allowzero", False) and 0 in sizes:
        shape = shape_of(x)
        sizes = [shape[axis] if size == 0 and axis < len(shape) else size for axis, size in enumerate(sizes)]
    if sizes.count(-1) == 1:
        rest = prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = prod(shape_of(x)) // rest if rest else 0
    if x.shape is not None and prod(sizes) != prod(x.shape):
        tracing.wanted.update(size for size in sizes if size > 1)
    return reshaped(tracing, x, tuple(sizes))


def flatten(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Flatten: two axes, split before `axis`."""
    x = required(inputs, 0)
    shape = shape_of(x)
    axis = integer(node, "axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return reshaped(tracing, x, (prod(shape[:axis]), prod(shape[axis:])))


def squeeze(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Squeeze: without axes all of size one."""
    x = required(inputs, 0)
    shape = shape_of(x)
    axes = _listed(tracing, node, inputs, "axes", 1)
    gone = {axis for axis, size in enumerate(shape) if size == 1} if axes is None else set(axes_of(axes, len(shape)))
    if any(shape[axis] != 1 for axis in gone):
        raise ArchitectureMismatchError(f"{list(shape)} without axes {sorted(gone)}")
    return reshaped(tracing, x, tuple(size for axis, size in enumerate(shape) if axis not in gone))


def unsqueeze(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Unsqueeze: axes count in the output."""
    x = required(inputs, 0)
    axes = _listed(tracing, node, inputs, "axes", 1) or ()
    rank = len(shape_of(x)) + len(axes)
    new = axes_of(axes, rank)
    if len(new) != len(axes):
        raise ArchitectureMismatchError(f"new axes {list(axes)[:16]} name one twice")
    sizes = iter(shape_of(x))
    return reshaped(tracing, x, tuple(1 if axis in new else next(sizes) for axis in range(rank)))


def transpose(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Transpose: reversed where no order is given."""
    x = required(inputs, 0)
    order = integers(node, "perm")
    return transposed(tracing, x, tuple(reversed(range(len(shape_of(x))))) if order is None else order)


def slice_(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Slice: as Python's slices; bounds beyond an axis are its ends."""
    x = required(inputs, 0)
    shape = shape_of(x)
    starts = _listed(tracing, node, inputs, "starts", 1) or ()
    stops = _listed(tracing, node, inputs, "ends", 2) or ()
    axes = _listed(tracing, node, inputs, "axes", 3)
    steps = _listed(tracing, node, inputs, "steps", 4) or (1,) * len(starts)
    for axis, start, stop, step in zip(range(len(starts)) if axes is None else axes, starts, stops, steps, strict=True):
        axis = axis_of(axis, len(shape))
        size = shape[axis]
        first = start + size if start < 0 else start
        last = stop + size if stop < 0 else stop
        first = min(max(first, 0), size - 1 if step < 0 else size)
        last = max(last, -1) if step < 0 else min(last, size)
        x = sliced(tracing, x, axis, first, len(range(first, last, step)), step)
    return x


def split(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State | None, ...]:
    """Split: given sizes, or equal parts of which the last may be smaller."""
    x = required(inputs, 0)
    shape = shape_of(x)
    axis = axis_of(integer(node, "axis", 0), len(shape))
    sizes = _listed(tracing, node, inputs, "split", 1)
    if sizes is None:
        parts = integer(node, "num_outputs", len(node.outputs))
        sizes = equal_parts(shape[axis], -(-shape[axis] // parts))
    if x.rows is not None and x.rows.axis == axis and sum(sizes) == shape[axis]:
        x = replace(x, rows=None)  # the file states how many rows there are: all of them
    return split_in(tracing, x, axis, sizes)


def equal_parts(size: int, part: int) -> tuple[int, ...]:
    """Parts of one size, the last one perhaps smaller."""
    if part < 1:
        raise ArchitectureMismatchError(f"{size} elements in parts of {part}")
    return tuple(min(part, size - start) for start in range(0, size, part))


def split_in(tracing: Tracing, x: Tensorlike, axis: int, sizes: tuple[int, ...]) -> tuple[Tensorlike, ...]:
    """Parts of these sizes along an axis."""
    if sum(sizes) != shape_of(x)[axis]:
        raise ArchitectureMismatchError(f"axis {axis} of {list(shape_of(x))} in parts of {list(sizes)[:16]}")
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return tuple(sliced(tracing, x, axis, start, size) for start, size in zip(starts, sizes, strict=True))


def concat(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Concat: along axis 1 where an old file gives none."""
    parts = tuple(required(inputs, position) for position in range(len(inputs)))
    rank = max((len(part.shape) for part in parts if part.shape is not None), default=None)
    if rank == 1:  # some exporters join numbers without axes to a list
        parts = tuple(reshaped(tracing, part, (1,)) if part.shape == () else part for part in parts)
    axis = integer(node, "axis", 1)
    if rank is None and axis < 0:
        raise StructureNotInferableError("the number of axes is not known")
    return _joined(tracing, parts, axis if rank is None else axis_of(axis, rank))


def _joined(tracing: Tracing, parts: tuple[Tensorlike, ...], axis: int) -> Tensorlike:
    """One behind the other; where some of them are rows that the input chooses, so is the whole."""
    if all(part.rows is None or part.rows.axis != axis for part in parts):
        return concatenated(tracing, parts, axis)
    valid = [
        Numbers(array=np.ones(shape_of(part)[axis], dtype=np.bool_))
        if part.rows is None
        else Value(name=part.rows.valid, shape=(shape_of(part)[axis],), numbers="bool")
        for part in parts
    ]
    if any(part.rows is not None and part.rows.axis != axis for part in parts):
        raise StructureNotInferableError("looks across rows that the input chooses")
    joined = concatenated(tracing, tuple(replace(part, rows=None) for part in parts), axis)
    rows = Rows(valid=tracing.value(tracing.apply(Concat(axis=0), *valid)).name, axis=axis)
    return replace(joined, rows=rows)


def pad(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Pad: before and after each axis, or some axes."""
    x = required(inputs, 0)
    rank = len(shape_of(x))
    widths = _listed(tracing, node, inputs, "pads", 1)
    widths = (integers(node, "paddings") or ()) if widths is None else widths
    value, mode = tensor_at(inputs, 2), text(node, "mode", "constant")
    filler = real(node, "value", 0.0) if value is None else tracing.number(value)
    axes = tensor_at(inputs, 3)
    places = tuple(range(rank)) if axes is None else tuple(axis_of(each, rank) for each in tracing.integers(axes))
    if len(widths) != 2 * len(places) or mode not in _MODES:
        raise ArchitectureMismatchError(f"{len(widths)} widths for {len(places)} axes, mode {mode!r}")
    pairs = [(0, 0)] * rank
    for place, before, after in zip(places, widths[: len(places)], widths[len(places) :], strict=True):
        pairs[place] = (before, after)
    return padded(tracing, x, tuple(pairs), mode, filler)


def padded(
    tracing: Tracing, x: Tensorlike, widths: tuple[tuple[int, int], ...], mode: str = "constant", value: float = 0.0
) -> Tensorlike:
    """`x` with (before, after) elements added to each axis."""
    if not any(before or after for before, after in widths):
        return x
    if mode not in _MODES:
        raise StructureNotInferableError(f"padding of mode {mode!r}")
    return tracing.apply(Pad(widths=widths, mode=mode, value=value if mode == "constant" else 0.0), x)  # type: ignore[arg-type]


def depth_to_space(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """DepthToSpace: blocks of channels become positions."""
    x = required(inputs, 0)
    batch, channels, height, width = shape_of(x)
    block = integer(node, "blocksize", 1)
    left = channels // (block * block) if block else 0
    is_depth_first = _is_depth_first(node)
    apart: Shape = (batch, block, block, left) if is_depth_first else (batch, left, block, block)
    order = (0, 3, 4, 1, 5, 2) if is_depth_first else (0, 1, 4, 2, 5, 3)
    moved = transposed(tracing, reshaped(tracing, x, (*apart, height, width)), order)
    return reshaped(tracing, moved, (batch, left, height * block, width * block))


def space_to_depth(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """SpaceToDepth: blocks of positions become channels."""
    x = required(inputs, 0)
    batch, channels, height, width = shape_of(x)
    block = integer(node, "blocksize", 1)
    apart = (batch, channels, height // block, block, width // block, block)
    order = (0, 3, 5, 1, 2, 4) if _is_depth_first(node) else (0, 1, 3, 5, 2, 4)
    moved = transposed(tracing, reshaped(tracing, x, apart), order)
    return reshaped(tracing, moved, (batch, channels * block * block, height // block, width // block))


def _is_depth_first(node: Node) -> bool:
    """Whether a block's positions come before the channels (DCR), and not after them (CRD)."""
    mode = text(node, "mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise StructureNotInferableError(f"takes blocks apart in mode {mode!r}")
    return mode == "DCR"


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "Reshape"): reshape,
    ("", "Flatten"): flatten,
    ("", "Squeeze"): squeeze,
    ("", "Unsqueeze"): unsqueeze,
    ("", "Transpose"): transpose,
    ("", "Slice"): slice_,
    ("", "Split"): split,
    ("", "Concat"): concat,
    ("", "Pad"): pad,
    ("", "DepthToSpace"): depth_to_space,
    ("", "SpaceToDepth"): space_to_depth,
}
