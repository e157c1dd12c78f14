"""Rows that the input chooses: all of them are traced, and where they are summed up the ones not chosen are left out.

`NonZero` gives as many places as its input has elements that are not zero, which is how exporters write mixtures of
experts and graphs without self loops. Here it gives every place, and each value made of them remembers along which
axis its rows stand and which of them are meant. That is sound as long as nothing looks across rows; where a scatter
brings them together, the others are replaced by what changes nothing.
"""

from collections.abc import Sequence
from math import inf, prod

import numpy as np

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Binary, Cast, Unary, Where
from metagauge.architecture.operators.indexing import Gather, GatherElements, GatherND, OneHot, ScatterReduction
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Slice, Transpose
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.reduction import Accumulate, Extreme, Reduce, Softmax, Standardise, TopK
from metagauge.architecture.tracing.constants import uniform
from metagauge.architecture.tracing.states import COUNT, Numbers, Rows, Shape, Tensorlike
from metagauge.errors import StructureNotInferableError

NEUTRAL: dict[ScatterReduction, float] = {"add": 0.0, "multiply": 1.0, "maximum": -inf, "minimum": inf}
"""What changes nothing where it is scattered; nothing does where it replaces."""

_Inputs = tuple[Tensorlike | None, ...]


def rows_of(operator: Operator, inputs: _Inputs, shapes: Sequence[Shape | None]) -> Rows | None:
    """Along which axis of the outputs chosen rows stand; None where no input has any.

    Raises:
        StructureNotInferableError: the operator looks across rows, or how many there are is used as a number.
    """
    tagged = [state for state in inputs if state is not None and state.rows is not None]
    if not tagged:
        return None
    found = {state.rows for state in tagged if state.rows is not None}
    if any(rows.axis == COUNT for rows in found):
        is_counted = all(isinstance(state, Numbers) for state in inputs) and operator.kind not in ("cast", "one_hot")
        if is_counted and len(found) == 1:
            return found.pop()
        raise StructureNotInferableError("computes with how many rows the input chooses")
    names = {rows.valid for rows in found}
    axis = _axis(operator, inputs, shapes[0]) if len(names) == 1 and None not in (*shapes,) else None
    if axis is None:
        raise StructureNotInferableError("looks across rows that the input chooses")
    return Rows(valid=names.pop(), axis=axis)


def _axis(operator: Operator, inputs: _Inputs, shape: Shape | None) -> int | None:
    """The outputs' axis of rows; None where rows do not stay apart."""
    first = inputs[0]
    axis = first.rows.axis if first is not None and first.rows is not None else None
    if first is None or first.shape is None or shape is None:
        return None
    match operator:
        case Unary() | Cast():
            return axis
        case Binary() | Where():
            return _aligned(inputs, len(shape))
        case Contract():
            return _contracted(operator, inputs)
        case Concat():
            same = {None if state is None or state.rows is None else state.rows.axis for state in inputs}
            return axis if same == {axis} and axis != operator.axis else None
        case Gather() | GatherElements() | GatherND():
            return _gathered(operator, inputs)
        case _:
            return None if axis is None else _moved(operator, axis, first.shape, shape)


def _moved(operator: Operator, axis: int, before: Shape, after: Shape) -> int | None:
    """Of operators that read one value."""
    match operator:
        case Softmax() | Accumulate() | TopK() | Slice():
            return axis if operator.axis != axis else None
        case Standardise():
            return axis if axis not in operator.axes else None
        case Reduce():
            gone = 0 if operator.keep else sum(each < axis for each in operator.axes)
            return axis - gone if axis not in operator.axes else None
        case Extreme():
            gone = 0 if operator.keep else int(operator.axis < axis)
            return axis - gone if axis != operator.axis else None
        case Reshape():
            front, size = prod(before[:axis]), before[axis]
            places = (place for place, each in enumerate(after) if each == size and prod(after[:place]) == front)
            return next(places, None)
        case Transpose():
            return operator.axes.index(axis)
        case Expand():
            return axis + len(after) - len(before) if before[axis] == after[axis + len(after) - len(before)] else None
        case Pad():
            return axis if operator.widths[axis] == (0, 0) else None
        case OneHot():
            return axis + (operator.axis <= axis)
        case _:
            return None


def _aligned(inputs: _Inputs, rank: int) -> int | None:
    """Of operators that broadcast: all rows on one axis, along which the other values are the same everywhere."""
    places = {
        state.rows.axis + rank - len(state.shape)
        for state in inputs
        if state is not None and state.rows is not None and state.shape is not None
    }
    if len(places) != 1:
        return None
    axis = places.pop()
    for state in inputs:
        if state is None or state.shape is None:
            return None
        place = axis - rank + len(state.shape)
        is_same = state.rows is not None or place < 0 or state.shape[place] == 1
        if not is_same and not (isinstance(state, Numbers) and uniform(state.array) is not None):
            return None
    return axis


def _contracted(operator: Contract, inputs: _Inputs) -> int | None:
    operands, _, output = operator.equation.partition("->")
    parts = operands.split(",")
    pairs = [(part, state.rows) for part, state in zip(parts, inputs, strict=True) if state is not None]
    letters = {part[rows.axis] for part, rows in pairs if rows is not None}
    letter = letters.pop() if len(letters) == 1 else ""
    if not letter or any(letter in part for part, rows in pairs if rows is None):
        return None
    return output.index(letter) if letter in output else None


def _gathered(operator: Gather | GatherElements | GatherND, inputs: _Inputs) -> int | None:
    data, indices = inputs[0], inputs[1]
    if data is None or indices is None or indices.shape is None:
        return None
    if data.rows is not None:
        if indices.rows is not None or not isinstance(operator, Gather) or data.rows.axis == operator.axis:
            return None
        before = data.rows.axis < operator.axis
        return data.rows.axis if before else data.rows.axis - 1 + len(indices.shape)
    if indices.rows is None:
        return None
    axis = indices.rows.axis
    match operator:
        case Gather():
            return operator.axis + axis
        case GatherElements():
            return axis
        case GatherND():
            return axis if operator.batch_axes == 0 and axis < len(indices.shape) - 1 else None


def places(shape: Shape) -> np.ndarray:
    """Every place of a shape, as NonZero lists them: (axes, elements)."""
    return np.indices(shape, dtype=np.int64).reshape(len(shape), -1)
