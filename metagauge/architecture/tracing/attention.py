"""Attention written as one operator, taken apart into products, mask and softmax."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from metagauge.architecture.tracing.arithmetic import affine, binary, unary, where
from metagauge.architecture.tracing.attributes import flag, integer, real
from metagauge.architecture.tracing.contraction import matmul
from metagauge.architecture.tracing.indexing import gathered
from metagauge.architecture.tracing.reduction import softmax
from metagauge.architecture.tracing.reshaping import concatenated, expanded, reshaped, sliced, transposed
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_HEADS_FIRST = (0, 2, 1, 3)
_HIDDEN = np.array(-np.inf, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How scores become weights: factor, an additive or a truth-valued mask, causal order and a soft bound."""

    factor: float
    mask: Tensorlike | None = None
    causal: bool = False
    softcap: float = 0.0


def heads_apart(tracing: Tracing, x: Tensorlike, heads: int) -> Tensorlike:
    """(batch, tokens, heads x width) as (batch, heads, tokens, width).

    Raises:
        ArchitectureMismatchError: the features do not divide into heads.
    """
    batch, tokens, features = shape_of(x)
    if heads < 1 or features % heads:
        raise ArchitectureMismatchError(f"{features} features in {heads} heads")
    return transposed(tracing, reshaped(tracing, x, (batch, tokens, heads, features // heads)), _HEADS_FIRST)


def heads_together(tracing: Tracing, x: Tensorlike) -> Tensorlike:
    """(batch, heads, tokens, width) as (batch, tokens, heads x width)."""
    batch, heads, tokens, width = shape_of(x)
    return reshaped(tracing, transposed(tracing, x, _HEADS_FIRST), (batch, tokens, heads * width))


def repeated_heads(tracing: Tracing, x: Tensorlike, heads: int) -> Tensorlike:
    """Each head of (batch, heads, tokens, width) for as many query heads as share it."""
    batch, groups, tokens, width = shape_of(x)
    if groups == heads:
        return x
    if not groups or heads % groups:
        raise ArchitectureMismatchError(f"{heads} query heads share {groups}")
    apart = reshaped(tracing, x, (batch, groups, 1, tokens, width))
    repeated = expanded(tracing, apart, (batch, groups, heads // groups, tokens, width))
    return reshaped(tracing, repeated, (batch, heads, tokens, width))


def attended(
    tracing: Tracing, query: Tensorlike, key: Tensorlike, value: Tensorlike, scores: Scores
) -> tuple[Tensorlike, Tensorlike]:
    """The context, and the scores after the softmax; all are (batch, heads, tokens, width)."""
    heads = shape_of(query)[1]
    key, value = repeated_heads(tracing, key, heads), repeated_heads(tracing, value, heads)
    product = matmul(tracing, query, key, scores.factor, transpose_right=True)
    if scores.softcap:
        bounded = unary(tracing, "tanh", affine(tracing, product, 1.0 / scores.softcap))
        product = affine(tracing, bounded, scores.softcap)
    product = masked(tracing, product, scores.mask)
    if scores.causal:
        rows, columns = shape_of(product)[-2:]
        product = masked(tracing, product, Numbers(array=np.tri(rows, columns, columns - rows, dtype=np.bool_)))
    weights = softmax(tracing, product, -1)
    return matmul(tracing, weights, value), weights


def masked(tracing: Tracing, product: Tensorlike, mask: Tensorlike | None) -> Tensorlike:
    """Scores plus an additive mask, or minus infinity where a truth-valued one is false."""
    if mask is None:
        return product
    if mask.numbers == "bool":
        return where(tracing, mask, product, Numbers(array=_HIDDEN))
    return binary(tracing, "add", product, mask)


def rotated(
    tracing: Tracing, x: Tensorlike, cosine: Tensorlike, sine: Tensorlike, *, interleaved: bool, width: int = 0
) -> Tensorlike:
    """Rotary position embedding (Su et al. 2021) of the first `width` features of (batch, heads, tokens, features).

    cosine and sine are (..., tokens, width / 2) and are broadcast over heads.
    """
    *front, features = shape_of(x)
    last, width = len(front), width or features
    half = width // 2
    turned, rest = sliced(tracing, x, last, 0, width), None
    if width < features:
        rest = sliced(tracing, x, last, width, features - width)
    if interleaved:
        apart = reshaped(tracing, turned, (*front, half, 2))
        first, second = (
            reshaped(tracing, sliced(tracing, apart, last + 1, place, 1), (*front, half)) for place in range(2)
        )
    else:
        first, second = (sliced(tracing, turned, last, start, half) for start in (0, half))
    real_part = binary(tracing, "subtract", _product(tracing, first, cosine), _product(tracing, second, sine))
    other_part = binary(tracing, "add", _product(tracing, first, sine), _product(tracing, second, cosine))
    if interleaved:
        pair = tuple(reshaped(tracing, part, (*front, half, 1)) for part in (real_part, other_part))
        turned = reshaped(tracing, concatenated(tracing, pair, last + 1), (*front, width))
    else:
        turned = concatenated(tracing, (real_part, other_part), last)
    return turned if rest is None else concatenated(tracing, (turned, rest), last)


def _product(tracing: Tracing, left: Tensorlike, right: Tensorlike) -> Tensorlike:
    return binary(tracing, "multiply", left, right)


def _attention(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    """Attention of operator set 23."""
    query, key, value = (required(inputs, position) for position in range(3))
    is_flat = len(shape_of(query)) == 3
    if is_flat:
        heads = integer(node, "q_num_heads", 0)
        groups = integer(node, "kv_num_heads", heads)
        query = heads_apart(tracing, query, heads)
        key, value = (heads_apart(tracing, each, groups) for each in (key, value))
    if tensor_at(inputs, 6) is not None:
        raise StructureNotInferableError("the lengths of keys and values without padding are an input")
    past = tuple(tensor_at(inputs, position) for position in (4, 5))
    key, value = (
        each if before is None else concatenated(tracing, (before, each), 2)
        for before, each in zip(past, (key, value), strict=True)
    )
    scores = Scores(
        factor=real(node, "scale", 1.0 / sqrt(shape_of(query)[-1])),
        mask=tensor_at(inputs, 3),
        softcap=real(node, "softcap", 0.0),
    )
    causal = None
    if flag(node, "is_causal", False):  # a lower triangle from the first key on, after what is cached
        offset = 0 if past[0] is None else shape_of(past[0])[2]
        causal = Numbers(array=np.tri(shape_of(query)[2], shape_of(key)[2], offset, dtype=np.bool_))
    if causal is not None:
        mask = scores.mask
        if mask is None:
            scores = Scores(factor=scores.factor, mask=causal, softcap=scores.softcap)
        elif mask.numbers == "bool":
            both = binary(tracing, "and", mask, causal)
            scores = Scores(factor=scores.factor, mask=both, softcap=scores.softcap)
        else:
            hidden = where(tracing, causal, mask, Numbers(array=_HIDDEN))
            scores = Scores(factor=scores.factor, mask=hidden, softcap=scores.softcap)
    context, _ = attended(tracing, query, key, value, scores)
    return heads_together(tracing, context) if is_flat else context, key, value


def _rotary(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """RotaryEmbedding of operator set 23."""
    x, cosine, sine, positions = (*(required(inputs, place) for place in range(3)), tensor_at(inputs, 3))
    is_flat = len(shape_of(x)) == 3
    if is_flat:
        x = heads_apart(tracing, x, integer(node, "num_heads", 0))
    if positions is not None:
        cosine, sine = (gathered(tracing, each, positions, 0) for each in (cosine, sine))
    tables = []
    for table in (cosine, sine):  # (batch, tokens, half) -> (batch, 1, tokens, half)
        batch, tokens, half = shape_of(table)
        tables.append(reshaped(tracing, table, (batch, 1, tokens, half)))
    turned = rotated(
        tracing,
        x,
        tables[0],
        tables[1],
        interleaved=flag(node, "interleaved", False),
        width=integer(node, "rotary_embedding_dim", 0),
    )
    return heads_together(tracing, turned) if is_flat else turned


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "Attention"): _attention,
    ("", "RotaryEmbedding"): _rotary,
}
