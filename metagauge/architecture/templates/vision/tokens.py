"""Tokens of an image, and attention between them."""

import numpy as np

from metagauge.architecture.templates.sketch import Sketch, Value
from metagauge.architecture.templates.vision.canvas import Canvas, Signal, mismatch
from metagauge.architecture.templates.vision.layers import layer_norm, linear
from metagauge.architecture.templates.vision.parts import LayerNorm, Linear
from metagauge.architecture.templates.vision.token_parts import Attention, ClassToken, PositionTable, SelectToken
from metagauge.errors import ArchitectureMismatchError


def to_tokens(canvas: Canvas, signal: Signal) -> Signal:
    """(1, channels, height, width) to (1, height width, channels)."""
    sketch = canvas.sketch
    if signal.layout == "last":
        count = int(np.prod(signal.positions))
        return canvas.signal(sketch.reshape(signal.value, (1, count, signal.channels)), "last")
    count = int(np.prod(signal.positions))
    flat = sketch.reshape(signal.value, (1, signal.channels, count))
    return canvas.signal(sketch.transpose(flat, (0, 2, 1)), "last")


def class_token(canvas: Canvas, part: ClassToken, signal: Signal) -> Signal:
    """Learned tokens in front of the others."""
    tokens = canvas.weight(part.tensor)
    if tokens.rank != 3 or tokens.shape[0] != 1:
        raise mismatch(tokens, "learned tokens have shape (1, count, width)")
    return canvas.signal(canvas.sketch.concat([tokens, signal.value], axis=1), "last")


def position_table(canvas: Canvas, part: PositionTable, signal: Signal) -> Signal:
    """One learned vector added to each token."""
    table = canvas.weight(part.tensor)
    shape = signal.value.shape
    if table.shape not in (shape, shape[1:]):
        raise mismatch(table, f"it is added to tokens of shape {list(shape)}")
    return canvas.signal(canvas.sketch.add(signal.value, table), "last")


def select_token(canvas: Canvas, part: SelectToken, signal: Signal) -> Signal:
    """One token, or the mean of the patches' tokens."""
    sketch, value = canvas.sketch, signal.value
    if part.index is not None:
        return canvas.signal(sketch.take(value, 1, part.index), "last")
    value = sketch.slice(value, 1, part.skipped, value.shape[1])
    return canvas.signal(sketch.reduce("ReduceMean", value, (1,), keep=False), "last")


def attention(canvas: Canvas, part: Attention, signal: Signal) -> Signal:
    """Self-attention of all tokens."""
    query, key, value = fused_heads(canvas, part, signal, part.heads)
    for name in ("query", "key"):
        norm = part.query_norm if name == "query" else part.key_norm
        if norm:
            heads = canvas.signal(query if name == "query" else key, "last")
            normed = layer_norm(canvas, LayerNorm(name=norm, epsilon=part.norm_epsilon), heads).value
            query, key = (normed, key) if name == "query" else (query, normed)
    mixed = mix(canvas.sketch, query, key, value, None)
    joined = join_heads(canvas.sketch, mixed, signal.value.shape[:-1])
    return linear(canvas, Linear(name=part.output, outputs=signal.channels), canvas.signal(joined, "last"))


def fused_heads(canvas: Canvas, part: Attention, signal: Signal, heads: int) -> tuple[Value, Value, Value]:
    """Queries, keys and values (windows, heads, tokens, width of a head) of a signal (windows, tokens, channels)."""
    sketch = canvas.sketch
    matrix, bias = canvas.weight(part.projection), canvas.optional(part.bias)
    if matrix.rank != 2 or matrix.shape[1] != signal.channels or heads < 1 or matrix.shape[0] % (3 * heads):
        raise mismatch(matrix, f"it makes queries, keys and values of {heads} heads from {signal.channels} channels")
    if bias is not None and bias.shape != matrix.shape[:1]:
        raise mismatch(bias, f"the matrix it belongs to has shape {list(matrix.shape)}")
    width = matrix.shape[0] // (3 * heads)
    windows, tokens, _ = signal.value.shape
    fused = sketch.linear(signal.value, matrix, bias)
    split = sketch.transpose(sketch.reshape(fused, (windows, tokens, 3, heads, width)), (2, 0, 3, 1, 4))
    query, key, value = (sketch.take(split, 0, index) for index in range(3))
    return query, key, value


def mix(sketch: Sketch, query: Value, key: Value, value: Value, bias: Value | None) -> Value:
    """`softmax(q k / sqrt(width) + bias) v` of values (windows, heads, tokens, width)."""
    scores = sketch.matmul(sketch.scale(query, query.shape[-1] ** -0.5), sketch.transpose(key, (0, 1, 3, 2)))
    if bias is not None:
        scores = sketch.add(scores, bias)
    return sketch.matmul(sketch.softmax(scores), value)


def join_heads(sketch: Sketch, mixed: Value, shape: tuple[int, ...]) -> Value:
    """(windows, heads, tokens, width) to (*shape, heads width)."""
    windows, heads, tokens, width = mixed.shape
    if int(np.prod(shape)) != windows * tokens:
        raise ArchitectureMismatchError(f"{windows * tokens} tokens do not fill {list(shape)}")
    return sketch.reshape(sketch.transpose(mixed, (0, 2, 1, 3)), (*shape, heads * width))
