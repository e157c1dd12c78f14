"""The core of attention: queries, keys and values of heads to what each token takes from the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.reduction import Softmax
from metagauge.architecture.tracing.arithmetic import affine, binary, unary, where
from metagauge.architecture.tracing.constants import FOLD_LIMIT
from metagauge.architecture.tracing.reshaping import concatenated, reshaped, sliced, transposed
from metagauge.architecture.tracing.states import Numbers, Tensorlike, shape_of
from metagauge.architecture.tracing.tracing import Tracing
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_HIDDEN = Numbers(array=np.array(-np.inf, dtype=np.float32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attending:
    """How scores become weights: `softmax(scale * q k + biases)`, of the past only if `causal`."""

    scale: float
    biases: tuple[Tensorlike, ...] = ()
    """Added to the scores; they broadcast to (batch, heads, queries, keys)."""
    allowed: Tensorlike | None = None
    """Truths, broadcast likewise: where they are false nothing is seen."""
    causal: bool = False
    window: int = 0
    """With `causal`: how many tokens back are seen, itself included; 0 for all."""
    softcap: float = 0.0


def attend(tracing: Tracing, query: Tensorlike, key: Tensorlike, value: Tensorlike, how: Attending) -> Tensorlike:
    """Attention of (batch, heads, tokens, width); several heads of the query may share one of key and value.

    Raises:
        ArchitectureMismatchError: the heads of the query are no multiple of those of the key.
    """
    batch, heads, tokens, width = shape_of(query)
    shared, length = shape_of(key)[1:3]
    if shared < 1 or heads % shared:
        raise ArchitectureMismatchError(f"{heads} heads of the query cannot share {shared} of the key")
    if shared == heads:
        scores = tracing.apply(Contract(equation="bhqd,bhkd->bhqk", factor=how.scale), query, key)
    else:
        grouped = reshaped(tracing, query, (batch, shared, heads // shared, tokens, width))
        product = tracing.apply(Contract(equation="bhgqd,bhkd->bhgqk", factor=how.scale), grouped, key)
        scores = reshaped(tracing, product, (batch, heads, tokens, length))
    weights = tracing.apply(Softmax(axis=3), _masked(tracing, scores, how))
    if shared == heads:
        return tracing.apply(Contract(equation="bhqk,bhkd->bhqd"), weights, value)
    grouped = reshaped(tracing, weights, (batch, shared, heads // shared, tokens, length))
    context = tracing.apply(Contract(equation="bhgqk,bhkd->bhgqd"), grouped, value)
    return reshaped(tracing, context, (batch, heads, tokens, shape_of(value)[3]))


def split_heads(tracing: Tracing, x: Tensorlike, heads: int) -> Tensorlike:
    """(batch, tokens, heads * width) as (batch, heads, tokens, width)."""
    batch, tokens, features = shape_of(x)
    if heads < 1 or features % heads:
        raise ArchitectureMismatchError(f"{features} features cannot be those of {heads} heads")
    return transposed(tracing, reshaped(tracing, x, (batch, tokens, heads, features // heads)), (0, 2, 1, 3))


def merged_heads(tracing: Tracing, x: Tensorlike) -> Tensorlike:
    """(batch, heads, tokens, width) as (batch, tokens, heads * width)."""
    batch, heads, tokens, width = shape_of(x)
    return reshaped(tracing, transposed(tracing, x, (0, 2, 1, 3)), (batch, tokens, heads * width))


def _masked(tracing: Tracing, scores: Tensorlike, how: Attending) -> Tensorlike:
    if how.softcap:
        scores = affine(tracing, unary(tracing, "tanh", affine(tracing, scores, 1 / how.softcap)), how.softcap)
    for bias in how.biases:
        scores = binary(tracing, "add", scores, bias)
    if how.allowed is not None:
        scores = where(tracing, how.allowed, scores, _HIDDEN)
    if not how.causal:
        return scores
    queries, keys = shape_of(scores)[2:]
    return where(tracing, Numbers(array=seen_by(queries, keys, how.window)), scores, _HIDDEN)


def seen_by(queries: int, keys: int, window: int = 0) -> np.ndarray:
    """(queries, keys): which keys each query sees if the last query belongs to the last key.

    Raises:
        StructureNotInferableError: there are more pairs than any mask has.
    """
    if queries * keys > FOLD_LIMIT:
        raise StructureNotInferableError(f"a mask of {queries} by {keys} tokens")
    query = np.arange(queries)[:, None] + (keys - queries)
    key = np.arange(keys)[None, :]
    return (key <= query) & (key > query - window) if window > 0 else key <= query


def rotated(tracing: Tracing, x: Tensorlike, cosine: Tensorlike, sine: Tensorlike, *, interleaved: bool) -> Tensorlike:
    """Rotary position embedding (Su et al. 2021) of (batch, heads, tokens, width).

    `cosine` and `sine` are (tokens, half) or (batch, tokens, half); features beyond the first `2 half` stay as they
    are. Pairs are neighbours if `interleaved`, and otherwise a feature of the first half and one of the second.
    """
    batch, heads, tokens, width = shape_of(x)
    half = shape_of(cosine)[-1]
    if 2 * half > width:
        raise ArchitectureMismatchError(f"{2 * half} rotated features of {width}")
    turned, rest = parts(tracing, x, 3, (2 * half, width - 2 * half))
    paired = (batch, heads, tokens, half, 2) if interleaved else (batch, heads, tokens, 2, half)
    axis = 4 if interleaved else 3
    first, second = (
        reshaped(tracing, part, (batch, heads, tokens, half))
        for part in parts(tracing, reshaped(tracing, turned, paired), axis, (1, 1))
    )
    over_heads = (*shape_of(cosine)[:-2], 1, tokens, half)
    cos, sin = (reshaped(tracing, part, over_heads) for part in (cosine, sine))
    real = binary(tracing, "subtract", _times(tracing, first, cos), _times(tracing, second, sin))
    imaginary = binary(tracing, "add", _times(tracing, second, cos), _times(tracing, first, sin))
    single = (batch, heads, tokens, half, 1) if interleaved else (batch, heads, tokens, 1, half)
    both = joined(tracing, [reshaped(tracing, part, single) for part in (real, imaginary)], axis)
    return joined(tracing, [reshaped(tracing, both, (batch, heads, tokens, 2 * half)), rest], 3)


def parts(tracing: Tracing, x: Tensorlike, axis: int, sizes: Sequence[int]) -> tuple[Tensorlike, ...]:
    """Parts of x along an axis, one behind the other; without elements where a size is zero."""
    found: list[Tensorlike] = []
    start = 0
    for size in sizes:
        found.append(sliced(tracing, x, axis, start, size))
        start += size
    return tuple(found)


def joined(tracing: Tracing, states: Sequence[Tensorlike], axis: int) -> Tensorlike:
    """The inverse of `parts`."""
    return concatenated(tracing, tuple(states), axis)


def _times(tracing: Tracing, left: Tensorlike, right: Tensorlike) -> Tensorlike:
    return binary(tracing, "multiply", left, right)
