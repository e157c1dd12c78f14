"""Resizing that smooths, or leaves pixels out, as a product with a known matrix for each axis."""

from math import ceil, floor

import numpy as np

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.movement import Resize
from metagauge.architecture.tracing.constants import READ_LIMIT
from metagauge.architecture.tracing.states import Numbers, Tensorlike, shape_of
from metagauge.architecture.tracing.tracing import Tracing
from metagauge.errors import StructureNotInferableError

_LETTERS = "abcdefghijklmnop"


def resampled(
    tracing: Tracing, x: Tensorlike, operator: Resize, *, antialias: bool, exclude_outside: bool
) -> Tensorlike:
    """x resized along one axis after the other, by weighing neighbours: not for mode nearest.

    Raises:
        StructureNotInferableError: an axis is too long.
    """
    for axis, (size, wanted, scale) in enumerate(zip(shape_of(x), operator.shape, operator.scales, strict=True)):
        if size == wanted and scale == 1.0:
            continue
        if size * wanted > READ_LIMIT:
            raise StructureNotInferableError(f"resizes an axis of {size} to {wanted} and smooths it")
        matrix = np.stack(
            [
                _weights(operator, place, size, scale, antialias=antialias, exclude_outside=exclude_outside)
                for place in _places(operator, size, wanted, scale)
            ]
        )
        letters = _LETTERS[: len(operator.shape)]
        equation = f"{letters},z{letters[axis]}->{letters[:axis]}z{letters[axis + 1 :]}"
        x = tracing.apply(Contract(equation=equation), x, Numbers(array=matrix.astype(np.float32)))
    return x


def _places(operator: Resize, size: int, wanted: int, scale: float) -> list[float]:
    """Where each new element lies among the old ones (ONNX, Resize, coordinate_transformation_mode)."""
    new = np.arange(wanted, dtype=np.float64)
    match operator.coordinates:
        case "align_corners":
            found = new * (size - 1) / (wanted - 1) if wanted > 1 else new * 0
        case "asymmetric":
            found = new / scale
        case "half_pixel":
            found = (new + 0.5) / scale - 0.5
        case "pytorch_half_pixel":
            found = (new + 0.5) / scale - 0.5 if wanted > 1 else new * 0
        case "half_pixel_symmetric":
            adjustment = wanted / (scale * size)
            found = size / 2 * (1 - adjustment) + (new + 0.5) / scale - 0.5
        case "tf_crop_and_resize":
            raise StructureNotInferableError("crops while it resizes")
    return [float(place) for place in found]


def _weights(
    operator: Resize, place: float, size: int, scale: float, *, antialias: bool, exclude_outside: bool
) -> np.ndarray:
    """(old elements,): how much of each goes into the new one at `place`."""
    narrow = min(scale, 1.0) if antialias else 1.0
    reach = (1 if operator.mode == "linear" else 2) / narrow
    neighbours = np.arange(floor(place - reach), ceil(place + reach) + 1)
    distance = np.abs(neighbours - place) * narrow
    weights = np.clip(1 - distance, 0, 1) if operator.mode == "linear" else _cubic(distance, operator.cubic)
    if exclude_outside:
        weights = np.where((neighbours >= 0) & (neighbours < size), weights, 0)
    found = np.zeros(size)
    np.add.at(found, np.clip(neighbours, 0, size - 1), weights / weights.sum())
    return found


def _cubic(distance: np.ndarray, a: float) -> np.ndarray:
    """The kernel of cubic convolution (Keys 1981)."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))
