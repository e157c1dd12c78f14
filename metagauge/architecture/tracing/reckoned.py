"""Float tensors that nobody trained: masks, and the angles and waves of rotary positions, recognised by their numbers.

One exporter computes them in the graph, another before and stores the result; the network is the same.
"""

import numpy as np

from metagauge.architecture.tracing.constants import READ_LIMIT, as_numbers
from metagauge.checkpoint.tensor import Tensor

MASKED = -9999.0
"""What is added to a masked score is at most this."""
_TOLERANCE = 2e-3
"""Of a wave, in float16."""
_FEWEST = 3
"""Rows or frequencies that tell a rule from chance."""


def is_reckoned(tensor: Tensor) -> bool:
    """Whether the numbers are those of a mask, of rotary frequencies, angles or waves: exact, and never trained.

    Mixed tables of sines and cosines, which some networks add to their inputs, are weights all the same: where a table
    is added, its columns stand for neurons.
    """
    if not tensor.is_parameter or tensor.size > READ_LIMIT or tensor.dtype.startswith("F8"):
        return False
    shape = tuple(size for size in tensor.shape if size != 1)
    array = tensor.array()
    first = float(array[(0,) * array.ndim])
    if first not in (0.0, 1.0) and not first <= MASKED:
        return False
    numbers = as_numbers(array).astype(np.float64)
    with np.errstate(all="ignore"):
        if len(shape) == 1:
            return first == 1.0 and _are_frequencies(numbers.reshape(-1))
        return _is_mask(numbers) or (len(shape) == 2 and _are_rotations(numbers.reshape(shape)))


def _is_mask(numbers: np.ndarray) -> bool:
    """Zero where something is let through; all zero, where it has the shape of the scores of one head."""
    masked = numbers <= MASKED
    if not bool((masked | (numbers == 0)).all()):
        return False
    shape = numbers.shape
    return bool(masked.any()) or (len(shape) == 4 and shape[:2] == (1, 1) and shape[2] == shape[3])


def _are_frequencies(numbers: np.ndarray) -> bool:
    """1, and from there down by one ratio, at least at first: long contexts stretch the lowest ones."""
    if len(numbers) < _FEWEST or not bool((np.diff(numbers) < 0).all()) or numbers[-1] <= 0:
        return False
    ratios = numbers[1:] / numbers[:-1]
    return abs(ratios[0] - ratios[1]) <= _TOLERANCE * ratios[0]


def _are_rotations(table: np.ndarray) -> bool:
    """Angles `i f`, or their cosines or sines: what comes before and after a row add up to a multiple of it."""
    if len(table) < _FEWEST or not bool((table[0] == table[0, 0]).all()) or bool((table[1:] == table[0]).all()):
        return False
    if table[0, 0] == 0 and np.allclose(table, np.arange(len(table))[:, None] * table[1], rtol=_TOLERANCE, atol=1e-6):
        return True
    if np.abs(table).max() > 1 + _TOLERANCE:
        return False
    shares = table[1] if table[0, 0] == 1 else _cosines(table)
    gaps = table[2:] + table[:-2] - 2 * shares * table[1:-1]
    return bool((np.abs(gaps) <= _TOLERANCE).all() and (np.abs(shares) <= 1 + _TOLERANCE).all())


def _cosines(table: np.ndarray) -> np.ndarray:
    """Of the angles whose sines these are; the second sine tells on which side of a quarter turn an angle lies."""
    sines = table[1].clip(-1, 1)
    return np.where(np.abs(sines) < _SMALL_SINE, np.sqrt(1 - sines**2), table[2] / (2 * sines))


_SMALL_SINE = 0.3
"""Below it a frequency is a low one, and dividing by it would be inexact."""
