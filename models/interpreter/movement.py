"""Operators that only move elements, in torch."""

import torch
from torch import Tensor

from metagauge.architecture.operators.movement import Concat, Pad, Slice
from metagauge.errors import ArchitectureMismatchError
from models.interpreter.numbers import Inputs, only, required


def apply_slice(operator: Slice, inputs: Inputs) -> Tensor:
    """Every step-th element of one axis."""
    x = only(inputs)
    last = operator.start + (operator.count - 1) * operator.step
    size = x.shape[operator.axis]
    if operator.count and not (0 <= operator.start < size and 0 <= last < size):
        message = f"a slice from {operator.start} to {last} of an axis of {size} elements"
        raise ArchitectureMismatchError(message)
    if operator.step == 1:
        return x.narrow(operator.axis, operator.start if operator.count else 0, operator.count)
    places = operator.start + operator.step * torch.arange(operator.count, device=x.device)
    return x.index_select(operator.axis, places)


def apply_concat(operator: Concat, inputs: Inputs) -> Tensor:
    """One behind the other."""
    return torch.cat(required(inputs, len(inputs)), dim=operator.axis)


def apply_pad(operator: Pad, inputs: Inputs) -> Tensor:
    """Crops first, then pads, one axis after the other."""
    x = only(inputs)
    if len(operator.widths) != x.dim():
        raise ArchitectureMismatchError(f"padding of {len(operator.widths)} axes for a value with {x.dim()}")
    for axis, (before, after) in enumerate(operator.widths):
        left = max(0, -before)
        x = x.narrow(axis, left, x.shape[axis] - left - max(0, -after))
        if before > 0 or after > 0:
            x = _pad_axis(operator, x, axis, max(0, before), max(0, after))
    return x


def _pad_axis(operator: Pad, x: Tensor, axis: int, before: int, after: int) -> Tensor:
    if operator.mode == "constant":
        sizes = [list(x.shape) for _ in range(2)]
        sizes[0][axis], sizes[1][axis] = before, after
        edges = [x.new_full(size, operator.value) for size in sizes]
        return torch.cat([edges[0], x, edges[1]], dim=axis)
    size = x.shape[axis]
    places = torch.arange(-before, size + after, device=x.device)
    if operator.mode == "edge":
        places = places.clamp(0, size - 1)
    elif operator.mode == "wrap":
        places = places % size
    else:
        period = max(1, 2 * (size - 1))
        places = places % period
        places = torch.where(places < size, places, period - places)
    return x.index_select(axis, places)
