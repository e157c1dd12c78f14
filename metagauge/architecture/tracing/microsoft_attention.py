"""Attention as ONNX Runtime fuses it (com.microsoft)."""

from math import sqrt

import numpy as np

from metagauge.architecture.attributes import flag, integer, integers, real
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.tracing.arithmetic import affine, binary
from metagauge.architecture.tracing.attending import (
    Attending,
    attend,
    joined,
    merged_heads,
    parts,
    rotated,
    split_heads,
)
from metagauge.architecture.tracing.call import call
from metagauge.architecture.tracing.constants import READ_LIMIT
from metagauge.architecture.tracing.quantisation import as_float
from metagauge.architecture.tracing.reshaping import reshaped, sliced, transposed
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError


def attention(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    """Attention: one weight for query, key and value, whose columns stand one behind the other."""
    if flag(node, "do_rotary", False):
        raise StructureNotInferableError("it rotates by positions of its own")
    x, weight, bias = required(inputs, 0), required(inputs, 1), tensor_at(inputs, 2)
    projected = call(tracing, "MatMul", x, weight)
    if bias is not None:
        projected = binary(tracing, "add", projected, bias)
    return attended(tracing, node, projections(tracing, node, projected), inputs)


def projections(tracing: Tracing, node: Node, projected: Tensorlike) -> tuple[Tensorlike, ...]:
    """Query, key and value, which stand one behind the other."""
    total = shape_of(projected)[2]
    sizes = integers(node, "qkv_hidden_sizes") or (total // 3,) * 3
    return parts(tracing, projected, 2, _whole(sizes, total))


def attended(
    tracing: Tracing, node: Node, projected: tuple[Tensorlike, ...], inputs: Inputs
) -> tuple[Tensorlike | None, ...]:
    """Attention of projected queries, keys and values (batch, tokens, features); other inputs are Attention's."""
    heads = integer(node, "num_heads", 0)
    query, key, value = (split_heads(tracing, part, heads) for part in projected)
    past = tensor_at(inputs, 4)
    if past is not None:
        _check_past(node, shape_of(past)[3])
        old_key, old_value = parts(tracing, past, 0, (1, 1))
        key = joined(tracing, [reshaped(tracing, old_key, shape_of(past)[1:]), key], 2)
        value = joined(tracing, [reshaped(tracing, old_value, shape_of(past)[1:]), value], 2)
    lengths = shape_of(query)[2], shape_of(key)[2]
    biases = [_mask(tracing, node, tensor_at(inputs, 3), *lengths), tensor_at(inputs, 5)]
    how = Attending(
        scale=real(node, "scale", 0.0) or 1 / sqrt(shape_of(query)[3]),
        biases=tuple(bias for bias in biases if bias is not None),
        causal=integer(node, "unidirectional", 0) == 1,
    )
    output = merged_heads(tracing, attend(tracing, query, key, value, how))
    if len(node.outputs) < 2:
        return (output,)
    present = [reshaped(tracing, part, (1, *shape_of(part))) for part in (key, value)]
    return output, joined(tracing, present, 0) if shape_of(key) == shape_of(value) else None


def multi_head_attention(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    """MultiHeadAttention: of projected queries, keys and values, packed or not."""
    heads = integer(node, "num_heads", 0)
    query, key, value = _packed(tracing, node, inputs)
    bias = tensor_at(inputs, 3)
    if bias is not None:
        sizes = _whole(tuple(shape_of(part)[1] * shape_of(part)[3] for part in (query, key, value)), shape_of(bias)[0])
        query, key, value = (
            binary(tracing, "add", part, reshaped(tracing, own, (1, heads, 1, shape_of(part)[3])))
            for part, own in zip(
                (query, key, value), parts(tracing, bias, 0, _whole(sizes, shape_of(bias)[0])), strict=True
            )
        )
    old_key, old_value = tensor_at(inputs, 6), tensor_at(inputs, 7)
    if old_key is not None and old_value is not None:
        _check_past(node, shape_of(old_key)[2])
        key, value = joined(tracing, [old_key, key], 2), joined(tracing, [old_value, value], 2)
    lengths = shape_of(query)[2], shape_of(key)[2]
    biases = [_mask(tracing, node, tensor_at(inputs, 4), *lengths), tensor_at(inputs, 5)]
    how = Attending(
        scale=real(node, "scale", 0.0) or 1 / sqrt(shape_of(query)[3]),
        biases=tuple(bias for bias in biases if bias is not None),
        causal=integer(node, "unidirectional", 0) == 1,
    )
    return merged_heads(tracing, attend(tracing, query, key, value, how)), key, value


def decoder_attention(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    """DecoderMaskedMultiHeadAttention: the same for one more token, with its inputs in another order."""
    query, key, value, mask, bias, old_key, old_value, *_ = (*inputs, *(None,) * 11)
    of_projection = inputs[10] if len(inputs) > 10 else None
    packed = required(inputs, 0)
    if key is None:
        width = shape_of(packed)[2] // 3
        query, key, value = parts(tracing, packed, 2, (width, width, width))
    return multi_head_attention(tracing, node, (query, key, value, of_projection, mask, bias, old_key, old_value))


def _check_past(node: Node, length: int) -> None:
    """A past that shares its memory with what follows is longer than what it holds."""
    if length and flag(node, "past_present_share_buffer", False):
        raise StructureNotInferableError("how much of its past counts depends on what the network is given")


def group_query_attention(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    """GroupQueryAttention: causal; several heads of the query share one of key and value."""
    heads, shared = integer(node, "num_heads", 0), integer(node, "kv_num_heads", 0)
    if tensor_at(inputs, 11) is not None or flag(node, "smooth_softmax", False):
        raise StructureNotInferableError("its softmax has a sink")
    query, key, value = required(inputs, 0), tensor_at(inputs, 1), tensor_at(inputs, 2)
    if key is None or value is None:
        width = shape_of(query)[2] // max(heads + 2 * shared, 1)
        sizes = _whole((heads * width, shared * width, shared * width), shape_of(query)[2])
        query, key, value = parts(tracing, query, 2, sizes)
    query = split_heads(tracing, query, heads)
    key, value = split_heads(tracing, key, shared), split_heads(tracing, value, shared)
    past, old_value = tensor_at(inputs, 3), tensor_at(inputs, 4)
    before = 0 if past is None else shape_of(past)[2]
    if integer(node, "do_rotary", 0) == 1:
        tokens = shape_of(query)[2]
        positions = tensor_at(inputs, 9)
        tables = [_rows(tracing, required(inputs, place), positions, before, tokens) for place in (7, 8)]
        interleaved = flag(node, "rotary_interleaved", False)
        query, key = (rotated(tracing, part, *tables, interleaved=interleaved) for part in (query, key))
    if past is not None and old_value is not None:
        key, value = joined(tracing, [past, key], 2), joined(tracing, [old_value, value], 2)
    _check_lengths(tracing, tensor_at(inputs, 5), shape_of(key)[2])
    bias = tensor_at(inputs, 10)
    how = Attending(
        scale=real(node, "scale", 0.0) or 1 / sqrt(shape_of(query)[3]),
        biases=() if bias is None else (bias,),
        causal=True,
        window=max(integer(node, "local_window_size", -1), 0),
        softcap=real(node, "softcap", 0.0),
    )
    return merged_heads(tracing, attend(tracing, query, key, value, how)), key, value


def _check_lengths(tracing: Tracing, last: Tensorlike | None, keys: int) -> None:
    """The last key that counts is the last there is, or is assumed to be where the file leaves it open."""
    if last is None or not tracing.is_known(last):
        tracing.assumed["sequences are not padded"] = None
    elif tracing.integers(last) != (keys - 1,):
        raise StructureNotInferableError("its sequences are padded")


def rotary_embedding(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """RotaryEmbedding of com.microsoft: of (batch, tokens, features) or (batch, heads, tokens, width)."""
    x, positions = required(inputs, 0), required(inputs, 1)
    cosine, sine = required(inputs, 2), required(inputs, 3)
    is_merged = len(shape_of(x)) == 3
    if is_merged:
        turned = integer(node, "rotary_embedding_dim", 0)
        heads = integer(node, "num_heads", 0)
        if not heads and not turned:
            heads = shape_of(x)[2] // (2 * shape_of(cosine)[1])
        x = split_heads(tracing, x, heads)
    tokens = shape_of(x)[2]
    if shape_of(positions) == (1,):
        start = tracing.integers(positions)[0] if tracing.is_known(positions) else 0
        tables = [_rows(tracing, table, None, start, tokens) for table in (cosine, sine)]
        if not tracing.is_known(positions):
            tracing.assumed["positions begin at 0"] = None
    else:
        tables = [_rows(tracing, table, positions, 0, tokens) for table in (cosine, sine)]
    y = rotated(tracing, x, *tables, interleaved=flag(node, "interleaved", False))
    y = affine(tracing, y, real(node, "scale", 1.0))
    return merged_heads(tracing, y) if is_merged else y


def _rows(tracing: Tracing, table: Tensorlike, positions: Tensorlike | None, start: int, count: int) -> Tensorlike:
    """The rows of a table of cosines or sines that belong to the tokens."""
    if positions is not None:
        return tracing.apply(Gather(axis=0), table, positions)
    return sliced(tracing, table, 0, start, count)


def _packed(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike, Tensorlike, Tensorlike]:
    """Query, key and value of MultiHeadAttention as (batch, heads, tokens, width)."""
    heads = integer(node, "num_heads", 0)
    query, key, value = required(inputs, 0), tensor_at(inputs, 1), tensor_at(inputs, 2)
    if len(shape_of(query)) == 5:
        found = tuple(_unpacked(tracing, query, place) for place in range(3))
        return found[0], found[1], found[2]
    split = split_heads(tracing, query, heads)
    if key is None:
        raise ArchitectureMismatchError("it has a query, and no key")
    if len(shape_of(key)) == 5:
        return split, _unpacked(tracing, key, 0), _unpacked(tracing, key, 1)
    if value is None:
        raise ArchitectureMismatchError("it has a key, and no value")
    sides = [part if len(shape_of(part)) == 4 else split_heads(tracing, part, heads) for part in (key, value)]
    return split, sides[0], sides[1]


def _unpacked(tracing: Tracing, packed: Tensorlike, place: int) -> Tensorlike:
    """One of the parts of (batch, tokens, heads, parts, width)."""
    batch, tokens, heads, _, width = shape_of(packed)
    part = reshaped(tracing, sliced(tracing, packed, 3, place, 1), (batch, tokens, heads, width))
    return transposed(tracing, part, (0, 2, 1, 3))


def _mask(tracing: Tracing, node: Node, mask: Tensorlike | None, queries: int, keys: int) -> Tensorlike | None:
    """What is added to the scores for a mask of ones and zeros, or for lengths."""
    if mask is None:
        return None
    low = real(node, "mask_filter_value", -10_000.0)
    shape = shape_of(mask)
    match len(shape):
        case 1:
            mask, shape = _by_length(tracing, mask, keys), (1, 1, 1, keys)
        case 2:
            shape = (shape[0], 1, 1, shape[1])
        case 3:
            shape = (shape[0], 1, *shape[1:])
        case 4:  # a square for the longest sequence there is
            rows = sliced(tracing, mask, 2, keys - queries, queries)
            mask, shape = sliced(tracing, rows, 3, 0, keys), (shape[0], shape[1], queries, keys)
        case rank:
            raise ArchitectureMismatchError(f"a mask with {rank} axes")
    if mask.numbers != "bool":
        mask = binary(tracing, "greater", mask, Numbers(array=np.array(0)))
    if isinstance(mask, Numbers) and mask.array.all():
        return None
    ones = reshaped(tracing, as_float(tracing, mask), shape)
    return affine(tracing, ones, -low, low)


def _by_length(tracing: Tracing, lengths: Tensorlike, keys: int) -> Tensorlike:
    """Ones for the keys of the one sample: those before its end, and not before its start if that is given."""
    if keys > READ_LIMIT:
        raise StructureNotInferableError(f"a mask for {keys} tokens")
    places = Numbers(array=np.arange(keys))
    (count,) = shape_of(lengths)
    if count not in (1, 2):
        raise StructureNotInferableError(f"a mask of {count} numbers for one sample")
    end = sliced(tracing, lengths, 0, 0, 1)
    seen = binary(tracing, "less", places, end)
    if count == 2:
        seen = binary(tracing, "and", seen, binary(tracing, "greater_equal", places, sliced(tracing, lengths, 0, 1, 1)))
    return seen


def _whole(sizes: tuple[int, ...], total: int) -> tuple[int, ...]:
    if len(sizes) != 3 or sum(sizes) != total or min(sizes) < 1:
        raise ArchitectureMismatchError(f"{total} features in parts of {list(sizes)[:8]}")
    return sizes


OPERATORS: Registry = {
    ("com.microsoft", "Attention"): attention,
    ("com.microsoft", "DecoderMaskedSelfAttention"): attention,
    ("com.microsoft", "MultiHeadAttention"): multi_head_attention,
    ("com.microsoft", "DecoderMaskedMultiHeadAttention"): decoder_attention,
    ("com.microsoft", "GroupQueryAttention"): group_query_attention,
    ("com.microsoft", "RotaryEmbedding"): rotary_embedding,
}
