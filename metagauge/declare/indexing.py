"""Elements chosen by index: rows of tables, advanced indexing, bags, orders."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from metagauge.declare.call import Call, Value
from metagauge.declare.writing import Writer

Written = tuple[str, ...]


def embedding(writer: Writer, call: Call) -> Written:
    """Rows of a table."""
    return writer.write(call, "Gather", [call.value("weight").name, call.value("indices").name], {"axis": 0})


def index_select(writer: Writer, call: Call) -> Written:
    """Indices along one axis."""
    source = call.value("self")
    axis = call.axis("dim", len(source.shape))
    return writer.write(call, "Gather", [source.name, call.value("index").name], {"axis": axis})


def gather(writer: Writer, call: Call) -> Written:
    """One index for each element of the result."""
    source = call.value("self")
    axis = call.axis("dim", len(source.shape))
    return writer.write(call, "GatherElements", [source.name, call.value("index").name], {"axis": axis})


def scatter(writer: Writer, call: Call) -> Written:
    """Elements put at indices along one axis."""
    source, index = call.value("self"), call.value("index")
    axis = call.axis("dim", len(source.shape))
    if "src" in call.arguments:
        updates = call.value("src")
        if updates.shape != index.shape:
            raise call.unreadable("it reads a part of what it scatters")
        name = updates.name
    else:
        (name,) = writer.write(call, "Expand", [writer.number(call.real("value")), writer.integers(index.shape)])
    return writer.write(call, "ScatterElements", [source.name, index.name, name], {"axis": axis})


def index(writer: Writer, call: Call) -> Written:
    """`x[:, i, j]`: indices of several axes meet in one shape, which stands where the first of those axes stood."""
    source, places = call.value("self"), _places(call)
    if len(places.axes) == 1:
        return writer.write(call, "Gather", [source.name, places.indices[0].name], {"axis": places.axes[0]})
    (front,) = writer.write(call, "Transpose", [source.name], {"perm": places.front})
    chosen = writer.write(call, "GatherND", [front, _pointers(writer, call, places)])
    return writer.write(call, "Transpose", chosen, {"perm": places.met_last})


def index_put(writer: Writer, call: Call) -> Written:
    """`x[:, i, j] = y`, or `+= y`, on a copy."""
    source, values, places = call.value("self"), call.value("values"), _places(call)
    (front,) = writer.write(call, "Transpose", [source.name], {"perm": places.front})
    (spread,) = writer.write(call, "Expand", [values.name, writer.integers(places.chosen)])
    (updates,) = writer.write(call, "Transpose", [spread], {"perm": _inverse(places.met_last)})
    reduction = {"reduction": "add" if call.integer("accumulate") else "none"}
    put = writer.write(call, "ScatterND", [front, _pointers(writer, call, places), updates], reduction)
    return writer.write(call, "Transpose", put, {"perm": _inverse(places.front)})


def embedding_bag(writer: Writer, call: Call) -> Written:
    """Rows of a table, reduced over bags of one size."""
    table, indices, offsets = (call.value(name) for name in ("weight", "indices", "offsets"))
    held = writer.constants.get(offsets.name)
    bags, width = call.shape
    size = prod(indices.shape) // bags if bags else 0
    wanted = np.arange(bags, dtype=np.int64) * size
    is_even = held is not None and size > 0 and np.array_equal(held.array()[:bags], wanted)
    if not is_even or size * bags != prod(indices.shape):
        raise call.unreadable("its bags are not of one size: give the indices as a matrix, one row for each bag")
    if call.integer("padding_idx") >= 0:
        raise call.unreadable("it leaves padding out of its bags")
    (rows,) = writer.write(call, "Gather", [table.name, indices.name], {"axis": 0})
    (apart,) = writer.write(call, "Reshape", [rows, writer.integers((bags, size, width))])
    if call.arguments["per_sample_weights"] is not None:
        weights = call.value("per_sample_weights").name
        (along,) = writer.write(call, "Reshape", [weights, writer.integers((bags, size, 1))])
        (apart,) = writer.write(call, "Mul", [apart, along])
    operator = ("ReduceSum", "ReduceMean", "ReduceMax")[call.integer("mode")]
    return writer.write(call, operator, [apart, writer.integers([1])], {"keepdims": 0})


def cumulative(writer: Writer, call: Call) -> Written:
    """Sums of all elements so far."""
    source = call.value("self")
    if source.numbers != call.numbers:
        raise call.unreadable("it sums numbers of another kind")
    axis = call.axis("dim", len(source.shape))
    return writer.write(call, "CumSum", [source.name, writer.integer(axis)])


def extreme(operator: str) -> Callable[[Writer, Call], Written]:
    """Where the largest or smallest element is."""

    def written(writer: Writer, call: Call) -> Written:
        source = call.value("self")
        if call.arguments["dim"] is None:
            raise call.unreadable("it looks through all axes at once")
        attributes = {"axis": call.axis("dim", len(source.shape)), "keepdims": call.integer("keepdim")}
        return writer.write(call, operator, [source.name], attributes)

    return written


def largest(writer: Writer, call: Call) -> Written:
    """The largest or smallest elements in order, and where they are."""
    axis = call.axis("dim", len(call.shape))
    inputs = [call.value("self").name, writer.integers([call.integer("k")])]
    return writer.write(call, "TopK", inputs, {"axis": axis, "largest": call.integer("largest")}, outputs=2)


def ordered(writer: Writer, call: Call) -> Written:
    """All elements in order, and where they are."""
    axis = call.axis("dim", len(call.shape))
    inputs = [call.value("self").name, writer.integers([call.shape[axis]])]
    return writer.write(call, "TopK", inputs, {"axis": axis, "largest": call.integer("descending")}, outputs=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Advanced indexing: `indices` of `axes` of a value, brought to `shape`.

    `front` puts the indexed axes first, `met_last` moves their result to where PyTorch has it; `chosen` is the shape of
    that.
    """

    axes: tuple[int, ...]
    indices: tuple[Value, ...]
    shape: tuple[int, ...]
    front: tuple[int, ...]
    met_last: tuple[int, ...]
    chosen: tuple[int, ...]


def _places(call: Call) -> _Places:
    source, listed = call.value("self"), call.arguments["indices"]
    given = listed if isinstance(listed, tuple) else ()
    found = {axis: each for axis, each in enumerate(given) if isinstance(each, Value)}
    if not found or any(each.numbers == "bool" for each in found.values()):
        raise call.unreadable("how many elements it chooses depends on values")
    axes, indices = tuple(found), tuple(found.values())
    others = tuple(axis for axis in range(len(source.shape)) if axis not in found)
    shape = np.broadcast_shapes(*(each.shape for each in indices))
    is_run = axes == tuple(range(axes[0], axes[0] + len(axes)))
    before, met = axes[0] if is_run else 0, len(shape)
    rest = tuple(source.shape[axis] for axis in others)
    return _Places(
        axes=axes,
        indices=indices,
        shape=shape,
        front=(*axes, *others),
        met_last=(*range(met, met + before), *range(met), *range(met + before, met + len(others))),
        chosen=(*rest[:before], *shape, *rest[before:]),
    )


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(axis) for axis in range(len(order)))


def _pointers(writer: Writer, call: Call, places: _Places) -> str:
    """Indices of several axes side by side, along a new last axis."""
    parts: list[str] = []
    for each in places.indices:
        (spread,) = writer.write(call, "Expand", [each.name, writer.integers(places.shape)])
        parts += writer.write(call, "Reshape", [spread, writer.integers((*places.shape, 1))])
    return writer.write(call, "Concat", parts, {"axis": len(places.shape)})[0]
