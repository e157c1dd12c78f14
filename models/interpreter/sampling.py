"""A grid read between its points, in torch."""

from math import prod
from typing import assert_never

import torch
from torch import Tensor

from metagauge.architecture.operators.sampling import Sample
from models.interpreter.numbers import Inputs, floating, required


def apply_sample(operator: Sample, inputs: Inputs) -> Tensor:
    """(batch, channels, *where): a weighted sum of the 1, 2 or 4 nearest elements along every axis."""
    x, points = (floating(each) for each in required(inputs, 2))
    sizes = x.shape[2:]
    flat = points.reshape(points.shape[0], -1, len(sizes)).flip(-1)  # (batch, points, axes), first axis first
    taps = [_taps(operator, flat[..., axis], size) for axis, size in enumerate(sizes)]
    grid = x.reshape(*x.shape[:2], prod(sizes))
    total = torch.zeros(*x.shape[:2], flat.shape[1], dtype=x.dtype)
    for choice in torch.cartesian_prod(*(torch.arange(len(each)) for each in taps)).reshape(-1, len(sizes)).tolist():
        place = torch.zeros(flat.shape[:2], dtype=torch.int64)
        weight = torch.ones(flat.shape[:2], dtype=x.dtype)
        for (places, weights), size in zip((taps[axis][tap] for axis, tap in enumerate(choice)), sizes, strict=True):
            place = place * size + places
            weight = weight * weights
        total = total + grid.gather(2, place[:, None].expand(-1, x.shape[1], -1)) * weight[:, None]
    return total.reshape(*x.shape[:2], *points.shape[1:-1])


def _taps(operator: Sample, coordinate: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    """Elements along one axis and their weights, (batch, points) each."""
    place = (coordinate + 1) / 2 * (size - 1) if operator.corners else ((coordinate + 1) * size - 1) / 2
    if operator.mode != "cubic":  # a cubic one moves its elements, not the point
        place = _moved_inside(operator, place, size)
    first = place.floor()
    share = place - first
    match operator.mode:
        case "nearest":
            offsets = [(place.round() - first, torch.ones_like(share))]
        case "linear":
            offsets = [(torch.zeros_like(share), 1 - share), (torch.ones_like(share), share)]
        case "cubic":
            offsets = [(torch.full_like(share, step), _cubic(share - step)) for step in (-1, 0, 1, 2)]
        case _:
            assert_never(operator.mode)
    return [_tap(operator, first + offset, weight, size) for offset, weight in offsets]


def _tap(operator: Sample, place: Tensor, weight: Tensor, size: int) -> tuple[Tensor, Tensor]:
    if operator.outside == "zeros":
        weight = torch.where((place < 0) | (place > size - 1), 0.0, weight)
    return _moved_inside(operator, place, size).round().clip(0, size - 1).long(), weight


def _moved_inside(operator: Sample, place: Tensor, size: int) -> Tensor:
    """A place outside the grid, moved to where its value is taken from."""
    match operator.outside:
        case "zeros":
            return place
        case "border":
            return place.clip(0, size - 1)
        case "reflection":
            low, high = (0.0, size - 1.0) if operator.corners else (-0.5, size - 0.5)
            span = high - low
            if span == 0:
                return torch.zeros_like(place)
            turned = (place - low).remainder(2 * span)
            return (torch.where(turned > span, 2 * span - turned, turned) + low).clip(0, size - 1)
        case _:
            assert_never(operator.outside)


def _cubic(distance: Tensor) -> Tensor:
    """The kernel of Keys 1981 with a = -0.75, as PyTorch and ONNX Runtime have it."""
    a, x = -0.75, distance.abs()
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return torch.where(x <= 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
