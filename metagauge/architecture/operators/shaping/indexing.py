"""The shapes of operators whose second input says which elements."""

from typing import assert_never

from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
    Triangle,
)
from metagauge.architecture.operators.shaping.rules import Shape, Shapes, axis_in
from metagauge.errors import ArchitectureMismatchError

Indexing = Gather | GatherElements | GatherND | ScatterElements | ScatterND | OneHot | Triangle


def shape(operator: Indexing, inputs: Shapes) -> Shape | None:
    """The shape of the chosen elements.

    Raises:
        ArchitectureMismatchError: the operator does not fit its inputs.
    """
    data = inputs[0]
    match operator:
        case Gather():
            if data is None or inputs[1] is None:
                return None
            axis = axis_in(operator.axis, data)
            return (*data[:axis], *inputs[1], *data[axis + 1 :])
        case GatherElements():
            return _gather_elements(operator, data, inputs[1])
        case GatherND():
            return _gather_nd(operator, data, inputs[1])
        case ScatterElements():
            return _scatter_elements(operator, inputs)
        case ScatterND():
            return _scatter_nd(inputs)
        case OneHot():
            return _one_hot(operator, data)
        case Triangle():
            if data is not None and len(data) < 2:
                raise ArchitectureMismatchError(f"the triangle of {list(data)}")
            return data
        case _:
            assert_never(operator)


def _gather_elements(operator: GatherElements, data: Shape | None, indices: Shape | None) -> Shape | None:
    if data is None or indices is None:
        return indices
    _check_inside(data, indices, axis_in(operator.axis, data))
    return indices


def _scatter_elements(operator: ScatterElements, inputs: Shapes) -> Shape | None:
    data, indices, updates = inputs
    if indices is not None and updates is not None and indices != updates:
        raise ArchitectureMismatchError(f"{list(updates)} updates for {list(indices)} indices")
    if data is not None and indices is not None:
        _check_inside(data, indices, axis_in(operator.axis, data))
    return data


def _check_inside(data: Shape, indices: Shape, axis: int) -> None:
    if len(data) != len(indices) or any(
        index > size for place, (size, index) in enumerate(zip(data, indices, strict=True)) if place != axis
    ):
        raise ArchitectureMismatchError(f"{list(indices)} indices along axis {axis} of {list(data)}")


def _gather_nd(operator: GatherND, data: Shape | None, indices: Shape | None) -> Shape | None:
    if data is None or indices is None:
        return None
    batch = operator.batch_axes
    if not indices or not 0 <= batch < len(indices) or data[:batch] != indices[:batch]:
        raise ArchitectureMismatchError(f"{list(indices)} indices into {list(data)}, {batch} axes of which are shared")
    depth = batch + indices[-1]
    if depth > len(data):
        raise ArchitectureMismatchError(f"indices of {indices[-1]} numbers into {list(data)}")
    return (*indices[:-1], *data[depth:])


def _scatter_nd(inputs: Shapes) -> Shape | None:
    data, indices, updates = inputs
    if data is not None and indices is not None and updates is not None:
        if not indices or indices[-1] > len(data):
            raise ArchitectureMismatchError(f"{list(indices)} indices into {list(data)}")
        wanted = (*indices[:-1], *data[indices[-1] :])
        if updates != wanted:
            raise ArchitectureMismatchError(f"updates of shape {list(updates)} where {list(wanted)} was expected")
    return data


def _one_hot(operator: OneHot, indices: Shape | None) -> Shape | None:
    if operator.depth < 1:
        raise ArchitectureMismatchError(f"one_hot of depth {operator.depth}")
    if indices is None:
        return None
    if not 0 <= operator.axis <= len(indices):
        raise ArchitectureMismatchError(f"one_hot at axis {operator.axis} of {list(indices)}")
    return (*indices[: operator.axis], operator.depth, *indices[operator.axis :])
