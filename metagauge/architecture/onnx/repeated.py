"""Weights repeated along one axis: the same movements as on weights, and back to the weight where that is the batch."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from metagauge.architecture.onnx import weight as weights
from metagauge.architecture.onnx.lifting import READ_LIMIT, Lifting
from metagauge.architecture.onnx.states import Repeated, Weight
from metagauge.architecture.onnx.view import BATCH, View, shown
from metagauge.errors import StructureNotInferableError


def reshaped(state: Repeated, sizes: Sequence[int]) -> Repeated:
    """Other sizes that leave the axis of the copies as it is.

    Raises:
        StructureNotInferableError: the copies would be mixed with other elements.
    """
    before = prod(state.shape[: state.axis])
    for axis, size in enumerate(sizes):
        if size == state.count and prod(sizes[:axis]) == before:
            weight = weights.reshaped(state.weight, (*sizes[:axis], 1, *sizes[axis + 1 :]))
            return replace(state, weight=weight, axis=axis)
    raise StructureNotInferableError(f"{shown(state.shape)}, a repeated weight, as {shown(sizes)} mixes axes")


def transposed(state: Repeated, order: Sequence[int]) -> Repeated:
    """The axes in another order."""
    return replace(state, weight=weights.transposed(state.weight, order), axis=tuple(order).index(state.axis))


def narrowed(state: Repeated, axis: int, start: int, stop: int) -> Weight | Repeated:
    """Indices `start <= i < stop` of one axis."""
    if axis != state.axis:
        return replace(state, weight=weights.narrowed(state.weight, axis, start, stop))
    return state.weight if stop - start == 1 else replace(state, count=stop - start)


def of_one_sample(lifting: Lifting, known: Weight | Repeated, view: View) -> Weight:
    """The weight without its copies, where each sample of the view meets one of them.

    Exporters also store the copies for a fixed batch: such a weight is looked at and found to be the same for each.

    Raises:
        StructureNotInferableError: the copies are for tokens or features.
    """
    ahead = len(view.runs) - len(known.shape)
    samples = [axis for axis, run in enumerate(view.runs) if run and all(step.axis == BATCH for step in run)]
    if isinstance(known, Repeated):
        if known.axis + ahead not in samples or known.count != view.shape[known.axis + ahead]:
            raise StructureNotInferableError(f"repeats {shown(known.weight.shape)} to {shown(known.shape)}")
        return known.weight
    for axis in samples:
        if axis >= ahead and known.shape[axis - ahead] == view.shape[axis] > 1 and prod(known.shape) <= READ_LIMIT:
            known = _of_first(lifting, known, axis - ahead)
    return known


def _of_first(lifting: Lifting, known: Weight, axis: int) -> Weight:
    was_read = known.parameter.tensor in lifting.read
    array = lifting.array(known)
    if not was_read:
        lifting.read.discard(known.parameter.tensor)
    is_same = bool(np.all(array == array.take([0], axis=axis)))
    return weights.narrowed(known, axis, 0, 1) if is_same else known
