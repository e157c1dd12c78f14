"""Distances between tokens in buckets: one each for near ones, wider ones the farther away (Raffel et al. 2020)."""

import numpy as np

from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_MOST = 1 << 22


def relative_buckets(queries: int, keys: int, buckets: int, farthest: int, is_bidirectional: bool) -> np.ndarray:
    """(queries, keys): the bucket of each pair.

    Raises:
        StructureNotInferableError: there are more pairs than any table is used for.
        ArchitectureMismatchError: there are no buckets to put them into.
    """
    if queries < 1 or keys < 1 or queries * keys > _MOST:
        raise StructureNotInferableError(f"a table for {queries} by {keys} tokens")
    distance = np.arange(keys)[None, :] - np.arange(queries)[:, None]
    first = np.zeros_like(distance)
    if is_bidirectional:
        buckets //= 2
        first = np.where(distance > 0, buckets, 0)
        distance = np.abs(distance)
    else:
        distance = np.maximum(-distance, 0)
    exact = buckets // 2
    if exact < 1 or farthest <= exact:
        raise ArchitectureMismatchError(f"{buckets} buckets for distances up to {farthest}")
    far = np.log(np.maximum(distance, 1) / exact) / np.log(farthest / exact) * (buckets - exact)
    wide = np.minimum(exact + far.astype(np.int64), buckets - 1)
    return first + np.where(distance < exact, distance, wide)
