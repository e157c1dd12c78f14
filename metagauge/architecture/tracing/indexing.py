"""Operators that choose elements by their place. Known places in a row are slices."""

from collections.abc import Mapping
from math import prod

import numpy as np

from metagauge.architecture.attributes import flag, integer, text
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
from metagauge.architecture.tracing.arithmetic import binary
from metagauge.architecture.tracing.conversion import converted
from metagauge.architecture.tracing.possible import possible
from metagauge.architecture.tracing.reshaping import axis_of, reshaped, sliced
from metagauge.architecture.tracing.scattering import scattered
from metagauge.architecture.tracing.selection import places
from metagauge.architecture.tracing.states import (
    Inputs,
    Numbers,
    Rows,
    Tensorlike,
    Value,
    required,
    shape_of,
    tensor_at,
)
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_LISTED = 65_536
"""Most places that are looked at one by one."""
_REDUCTIONS: Mapping[str, ScatterReduction] = {
    "none": "replace",
    "add": "add",
    "mul": "multiply",
    "max": "maximum",
    "min": "minimum",
}


def gathered(tracing: Tracing, data: Tensorlike, indices: Tensorlike, axis: int) -> Tensorlike:
    """The indices' shape in place of one axis; a slice where the indices are known and evenly spaced."""
    shape = shape_of(data)
    if isinstance(indices, Numbers) and indices.rows is None and 0 < indices.array.size <= _LISTED:
        wanted = [int(place) for place in indices.array.ravel()]
        wanted = [place + shape[axis] if place < 0 else place for place in wanted]
        if not all(0 <= place < shape[axis] for place in wanted):
            raise ArchitectureMismatchError(f"index {wanted[:4]} of axis {axis} of {list(shape)}")
        step = wanted[1] - wanted[0] if len(wanted) > 1 else 1
        if step and wanted == list(range(wanted[0], wanted[0] + step * len(wanted), step)):
            part = sliced(tracing, data, axis, wanted[0], len(wanted), step)
            return reshaped(tracing, part, (*shape[:axis], *shape_of(indices), *shape[axis + 1 :]))
    return tracing.apply(Gather(axis=axis), data, indices)


def _gather(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    data = required(inputs, 0)
    return gathered(tracing, data, required(inputs, 1), axis_of(integer(node, "axis", 0), len(shape_of(data))))


def _gather_elements(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    data = required(inputs, 0)
    axis = axis_of(integer(node, "axis", 0), len(shape_of(data)))
    return tracing.apply(GatherElements(axis=axis), data, required(inputs, 1))


def _gather_nd(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    data, indices = required(inputs, 0), required(inputs, 1)
    return tracing.apply(GatherND(batch_axes=integer(node, "batch_dims", 0)), data, indices)


def _scatter_elements(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    data, indices, updates = (required(inputs, position) for position in range(3))
    axis = axis_of(integer(node, "axis", 0), len(shape_of(data)))
    return scattered(tracing, ScatterElements(axis=axis, reduction=_reduction(node)), data, indices, updates)


def _scatter_nd(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    data, indices, updates = (required(inputs, position) for position in range(3))
    return scattered(tracing, ScatterND(reduction=_reduction(node)), data, indices, updates)


def _reduction(node: Node) -> ScatterReduction:
    name = text(node, "reduction", "none")
    if name not in _REDUCTIONS:
        raise StructureNotInferableError(f"scatters with reduction {name!r}")
    return _REDUCTIONS[name]


def _one_hot(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    indices, values = required(inputs, 0), required(inputs, 2)
    depth = tracing.integers(required(inputs, 1))[0]
    off, on = (float(number) for number in tracing.array(values).ravel())
    axis = axis_of(integer(node, "axis", -1), len(shape_of(indices)) + 1)
    indices = converted(tracing, indices, "int")
    if isinstance(indices, Numbers):
        indices = Numbers(array=np.where(indices.array < 0, indices.array + depth, indices.array))
    found = tracing.apply(OneHot(axis=axis, depth=depth, on=on, off=off), indices)
    return converted(tracing, found, values.numbers)


def _triangle(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, diagonal = required(inputs, 0), tensor_at(inputs, 1)
    offset = tracing.integers(diagonal)[0] if diagonal is not None else 0
    return tracing.apply(Triangle(upper=flag(node, "upper", True), diagonal=offset), x)


def _non_zero(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """NonZero: of values that are not known, every place; which of them are meant goes with them."""
    x = required(inputs, 0)
    if isinstance(x, Numbers):
        return Numbers(array=np.stack(np.nonzero(np.atleast_1d(tracing.array(x)))).astype(np.int64))
    shape = shape_of(x)
    if x.rows is not None or not shape or not 0 < prod(shape) <= _LISTED:
        raise StructureNotInferableError("how many elements are not zero depends on what the network is given")
    largest = possible(x, tracing.makers, tracing.shapes)
    every = np.arange(prod(shape)) if largest is None else np.flatnonzero(largest)
    if not every.size:
        raise StructureNotInferableError("looks for elements that are not zero among zeros")
    valid = converted(tracing, reshaped(tracing, x, (prod(shape),)), "bool")
    valid = gathered(tracing, valid, Numbers(array=every), 0)
    return Numbers(array=places(shape)[:, every], rows=Rows(valid=tracing.value(valid).name, axis=1))


def _compress(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, condition = required(inputs, 0), required(inputs, 1)
    kept = Numbers(array=np.flatnonzero(tracing.array(condition)).astype(np.int64))
    if "axis" not in node.attributes:
        x = reshaped(tracing, x, (int(np.prod(shape_of(x), dtype=np.int64)),))
    return gathered(tracing, x, kept, axis_of(integer(node, "axis", 0), len(shape_of(x))))


def _reverse_sequence(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, lengths = required(inputs, 0), tracing.integers(required(inputs, 1))
    shape = shape_of(x)
    axis = axis_of(integer(node, "time_axis", 0), len(shape))
    if any(length != shape[axis] for length in lengths):
        raise StructureNotInferableError("reverses a part of a sequence")
    return sliced(tracing, x, axis, shape[axis] - 1, shape[axis], -1) if shape[axis] > 1 else x


def _unique(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike, ...]:
    x = required(inputs, 0)
    if isinstance(x, Value) or "axis" in node.attributes or not flag(node, "sorted", True):
        raise StructureNotInferableError("which elements differ depends on what the network is given")
    found = np.unique(tracing.array(x), return_index=True, return_inverse=True, return_counts=True)
    return tuple(Numbers(array=np.asarray(each).reshape(-1)) for each in found)


def _bitwise(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Bits of known integers; of truths it is logic."""
    left, right = required(inputs, 0), required(inputs, 1)
    if left.numbers == "bool":
        return binary(tracing, "and" if node.operator == "BitwiseAnd" else "or", left, right)
    combine = np.bitwise_and if node.operator == "BitwiseAnd" else np.bitwise_or
    return Numbers(array=combine(tracing.array(left), tracing.array(right)))


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "Gather"): _gather,
    ("", "GatherElements"): _gather_elements,
    ("", "GatherND"): _gather_nd,
    ("", "ScatterElements"): _scatter_elements,
    ("", "Scatter"): _scatter_elements,
    ("", "ScatterND"): _scatter_nd,
    ("", "OneHot"): _one_hot,
    ("", "Trilu"): _triangle,
    ("", "NonZero"): _non_zero,
    ("", "Compress"): _compress,
    ("", "ReverseSequence"): _reverse_sequence,
    ("", "Unique"): _unique,
    ("", "BitwiseAnd"): _bitwise,
    ("", "BitwiseOr"): _bitwise,
}
