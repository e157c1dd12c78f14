"""Masks and rotary tables are told from weights by their numbers."""

import numpy as np
import pytest

from metagauge.architecture.tracing.reckoned import is_reckoned
from metagauge.checkpoint.tensor import Tensor

ANGLES = np.arange(2048)[:, None] / 10000 ** (np.arange(32) / 32)
CAUSAL = np.triu(np.full((9, 9), -3.4e38), 1)
NORMAL = np.random.default_rng(0).standard_normal((16, 8))


def stored(array: np.ndarray, dtype: str = "float32") -> Tensor:
    array = array.astype(dtype)
    name = {"float32": "F32", "float16": "F16", "float64": "F64"}[dtype]
    return Tensor(name="t", dtype=name, shape=array.shape, load=lambda: array)


RECKONED = {
    "a causal mask": CAUSAL,
    "with infinities": np.where(CAUSAL < 0, -np.inf, 0)[None, None],
    "a mask that masks nothing": np.zeros((1, 1, 9, 9)),
    "angles": ANGLES,
    "angles of two halves": np.concatenate([ANGLES, ANGLES], 1)[None],
    "cosines": np.cos(ANGLES)[None, :, None],
    "sines": np.sin(ANGLES)[None, None],
    "a few sines": np.sin(ANGLES[:7]),
    "frequencies": 1 / 10000 ** (np.arange(32) / 32),
    "stretched frequencies": 1 / 500000 ** (np.arange(8) / 8) * np.array([1, 1, 1, 1, 0.5, 0.2, 0.125, 0.125]),
}
WEIGHTS = {
    "numbers": NORMAL,
    "zeros": np.zeros((16, 8)),
    "ones": np.ones((16, 8)),
    "a bias of zeros": np.zeros(8),
    "a scale of ones": np.ones(8),
    "a trained scale that begins at one": np.concatenate([[1.0], 1 - np.sort(np.abs(NORMAL.ravel())) / 9]),
    "numbers after a row of zeros": np.concatenate([np.zeros((1, 8)), NORMAL]),
    "numbers after a row of ones": np.concatenate([np.ones((1, 8)), np.tanh(NORMAL)]),
    "a padding row": np.concatenate([np.zeros((1, 8)), np.abs(NORMAL)]),
    "sines and cosines that are added": np.stack([np.sin(ANGLES), np.cos(ANGLES)], 2).reshape(2048, 64),
    "large numbers": NORMAL * 1e5,
    "one number": np.array([0.0]),
}


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize("name", [name for name in RECKONED if "mask" not in name and "angles" not in name])
def test_reckoned_numbers_are_recognised(name: str, dtype: str):
    assert is_reckoned(stored(RECKONED[name], dtype))


@pytest.mark.parametrize("name", [name for name in RECKONED if "mask" in name or "angles" in name])
def test_masks_and_angles_are_recognised(name: str):
    assert is_reckoned(stored(RECKONED[name]))


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_not(name: str):
    assert not is_reckoned(stored(WEIGHTS[name]))
