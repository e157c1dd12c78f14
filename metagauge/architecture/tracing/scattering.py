"""Bringing rows together that the input chooses: the ones it does not choose are made to change nothing."""

from dataclasses import replace

import numpy as np

from metagauge.architecture.operators.indexing import ScatterElements, ScatterND
from metagauge.architecture.tracing.arithmetic import binary, where
from metagauge.architecture.tracing.constants import uniform
from metagauge.architecture.tracing.conversion import converted
from metagauge.architecture.tracing.reshaping import expanded, reshaped
from metagauge.architecture.tracing.selection import NEUTRAL
from metagauge.architecture.tracing.states import COUNT, Numbers, Rows, Tensorlike, Value, shape_of
from metagauge.architecture.tracing.tracing import Tracing
from metagauge.errors import StructureNotInferableError

Scatter = ScatterElements | ScatterND


def scattered(
    tracing: Tracing, operator: Scatter, data: Tensorlike, indices: Tensorlike, updates: Tensorlike
) -> Tensorlike:
    """The scatter of the rows that are meant.

    Raises:
        StructureNotInferableError: places and updates are not rows of one choice.
    """
    rows = indices.rows
    if rows is None and updates.rows is None:
        return tracing.apply(operator, data, indices, updates)
    is_plain = isinstance(updates, Numbers) and uniform(updates.array) is not None
    is_matched = updates.rows == rows or (updates.rows is None and is_plain)
    if rows is None or rows.axis == COUNT or not is_matched or rows.axis >= len(shape_of(indices)):
        raise StructureNotInferableError("puts rows that the input chooses in the place of others")
    indices = replace(indices, rows=None)
    if operator.reduction != "replace":
        kept = only_chosen(tracing, replace(updates, rows=rows), NEUTRAL[operator.reduction])
        return tracing.apply(operator, data, indices, kept)
    return _replaced(tracing, replace(operator, reduction="add"), data, indices, replace(updates, rows=rows))


def only_chosen(tracing: Tracing, x: Tensorlike, filler: float) -> Tensorlike:
    """x with a number in the place of rows that the input does not choose; they count as rows like any others then."""
    rows = x.rows
    if rows is None:
        return x
    dtype = np.float32 if x.numbers == "float" or not np.isfinite(filler) else np.int64
    return where(
        tracing, _truths(tracing, x, rows), replace(x, rows=None), Numbers(array=np.array(filler, dtype=dtype))
    )


def _truths(tracing: Tracing, x: Tensorlike, rows: Rows) -> Tensorlike:
    """Which rows are meant, with axes of size one behind, to be broadcast over x."""
    shape = shape_of(x)
    valid = Value(name=rows.valid, shape=(shape[rows.axis],), numbers="bool")
    return reshaped(tracing, valid, (shape[rows.axis], *(1,) * (len(shape) - rows.axis - 1)))


def _replaced(
    tracing: Tracing, adding: Scatter, data: Tensorlike, indices: Tensorlike, updates: Tensorlike
) -> Tensorlike:
    """A scatter that replaces, written as sums: ONNX lets no two of its updates have one place."""
    total = tracing.apply(adding, _zeros(data, updates), indices, only_chosen(tracing, updates, 0.0))
    known = uniform(data.array) if isinstance(data, Numbers) else None
    if known is not None and known == 0:
        return total
    if updates.rows is None:
        raise StructureNotInferableError("puts rows that the input chooses in the place of others")
    hits = converted(tracing, expanded(tracing, _truths(tracing, updates, updates.rows), shape_of(updates)), "int")
    count = tracing.apply(adding, Numbers(array=np.broadcast_to(np.int64(0), shape_of(data))), indices, hits)
    return where(tracing, binary(tracing, "greater", count, Numbers(array=np.array(0))), total, data)


def _zeros(data: Tensorlike, updates: Tensorlike) -> Numbers:
    dtype = np.float32 if updates.numbers == "float" else np.int64
    return Numbers(array=np.broadcast_to(np.array(0, dtype=dtype), shape_of(data)))
