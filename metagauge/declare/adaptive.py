"""Pools that are told how many windows to make."""

from math import ceil

import numpy as np

from metagauge.declare.call import Call
from metagauge.declare.writing import Writer


def mean(writer: Writer, call: Call) -> tuple[str, ...]:
    """The mean of each window."""
    return _adaptive(writer, call, "AveragePool")


def maximum(writer: Writer, call: Call) -> tuple[str, ...]:
    """The maximum of each window."""
    return _adaptive(writer, call, "MaxPool")


def _adaptive(writer: Writer, call: Call, operator: str) -> tuple[str, ...]:
    source = call.value("self")
    given, wanted = source.shape[2:], call.shape[2:]
    if given == wanted:
        return (source.name,)
    if all(size == 1 for size in wanted):
        return writer.write(call, f"Global{operator}", [source.name])
    if all(size % parts == 0 for size, parts in zip(given, wanted, strict=True)):
        kernel = tuple(size // parts for size, parts in zip(given, wanted, strict=True))
        return writer.write(call, operator, [source.name], {"kernel_shape": kernel, "strides": kernel})
    name = source.name
    for axis, (size, parts) in enumerate(zip(given, wanted, strict=True), 2):
        if size != parts:
            along = _mean_along if operator == "AveragePool" else _maximum_along
            name = along(writer, call, name, axis, _windows(size, parts))
    return (name,)


def _windows(size: int, parts: int) -> list[range]:
    """PyTorch's windows: they overlap where they do not divide the axis, and are of several widths."""
    return [range(part * size // parts, ceil((part + 1) * size / parts)) for part in range(parts)]


def _mean_along(writer: Writer, call: Call, name: str, axis: int, windows: list[range]) -> str:
    """A product with a fixed matrix, which has a column for each window; a mean of means is the mean of a box."""
    shares = np.zeros((windows[-1].stop, len(windows)), np.float32)
    for part, window in enumerate(windows):
        shares[window, part] = 1 / len(window)
    order = list(range(len(call.shape)))
    order[axis], order[-1] = order[-1], order[axis]
    perm = {"perm": tuple(order)}
    (last,) = writer.write(call, "Transpose", [name], perm)
    (product,) = writer.write(call, "MatMul", [last, writer.constant(shares)])
    return writer.write(call, "Transpose", [product], perm)[0]


def _maximum_along(writer: Writer, call: Call, name: str, axis: int, windows: list[range]) -> str:
    """Windows read out side by side, the narrower ones with their last position once more."""
    width = max(map(len, windows))
    table = [[window[min(place, len(window) - 1)] for place in range(width)] for window in windows]
    (apart,) = writer.write(call, "Gather", [name, writer.constant(np.asarray(table))], {"axis": axis})
    return writer.write(call, "ReduceMax", [apart, writer.integers([axis + 1])], {"keepdims": 0})[0]
