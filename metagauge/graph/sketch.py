"""A few numbers that stand for all weights of a block."""

from collections.abc import Iterator
from typing import Literal

import ml_dtypes
import numpy as np

Precision = Literal["float32", "bfloat16"]

_ROW = 1 << 16
_ROUND = 1 << 20
_HUGE = 3e38
"""What stands for an infinity in a mask."""


def _signs(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, count)


_COLUMNS = np.stack([_signs(_ROW, seed) for seed in (1, 2)], axis=1)
"""Two fixed random directions."""


def sketch(weight: np.ndarray, *, precision: Precision = "float32") -> tuple[float, float, float]:
    """The root mean square of a block, and its products with two fixed random directions in units of it.

    The products are of the elements in row-major order, so that moving or negating one weight changes them. With
    `precision` "bfloat16" the weights are rounded to bfloat16 first: networks that were saved in either give the same.
    """
    if weight.size == 0:
        return 0.0, 0.0, 0.0
    if not any(weight.strides):
        value = float(np.asarray(weight[(0,) * weight.ndim], np.float64))
        return abs(value), value, value
    total, products = 0.0, np.zeros(2)
    for number, rows in enumerate(_rows(weight, precision)):
        total += float(np.square(rows).sum())
        scales = np.random.default_rng(number).uniform(0.5, 1.5, (len(rows), 1))
        products += ((rows * scales) @ _COLUMNS[: rows.shape[1]]).sum(0)
    size = float(np.sqrt(total / weight.size))
    unit = size * float(np.sqrt(weight.size)) or 1.0
    return size, float(products[0]) / unit, float(products[1]) / unit


def _rows(weight: np.ndarray, precision: Precision) -> Iterator[np.ndarray]:
    """The elements, a bounded number at a time, as float64 rows."""
    per_row = int(np.prod(weight.shape[1:])) or 1
    step = max(_ROUND // per_row, 1)
    for start in range(0, len(weight), step):
        part = np.nan_to_num(np.asarray(weight[start : start + step], np.float32), posinf=_HUGE, neginf=-_HUGE).reshape(
            -1
        )
        if precision == "bfloat16":
            part = _as_bfloat16(part)
        whole = len(part) // _ROW * _ROW
        if whole:
            yield part[:whole].reshape(-1, _ROW).astype(np.float64)
        if whole < len(part):
            yield part[whole:].reshape(1, -1).astype(np.float64)


def _as_bfloat16(values: np.ndarray) -> np.ndarray:
    """Rounded to the nearest bfloat16, half to even."""
    return values.astype(ml_dtypes.bfloat16).astype(np.float32)
