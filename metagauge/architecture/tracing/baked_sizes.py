"""Lengths that stored tensors have although the program calls the axis open."""

from collections import Counter

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.tensor import Tensor

_LARGEST = 4096


def baked_sizes(checkpoint: Checkpoint) -> tuple[int, ...]:
    """Sizes of stored masks (1, ..., length, length) and position tables (1, length, features), the likeliest first."""
    found = Counter(size for tensor in checkpoint.tensors.values() for size in _lengths(tensor))
    return tuple(size for size, _ in found.most_common() if 1 < size <= _LARGEST)


def _lengths(tensor: Tensor) -> tuple[int, ...]:
    if len(tensor.shape) < 3 or tensor.shape[0] != 1:
        return ()
    *front, rows, columns = tensor.shape
    is_mask = rows == columns and set(front) == {1}
    return (rows,) if is_mask or len(front) == 1 else ()
