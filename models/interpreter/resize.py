"""Resampling in torch, one axis after the other, as ONNX's Resize defines it.

Coordinates are computed in float32, as runtimes do: a nearest neighbour may hang on the last bit.
"""

from typing import assert_never

import numpy as np
import torch
from torch import Tensor

from metagauge.architecture.operators.movement import Resize
from models.interpreter.numbers import Inputs, floating, only


def apply_resize(operator: Resize, inputs: Inputs) -> Tensor:
    """The value at other positions."""
    x = only(inputs)
    for axis, (size, scale) in enumerate(zip(operator.shape, operator.scales, strict=True)):
        if size != x.shape[axis] or scale != 1.0:
            x = _resize_axis(operator, x, axis, size, scale)
    return x


def _resize_axis(operator: Resize, x: Tensor, axis: int, size: int, scale: float) -> Tensor:
    length = x.shape[axis]
    coordinates = _coordinates(operator, length, size, np.float32(scale))
    if operator.mode == "nearest":
        places = _rounded(operator, coordinates).clip(0, length - 1).astype(np.int64)
        return x.index_select(axis, torch.from_numpy(places))
    first = np.floor(coordinates)
    share = coordinates - first
    if operator.mode == "linear":
        taps = [(0, 1 - share), (1, share)]
    else:
        taps = [(offset, _cubic(share - offset, operator.cubic)) for offset in (-1, 0, 1, 2)]
    total = torch.zeros(())
    for offset, weights in taps:
        places = (first + offset).clip(0, length - 1).astype(np.int64)
        shape = (-1, *(1,) * (x.dim() - 1 - axis))
        part = floating(x).index_select(axis, torch.from_numpy(places))
        total = total + part * torch.from_numpy(weights.astype(np.float32)).reshape(shape)
    return total


def _coordinates(operator: Resize, length: int, size: int, scale: np.float32) -> np.ndarray:
    """Where each new element lies among the old ones."""
    new = np.arange(size, dtype=np.float32)
    half = (new + np.float32(0.5)) / scale - np.float32(0.5)
    match operator.coordinates:
        case "half_pixel":
            return half
        case "half_pixel_symmetric":
            adjustment = np.float32(size) / (scale * np.float32(length))
            offset = np.float32(length / 2) * (1 - adjustment)
            return (offset + (new + np.float32(0.5)) / scale) - np.float32(0.5)
        case "pytorch_half_pixel":
            return half if size > 1 else np.zeros(1, np.float32)
        case "align_corners":
            return new * np.float32(length - 1) / np.float32(size - 1) if size > 1 else np.zeros(1, np.float32)
        case "asymmetric":
            return new / scale
        case "tf_crop_and_resize":  # of the whole, as no region is part of the operator
            corners = new * np.float32(length - 1) / np.float32(max(1, size - 1))
            return corners if size > 1 else np.full(1, (length - 1) / 2, np.float32)
        case _:
            assert_never(operator.coordinates)


def _rounded(operator: Resize, coordinates: np.ndarray) -> np.ndarray:
    match operator.rounding:
        case "round_prefer_floor":
            return np.ceil(coordinates - np.float32(0.5))
        case "round_prefer_ceil":
            return np.floor(coordinates + np.float32(0.5))
        case "floor":
            return np.floor(coordinates)
        case "ceil":
            return np.ceil(coordinates)
        case _:
            assert_never(operator.rounding)


def _cubic(distance: np.ndarray, a: float) -> np.ndarray:
    """Weight of an element so far away (Keys 1981)."""
    d = np.abs(distance)
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))
