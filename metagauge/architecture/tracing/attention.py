"""Attention and rotary positions as operators of ONNX itself, from operator set 23 on."""

from collections.abc import Mapping
from math import sqrt

import numpy as np

from metagauge.architecture.attributes import flag, integer, real
from metagauge.architecture.operators.shaping.rules import broadcast
from metagauge.architecture.tracing.arithmetic import binary
from metagauge.architecture.tracing.attending import Attending, attend, merged_heads, rotated, split_heads
from metagauge.architecture.tracing.indexing import gathered
from metagauge.architecture.tracing.reshaping import concatenated, sliced
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError


def _attention(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    query, key, value = (required(inputs, position) for position in range(3))
    is_flat = len(shape_of(query)) == 3
    if is_flat:
        heads = integer(node, "q_num_heads", 0)
        groups = integer(node, "kv_num_heads", heads)
        query = split_heads(tracing, query, heads)
        key, value = (split_heads(tracing, each, groups) for each in (key, value))
    if tensor_at(inputs, 6) is not None:
        raise StructureNotInferableError("the lengths of keys and values without padding are an input")
    past = tensor_at(inputs, 4)
    key, value = (
        each if before is None else concatenated(tracing, (before, each), 2)
        for before, each in zip((past, tensor_at(inputs, 5)), (key, value), strict=True)
    )
    offset = 0 if past is None else shape_of(past)[2]
    seen = _seen(node, shape_of(query)[2], shape_of(key)[2], offset)
    how = _masked(tracing, node, shape_of(query), shape_of(key), tensor_at(inputs, 3), seen)
    context = attend(tracing, query, key, value, how)
    return merged_heads(tracing, context) if is_flat else context, key, value


def _seen(node: Node, queries: int, keys: int, offset: int) -> Numbers | None:
    """(queries, keys): which keys each query sees; None for all. The first query stands behind `offset` keys."""
    query, key = np.arange(queries)[:, None] + offset, np.arange(keys)[None, :]
    left, right = integer(node, "left_window_size", -1), integer(node, "right_window_size", -1)
    seen = np.ones((queries, keys), dtype=np.bool_)
    if flag(node, "is_causal", False):
        seen &= key <= query
    if left >= 0:
        seen &= key >= query - left
    if right >= 0:
        seen &= key <= query + right
    return None if seen.all() else Numbers(array=seen)


def _masked(
    tracing: Tracing,
    node: Node,
    query: tuple[int, ...],
    key: tuple[int, ...],
    mask: Tensorlike | None,
    seen: Numbers | None,
) -> Attending:
    allowed: Tensorlike | None = seen
    biases: tuple[Tensorlike, ...] = ()
    if mask is not None:
        missing = key[2] - shape_of(mask)[-1]
        if missing > 0 and shape_of(mask)[-1] != 1:
            raise StructureNotInferableError("its mask is shorter than the keys")
        if broadcast((shape_of(mask), (*query[:3], key[2]))) != (*query[:3], key[2]):
            raise ArchitectureMismatchError(f"a mask of {list(shape_of(mask))} for scores {[*query[:3], key[2]]}")
        if mask.numbers != "bool":
            biases = (mask,)
        else:
            allowed = mask if allowed is None else binary(tracing, "and", mask, allowed)
    scale = real(node, "scale", 1.0 / sqrt(query[-1]))
    return Attending(scale=scale, biases=biases, allowed=allowed, softcap=real(node, "softcap", 0.0))


def _rotary(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, cosine, sine, positions = (*(required(inputs, place) for place in range(3)), tensor_at(inputs, 3))
    is_flat = len(shape_of(x)) == 3
    if is_flat:
        x = split_heads(tracing, x, integer(node, "num_heads", 0))
    if positions is not None:
        cosine, sine = (gathered(tracing, each, positions, 0) for each in (cosine, sine))
    half = integer(node, "rotary_embedding_dim", 0) // 2
    if half:
        cosine, sine = (sliced(tracing, each, len(shape_of(each)) - 1, 0, half) for each in (cosine, sine))
    turned = rotated(tracing, x, cosine, sine, interleaved=flag(node, "interleaved", False))
    return merged_heads(tracing, turned) if is_flat else turned


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "Attention"): _attention,
    ("", "RotaryEmbedding"): _rotary,
}
