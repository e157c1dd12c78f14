"""Attention within shifted windows (Liu et al. 2021), as timm writes it."""

from math import isqrt

import numpy as np

from metagauge.architecture.templates.sketch import Value
from metagauge.architecture.templates.vision.canvas import Canvas, Signal, mismatch
from metagauge.architecture.templates.vision.layers import linear
from metagauge.architecture.templates.vision.parts import Linear
from metagauge.architecture.templates.vision.token_parts import Attention, WindowAttention
from metagauge.architecture.templates.vision.tokens import fused_heads, join_heads, mix
from metagauge.errors import ArchitectureMismatchError, LimitExceededError

_BLOCKED = -100.0
"""What is added to the score of two tokens that only the wrapping around made neighbours."""

_PAIRS, _WINDOWS = 1 << 22, 16
"""Pairs of tokens within one window, and how many times that for a whole map: tables of them are written."""


def window_attention(canvas: Canvas, part: WindowAttention, signal: Signal) -> Signal:
    """Attention among the tokens of each window.

    As in Swin, a window that covers the map is never shifted.
    """
    signal = canvas.channels_last(signal)
    if len(signal.positions) != 2:
        raise ArchitectureMismatchError(f"windows need a map, and the value has shape {list(signal.value.shape)}")
    table = canvas.weight(part.table)
    side = (isqrt(table.shape[0]) + 1) // 2 if table.rank == 2 else 0
    if side < 1 or (2 * side - 1) ** 2 != table.shape[0]:
        raise mismatch(table, "a table of relative positions has (2 window - 1) ** 2 rows")
    height, width = signal.positions
    if side**4 > _PAIRS or height * width * side**2 > _PAIRS * _WINDOWS:
        raise LimitExceededError(f"windows of {side} by {side} on a map of {height} by {width} are too many to write")
    if height % side or width % side:
        message = f"a map of {height} by {width} does not divide into windows of {side} by {side}"
        raise ArchitectureMismatchError(f"{message}; say what size the input has")
    shift = side // 2 if part.shifted and min(height, width) > side else 0
    shifted = _roll(canvas, signal.value, shift)
    windows = canvas.signal(_partition(canvas, shifted, side), "last")
    heads = table.shape[1]
    fused = Attention(
        projection=f"{part.projection}.weight", bias=f"{part.projection}.bias", output=part.output, heads=heads
    )
    query, key, value = fused_heads(canvas, fused, windows, heads)
    bias = _position_bias(canvas, table, side)
    if shift:
        mask = canvas.sketch.constant(_mask(height, width, side, shift))
        bias = canvas.sketch.add(bias, mask)
    joined = join_heads(canvas.sketch, mix(canvas.sketch, query, key, value, bias), windows.value.shape[:-1])
    mixed = linear(canvas, Linear(name=part.output, outputs=signal.channels), canvas.signal(joined, "last"))
    whole = _unpartition(canvas, mixed.value, height, width, side)
    return canvas.signal(_roll(canvas, whole, -shift), "last")


def merge_patches(canvas: Canvas, signal: Signal) -> Signal:
    """(1, height, width, channels) to (1, height / 2, width / 2, 4 channels)."""
    signal = canvas.channels_last(signal)
    if len(signal.positions) != 2 or any(size % 2 for size in signal.positions):
        raise ArchitectureMismatchError(f"positions {list(signal.positions)} cannot be merged two by two")
    height, width = signal.positions
    sketch = canvas.sketch
    quarters = sketch.reshape(signal.value, (1, height // 2, 2, width // 2, 2, signal.channels))
    merged = sketch.transpose(quarters, (0, 1, 3, 4, 2, 5))
    return canvas.signal(sketch.reshape(merged, (1, height // 2, width // 2, 4 * signal.channels)), "last")


def _roll(canvas: Canvas, value: Value, shift: int) -> Value:
    """Both position axes begin `shift` later, and go on from their start at the end."""
    sketch = canvas.sketch
    for axis in (1, 2):
        if shift:
            size = value.shape[axis]
            cut = shift % size
            parts = [sketch.slice(value, axis, cut, size), sketch.slice(value, axis, 0, cut)]
            value = sketch.concat(parts, axis)
    return value


def _partition(canvas: Canvas, value: Value, side: int) -> Value:
    _, height, width, channels = value.shape
    sketch = canvas.sketch
    split = sketch.reshape(value, (1, height // side, side, width // side, side, channels))
    count = (height // side) * (width // side)
    return sketch.reshape(sketch.transpose(split, (0, 1, 3, 2, 4, 5)), (count, side * side, channels))


def _unpartition(canvas: Canvas, value: Value, height: int, width: int, side: int) -> Value:
    sketch = canvas.sketch
    channels = value.shape[-1]
    split = sketch.reshape(value, (1, height // side, width // side, side, side, channels))
    return sketch.reshape(sketch.transpose(split, (0, 1, 3, 2, 4, 5)), (1, height, width, channels))


def _position_bias(canvas: Canvas, table: Value, side: int) -> Value:
    """(1, heads, tokens, tokens): the table's row for the offset from one token of a window to another."""
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij")).reshape(2, -1)
    offset = grid[:, :, None] - grid[:, None, :] + side - 1
    rows = offset[0] * (2 * side - 1) + offset[1]
    sketch = canvas.sketch
    bias = sketch.transpose(sketch.gather(table, sketch.constant(rows)), (2, 0, 1))
    return sketch.reshape(bias, (1, *bias.shape))


def _mask(height: int, width: int, side: int, shift: int) -> np.ndarray:
    """(windows, 1, tokens, tokens): what keeps apart tokens that were not neighbours before the map was wrapped."""
    regions = np.zeros((height, width))
    bounds = (slice(0, -side), slice(-side, -shift), slice(-shift, None))
    for number, (rows, columns) in enumerate((rows, columns) for rows in bounds for columns in bounds):
        regions[rows, columns] = number
    split = regions.reshape(height // side, side, width // side, side).transpose(0, 2, 1, 3).reshape(-1, side * side)
    apart = split[:, None, :] != split[:, :, None]
    return np.where(apart, _BLOCKED, 0.0)[:, None].astype(np.float32)
