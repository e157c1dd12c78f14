"""Operators whose second input says which elements, in torch."""

import torch
from torch import Tensor

from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
    ScatterReduction,
    Triangle,
)
from models.interpreter.numbers import Inputs, numeric, only, required

_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "amax", "minimum": "amin"}


def apply_gather(operator: Gather, inputs: Inputs) -> Tensor:
    """The indices' shape takes the place of one axis."""
    data, indices = required(inputs, 2)
    axis = operator.axis % data.dim()
    return data[(slice(None),) * axis + (indices.long(),)]


def apply_gather_elements(operator: GatherElements, inputs: Inputs) -> Tensor:
    """One element for every index."""
    data, indices = required(inputs, 2)
    return data[_places(indices, operator.axis % data.dim())]


def apply_gather_nd(operator: GatherND, inputs: Inputs) -> Tensor:
    """The parts of data whose places the indices' last axis names."""
    data, indices = required(inputs, 2)
    free = indices.dim() - 1 - operator.batch_axes
    grid = _grid(data.shape[: operator.batch_axes], free)
    return data[(*grid, *indices.long().unbind(-1))]


def apply_scatter_elements(operator: ScatterElements, inputs: Inputs) -> Tensor:
    """Data with single elements changed."""
    data, indices, updates = required(inputs, 3)
    return _scatter(data, _places(indices, operator.axis % data.dim()), updates, operator.reduction)


def apply_scatter_nd(operator: ScatterND, inputs: Inputs) -> Tensor:
    """Data with the named parts changed."""
    data, indices, updates = required(inputs, 3)
    return _scatter(data, indices.long().unbind(-1), updates, operator.reduction)


def apply_one_hot(operator: OneHot, inputs: Inputs) -> Tensor:
    """`on` at the index, `off` elsewhere, whole numbers as integers; an index that does not exist is nowhere."""
    indices = numeric(only(inputs)).long()
    indices = torch.where(indices < 0, indices + operator.depth, indices)
    axis = operator.axis % (indices.dim() + 1)
    hot = (indices.unsqueeze(-1) == torch.arange(operator.depth)).movedim(-1, axis)
    is_whole = operator.on.is_integer() and operator.off.is_integer()
    return torch.where(hot, operator.on, operator.off).to(torch.int64 if is_whole else torch.float32)


def apply_triangle(operator: Triangle, inputs: Inputs) -> Tensor:
    """The upper or lower triangle, zeros elsewhere."""
    x = only(inputs)
    return torch.triu(x, operator.diagonal) if operator.upper else torch.tril(x, operator.diagonal)


def _grid(sizes: tuple[int, ...], free: int = 0) -> list[Tensor]:
    """Each axis's own places, broadcast against the others and `free` more axes behind."""
    count = len(sizes) + free
    return [torch.arange(size).reshape(-1, *(1,) * (count - 1 - axis)) for axis, size in enumerate(sizes)]


def _places(indices: Tensor, axis: int) -> tuple[Tensor, ...]:
    """For every index its own place, but for one axis, where the index says it."""
    places = _grid(tuple(indices.shape))
    places[axis] = indices.long()
    return tuple(places)


def _scatter(data: Tensor, places: tuple[Tensor, ...], updates: Tensor, reduction: ScatterReduction) -> Tensor:
    dtype = torch.promote_types(data.dtype, updates.dtype)
    data, updates = data.to(dtype), updates.to(dtype)
    if reduction == "replace":
        return data.index_put(places, updates)
    numbers = torch.arange(data.numel()).reshape(data.shape)[places].expand_as(updates)
    kind = _REDUCTIONS[reduction]
    return data.flatten().scatter_reduce(0, numbers.flatten(), updates.flatten(), kind).reshape(data.shape)
