"""Resampling computes what onnxruntime computes."""

import numpy as np
import pytest
import torch

from metagauge.architecture.operators.movement import Resize
from models.interpreter.apply import apply
from tests.models.interpreter.runtime import ort

X = np.random.default_rng(0).standard_normal((1, 2, 5, 6)).astype(np.float32)
SIZES = [(10, 12), (7, 9), (3, 4), (1, 1)]
COORDINATES = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"]


def compare(operator: Resize, scales: np.ndarray | None, sizes: np.ndarray | None) -> None:
    (expected,) = ort(
        "Resize",
        (X, None, scales, sizes),
        mode=operator.mode,
        coordinate_transformation_mode=operator.coordinates,
        nearest_mode=operator.rounding,
        cubic_coeff_a=operator.cubic,
    )
    (found,) = apply(operator, [torch.from_numpy(X)], {})
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_interpolation_to_sizes(mode: str, coordinates: str, size: tuple[int, int]):
    scales = (1.0, 1.0, size[0] / 5, size[1] / 6)
    operator = Resize(shape=(1, 2, *size), scales=scales, mode=mode, coordinates=coordinates)
    compare(operator, None, np.array([1, 2, *size]))


@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("factor", [2.0, 1.5, 0.7])
def test_nearest_by_scales(coordinates: str, rounding: str, factor: float):
    size = (int(5 * factor), int(6 * factor))
    operator = Resize(
        shape=(1, 2, *size), scales=(1.0, 1.0, factor, factor), coordinates=coordinates, rounding=rounding
    )
    compare(operator, np.array([1, 1, factor, factor], np.float32), None)
