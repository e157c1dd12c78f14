"""Attention within shifted windows of a map of patches, as Swin has it (Liu et al. 2021, sec. 3.2)."""

from math import isqrt

import numpy as np

from metagauge.architecture.templates.blocks.attention import merge_heads, split_heads
from metagauge.architecture.templates.blocks.images import window_index
from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import ArchitectureMismatchError

_APART = -100.0
"""What is added to the score of two patches that only wrapping around made neighbours."""


def window_attention(drawing: Drawing, step: Step) -> None:
    """`{ window_attention = PREFIX, heads = COUNT, window = SIDE }`: tokens to tokens; every other layer is shifted.

    A window that covers the map is never shifted; a map that does not divide into windows is padded.
    """
    sketch = drawing.sketch
    with drawing.at(step.target):
        table = drawing.weight("relative_position_bias_table", axes=2)
        side = (isqrt(table.shape[0]) + 1) // 2
        height, width = drawing.grid
        if table.rank != 2 or (2 * side - 1) ** 2 != table.shape[0] or step.integer("window") != side:
            message = f"a table of positions of shape {list(table.shape)} is not one of windows"
            raise ArchitectureMismatchError(f"{message} of {step.integer('window')} by {step.integer('window')}")
        if min(height, width) < side:
            message = f"windows of {side} by {side} do not fit a map of {height} by {width}"
            raise ArchitectureMismatchError(f"{message}: image_size or patch_size of config.json is too small")
        shift = side // 2 if drawing.layer % 2 and min(height, width) > side else 0
        value = sketch.reshape(drawing.current, (1, height, width, drawing.current.shape[2]))
        padded = _padded(drawing, value, -height % side, -width % side)
        windows = _partition(drawing, _rolled(drawing, padded, shift), side)
        bias = _bias(drawing, table, side)
        if shift:
            bias = sketch.add(bias, sketch.constant(_mask(padded.shape[1], padded.shape[2], side, shift)))
        mixed = _attention(drawing, windows, step.integer("heads"), bias)
        whole = _rolled(drawing, _joined(drawing, mixed, padded.shape, side), -shift)
        cropped = sketch.slice(sketch.slice(whole, 1, 0, height), 2, 0, width)
        drawing.value = sketch.reshape(cropped, drawing.current.shape)


def merge_patches(drawing: Drawing, step: Step) -> None:
    """`{ merge_patches = "" }`: four neighbours become one token, their features one behind the other."""
    del step
    sketch = drawing.sketch
    height, width = drawing.grid
    channels = drawing.current.shape[2]
    value = _padded(drawing, sketch.reshape(drawing.current, (1, height, width, channels)), height % 2, width % 2)
    rows, columns = value.shape[1] // 2, value.shape[2] // 2
    corners = [(row, column) for column in range(2) for row in range(2)]
    merged = sketch.concat([sketch.every(sketch.every(value, 1, row, 2), 2, column, 2) for row, column in corners], 3)
    drawing.grid = (rows, columns)
    drawing.value = sketch.reshape(merged, (1, rows * columns, 4 * channels))


def _attention(drawing: Drawing, windows: Value, heads: int, bias: Value) -> Value:
    sketch = drawing.sketch
    queries, keys, values = (
        split_heads(drawing, drawing.linear(name, windows), heads) for name in ("query", "key", "value")
    )
    scores = sketch.matmul(queries, sketch.transpose(keys, (0, 1, 3, 2)))
    scores = sketch.add(sketch.scale(scores, queries.shape[-1] ** -0.5), bias)
    return drawing.linear("output", merge_heads(drawing, sketch.matmul(sketch.softmax(scores), values)))


def _padded(drawing: Drawing, value: Value, below: int, right: int) -> Value:
    if not below and not right:
        return value
    _, height, width, channels = value.shape
    shape = (1, height + below, width + right, channels)
    widths = drawing.sketch.constant([0, 0, 0, 0, 0, below, right, 0])
    return drawing.sketch.operator("Pad", shape, value, widths, mode="constant")


def _rolled(drawing: Drawing, value: Value, shift: int) -> Value:
    """Both position axes begin `shift` later, and go on from their start at the end."""
    sketch = drawing.sketch
    for axis in (1, 2) if shift else ():
        size = value.shape[axis]
        cut = shift % size
        value = sketch.concat([sketch.slice(value, axis, cut, size), sketch.slice(value, axis, 0, cut)], axis)
    return value


def _partition(drawing: Drawing, value: Value, side: int) -> Value:
    """(1, height, width, channels) as (windows, patches, channels)."""
    _, height, width, channels = value.shape
    rows, columns = height // side, width // side
    split = drawing.sketch.reshape(value, (1, rows, side, columns, side, channels))
    return drawing.sketch.reshape(
        drawing.sketch.transpose(split, (0, 1, 3, 2, 4, 5)), (rows * columns, side * side, channels)
    )


def _joined(drawing: Drawing, value: Value, shape: tuple[int, ...], side: int) -> Value:
    """The inverse of `_partition`."""
    _, height, width, channels = shape
    split = drawing.sketch.reshape(value, (1, height // side, width // side, side, side, channels))
    return drawing.sketch.reshape(drawing.sketch.transpose(split, (0, 1, 3, 2, 4, 5)), shape)


def _bias(drawing: Drawing, table: Value, side: int) -> Value:
    rows = drawing.sketch.gather(table, drawing.sketch.constant(window_index(side, side)))
    bias = drawing.sketch.transpose(rows, (2, 0, 1))
    return drawing.sketch.reshape(bias, (1, *bias.shape))


def _mask(height: int, width: int, side: int, shift: int) -> np.ndarray:
    """(windows, 1, patches, patches): keeps apart patches that were no neighbours before the map was wrapped."""
    region = [
        (np.arange(size) >= size - side).astype(int) + (np.arange(size) >= size - shift) for size in (height, width)
    ]
    regions = region[0][:, None] * 3 + region[1][None, :]
    split = regions.reshape(height // side, side, width // side, side).transpose(0, 2, 1, 3).reshape(-1, side * side)
    return np.where(split[:, None, :] != split[:, :, None], _APART, 0.0)[:, None].astype(np.float32)
