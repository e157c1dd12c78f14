"""Operators whose second input says which elements, in numpy."""

import numpy as np

from metagauge.architecture.operators.evaluation.numbers import Inputs, numeric, only, required, widen
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

_REDUCTIONS = {"add": np.add, "multiply": np.multiply, "maximum": np.maximum, "minimum": np.minimum}


def apply_gather(operator: Gather, inputs: Inputs) -> np.ndarray:
    """The indices' shape takes the place of one axis; a view where one element is asked for."""
    data, indices = required(inputs, 2)
    axis = operator.axis % data.ndim
    if indices.ndim == 0:
        return data[(slice(None),) * axis + (int(indices),)]
    return np.take(data, indices.astype(np.int64), axis=axis)


def apply_gather_elements(operator: GatherElements, inputs: Inputs) -> np.ndarray:
    """One element for every index."""
    data, indices = required(inputs, 2)
    return data[_places(indices, operator.axis % data.ndim)]


def apply_gather_nd(operator: GatherND, inputs: Inputs) -> np.ndarray:
    """The parts of data whose places the indices' last axis names."""
    data, indices = required(inputs, 2)
    indices = indices.astype(np.int64)
    shared = np.ix_(*(np.arange(size) for size in data.shape[: operator.batch_axes]))
    free = indices.ndim - 1 - operator.batch_axes
    grid = tuple(axis.reshape(*axis.shape, *(1,) * free) for axis in shared)
    return data[(*grid, *np.moveaxis(indices, -1, 0))]


def apply_scatter_elements(operator: ScatterElements, inputs: Inputs) -> np.ndarray:
    """Data with single elements changed."""
    data, indices, updates = required(inputs, 3)
    return _scatter(data, _places(indices, operator.axis % data.ndim), updates, operator.reduction)


def apply_scatter_nd(operator: ScatterND, inputs: Inputs) -> np.ndarray:
    """Data with the named parts changed."""
    data, indices, updates = required(inputs, 3)
    return _scatter(data, tuple(np.moveaxis(indices.astype(np.int64), -1, 0)), updates, operator.reduction)


def apply_one_hot(operator: OneHot, inputs: Inputs) -> np.ndarray:
    """`on` at the index, `off` elsewhere, whole numbers as integers; an index that does not exist is nowhere."""
    indices = numeric(only(inputs)).astype(np.int64)
    indices = np.where(indices < 0, indices + operator.depth, indices)
    axis = operator.axis % (indices.ndim + 1)
    hot = np.moveaxis(indices[..., None] == np.arange(operator.depth), -1, axis)
    dtype = np.int64 if operator.on.is_integer() and operator.off.is_integer() else np.float32
    return np.where(hot, operator.on, operator.off).astype(dtype)


def apply_triangle(operator: Triangle, inputs: Inputs) -> np.ndarray:
    """The upper or lower triangle, zeros elsewhere."""
    x = widen(only(inputs))
    return np.triu(x, operator.diagonal) if operator.upper else np.tril(x, operator.diagonal)


def _places(indices: np.ndarray, axis: int) -> tuple[np.ndarray, ...]:
    """For every index its own place, but for one axis, where the index says it."""
    places = list(np.ix_(*(np.arange(size) for size in indices.shape)))
    places[axis] = indices.astype(np.int64)
    return tuple(places)


def _scatter(
    data: np.ndarray, places: tuple[np.ndarray, ...], updates: np.ndarray, reduction: ScatterReduction
) -> np.ndarray:
    data, updates = widen(data), widen(updates)
    changed = data.astype(np.result_type(data, updates))
    if reduction == "replace":
        changed[places] = updates
    else:
        _REDUCTIONS[reduction].at(changed, places, updates)
    return changed
