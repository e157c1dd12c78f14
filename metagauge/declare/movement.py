"""Operators that only move elements."""

from metagauge.declare.call import Call
from metagauge.declare.conversion import cast
from metagauge.declare.writing import Writer


def same(writer: Writer, call: Call) -> tuple[str, ...]:
    """Copies and casts; one that stays among floating-point numbers, whole numbers or flags changes nothing."""
    source = call.value("self")
    return (cast(writer, call, source, call.numbers),)


def reshape(writer: Writer, call: Call) -> tuple[str, ...]:
    """Whatever keeps the row-major order: view, flatten, unflatten, squeeze, unsqueeze."""
    return writer.write(call, "Reshape", [call.value("self").name, writer.integers(call.shape)])


def transpose(writer: Writer, call: Call) -> tuple[str, ...]:
    """Two axes swapped."""
    source = call.value("self")
    rank = len(source.shape)
    order = list(range(rank))
    first, second = call.axis("dim0", rank), call.axis("dim1", rank)
    order[first], order[second] = second, first
    return writer.write(call, "Transpose", [source.name], {"perm": tuple(order)})


def reverse(writer: Writer, call: Call) -> tuple[str, ...]:
    """`t`: the transpose of a matrix."""
    source = call.value("self")
    order = tuple(reversed(range(len(source.shape))))
    return writer.write(call, "Transpose", [source.name], {"perm": order})


def permute(writer: Writer, call: Call) -> tuple[str, ...]:
    """The axes in another order."""
    source = call.value("self")
    order = tuple(axis % len(source.shape) for axis in call.integers("dims"))
    return writer.write(call, "Transpose", [source.name], {"perm": order})


def expand(writer: Writer, call: Call) -> tuple[str, ...]:
    """Axes of size one repeated without a copy."""
    return writer.write(call, "Expand", [call.value("self").name, writer.integers(call.shape)])


def repeat(writer: Writer, call: Call) -> tuple[str, ...]:
    """A tensor of one sample repeated for every sample is what `expand` gives."""
    source = call.value("self")
    grown = [axis for axis, times in enumerate(call.integers("repeats")) if times != 1]
    old = (1,) * (len(call.shape) - len(source.shape)) + source.shape
    if any(old[axis] != 1 for axis in grown):
        raise call.unreadable(f"it repeats {list(source.shape)} to {list(call.shape)}")
    return expand(writer, call)


def select(writer: Writer, call: Call) -> tuple[str, ...]:
    """One index of an axis."""
    source = call.value("self")
    axis = call.axis("dim", len(source.shape))
    return _gathered(writer, call, source.name, axis, call.integer("index") % source.shape[axis])


def unbind(writer: Writer, call: Call) -> tuple[str, ...]:
    """Every index of an axis."""
    source = call.value("self")
    axis = call.axis("dim", len(source.shape))
    parts = (_gathered(writer, call, source.name, axis, index) for index in range(source.shape[axis]))
    return tuple(name for part in parts for name in part)


def narrow(writer: Writer, call: Call) -> tuple[str, ...]:
    """`x[start:end:step]` along one axis."""
    source = call.value("self")
    axis = call.axis("dim", len(source.shape))
    start = int(call.real("start", 0))
    end = int(call.real("end", source.shape[axis]))
    numbers = (start, min(end, source.shape[axis]), axis, call.integer("step"))
    return writer.write(call, "Slice", [source.name, *(writer.integers([number]) for number in numbers)])


def split(writer: Writer, call: Call) -> tuple[str, ...]:
    """Parts of an axis, of sizes that the results tell."""
    source = call.value("self")
    axis = call.axis("dim", len(source.shape))
    sizes = [part.shape[axis] for part in call.results]
    return writer.write(call, "Split", [source.name, writer.integers(sizes)], {"axis": axis}, outputs=len(sizes))


def concatenate(writer: Writer, call: Call) -> tuple[str, ...]:
    """Values side by side along one axis."""
    axis = call.axis("dim", len(call.shape))
    return writer.write(call, "Concat", [value.name for value in call.values("tensors")], {"axis": axis})


def stack(writer: Writer, call: Call) -> tuple[str, ...]:
    """Values side by side along a new axis."""
    axis = call.axis("dim", len(call.shape))
    sizes = writer.integers((*call.shape[:axis], 1, *call.shape[axis + 1 :]))
    parts = [writer.write(call, "Reshape", [value.name, sizes])[0] for value in call.values("tensors")]
    return writer.write(call, "Concat", parts, {"axis": axis})


def flip(writer: Writer, call: Call) -> tuple[str, ...]:
    """Axes read backwards."""
    source = call.value("self")
    axes = [axis % len(source.shape) for axis in call.integers("dims")]
    ends = [-source.shape[axis] - 1 for axis in axes]
    numbers = ([-1] * len(axes), ends, axes, [-1] * len(axes))
    return writer.write(call, "Slice", [source.name, *(writer.integers(each) for each in numbers)])


def _gathered(writer: Writer, call: Call, source: str, axis: int, index: int) -> tuple[str, ...]:
    return writer.write(call, "Gather", [source, writer.integer(index)], {"axis": axis})
