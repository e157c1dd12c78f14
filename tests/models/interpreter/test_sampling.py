"""Sampling a grid computes what onnxruntime computes, also of points outside."""

import numpy as np
import pytest
import torch

from metagauge.architecture.operators.sampling import Sample
from models.interpreter.apply import apply
from tests.models.interpreter.runtime import ort

RNG = np.random.default_rng(0)
PLANE, VOLUME = RNG.standard_normal((2, 3, 5, 4)), RNG.standard_normal((1, 2, 3, 4, 5))
POINTS = RNG.uniform(-1.6, 1.6, (2, 6, 7, 2))
SPACE = RNG.uniform(-1.4, 1.4, (1, 3, 2, 4, 3))


def compare(operator: Sample, x: np.ndarray, points: np.ndarray) -> None:
    x, points = x.astype(np.float32), points.astype(np.float32)
    (expected,) = ort(
        "GridSample",
        (x, points),
        mode=operator.mode,
        padding_mode=operator.outside,
        align_corners=int(operator.corners),
    )
    (found,) = apply(operator, [torch.from_numpy(x), torch.from_numpy(points)], {})
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("corners", [True, False])
@pytest.mark.parametrize("outside", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["linear", "nearest", "cubic"])
def test_a_plane_is_sampled(mode: str, outside: str, corners: bool):
    compare(Sample(mode=mode, outside=outside, corners=corners), PLANE, POINTS)


@pytest.mark.parametrize("corners", [True, False])
@pytest.mark.parametrize("outside", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_a_volume_is_sampled(mode: str, outside: str, corners: bool):
    compare(Sample(mode=mode, outside=outside, corners=corners), VOLUME, SPACE)
