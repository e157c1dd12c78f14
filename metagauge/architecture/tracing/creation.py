"""Numbers that a program makes by itself: shapes, fillers, ranges and windows."""

from collections.abc import Mapping
from math import ceil, prod

import numpy as np

from metagauge.architecture.attributes import flag, integer, integers, real
from metagauge.architecture.operators.shapes import ELEMENTS_MAX
from metagauge.architecture.tracing.constants import READ_LIMIT, as_numbers
from metagauge.architecture.tracing.conversion import number_kind
from metagauge.architecture.tracing.states import COUNT, Inputs, Numbers, Rows, Tensorlike, required, shape_of
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.onnx_tensor import DTYPES
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, LimitExceededError, StructureNotInferableError


def _shape(tracing: Tracing, node: Node, inputs: Inputs) -> Numbers:
    x = required(inputs, 0)
    start, end = integer(node, "start", 0), integer(node, "end", len(shape_of(x)))
    return Numbers(array=np.array(shape_of(x)[start:end], dtype=np.int64), rows=_counted(x))


def _size(tracing: Tracing, node: Node, inputs: Inputs) -> Numbers:
    x = required(inputs, 0)
    return Numbers(array=np.array(prod(shape_of(x)), dtype=np.int64), rows=_counted(x))


def _counted(x: Tensorlike) -> Rows | None:
    """Sizes of a value with rows that the input chooses tell how many rows there are."""
    return None if x.rows is None else Rows(valid=x.rows.valid, axis=COUNT)


def filled(shape: tuple[int, ...], number: np.ndarray) -> Numbers:
    """One number everywhere; takes no memory.

    Raises:
        ArchitectureMismatchError: a size is below zero.
        LimitExceededError: it is larger than any value may be.
    """
    if min(shape, default=0) < 0:
        raise ArchitectureMismatchError(f"a filler of shape {list(shape)}")
    if prod(size for size in shape if size) > ELEMENTS_MAX:
        raise LimitExceededError(f"a filler of shape {list(shape)}; {ELEMENTS_MAX} elements are the limit")
    return Numbers(array=np.broadcast_to(as_numbers(number.reshape(-1)[0].reshape(())), shape))


def _constant_of_shape(tracing: Tracing, node: Node, inputs: Inputs) -> Numbers:
    tensor = node.tensors.get("value")
    number = np.zeros(1, np.float32) if tensor is None else tracing.checkpoint.tensor(tensor).array()
    return filled(tracing.integers(required(inputs, 0)), number)


def _constant_fill(tracing: Tracing, node: Node, inputs: Inputs) -> Numbers:
    """ConstantFill of the first operator sets."""
    if flag(node, "input_as_shape", False):
        shape = tracing.integers(required(inputs, 0))
    else:
        shape = integers(node, "shape") or shape_of(required(inputs, 0))
    kind = number_kind(DTYPES.get(integer(node, "dtype", 1), "F32"))
    dtype = {"float": np.float32, "int": np.int64, "bool": np.bool_}[kind]
    return filled(shape, np.array([real(node, "value", 0.0)], dtype=dtype))


def _range(tracing: Tracing, node: Node, inputs: Inputs) -> Numbers:
    bounds = tuple(required(inputs, position) for position in range(3))
    if any(bound.rows is not None for bound in bounds):
        raise StructureNotInferableError("counts rows that the input chooses")
    start, limit, delta = (tracing.array(bound).item() for bound in bounds)
    count = ceil((limit - start) / delta) if delta else 0
    if count > READ_LIMIT:
        raise StructureNotInferableError(f"counts {count} numbers")
    tracing.folding.make(count)
    dtype = np.int64 if all(isinstance(number, int) for number in (start, limit, delta)) else np.float32
    return Numbers(array=(start + delta * np.arange(max(count, 0))).astype(dtype))


def _eye(tracing: Tracing, node: Node, inputs: Inputs) -> Numbers:
    x = required(inputs, 0)
    rows, columns = shape_of(x)
    if rows * columns > READ_LIMIT:
        raise StructureNotInferableError(f"an identity matrix of {rows} by {columns}")
    tracing.folding.make(rows * columns)
    kind = number_kind(DTYPES.get(integer(node, "dtype", 0), "")) if "dtype" in node.attributes else x.numbers
    dtype = {"float": np.float32, "int": np.int64, "bool": np.bool_}[kind]
    return Numbers(array=np.eye(rows, columns, integer(node, "k", 0), dtype=dtype))


def _window(tracing: Tracing, node: Node, inputs: Inputs) -> Numbers:
    """Windows of signal processing, as sums of cosines."""
    (size,) = tracing.integers(required(inputs, 0))
    if not 0 < size <= READ_LIMIT:
        raise StructureNotInferableError(f"a window of {size} samples")
    tracing.folding.make(size)
    weights = {
        "HannWindow": (0.5, 0.5, 0.0),
        "HammingWindow": (25 / 46, 21 / 46, 0.0),
        "BlackmanWindow": (0.42, 0.5, 0.08),
    }[node.operator]
    angle = 2 * np.pi * np.arange(size) / (size if flag(node, "periodic", True) else max(size - 1, 1))
    window = weights[0] - weights[1] * np.cos(angle) + weights[2] * np.cos(2 * angle)
    return Numbers(array=window.astype(np.float32))


def _mel_weights(tracing: Tracing, node: Node, inputs: Inputs) -> Numbers:
    """MelWeightMatrix: (bins of a spectrum, mel bins), triangles over frequencies that are even in mel."""
    count, length, rate = (tracing.integers(required(inputs, position))[0] for position in range(3))
    low, high = (2595 * np.log10(1 + tracing.number(required(inputs, position)) / 700) for position in (3, 4))
    bins = length // 2 + 1
    if min(count, length, rate) < 1 or bins * count > READ_LIMIT:
        raise StructureNotInferableError(f"{count} mel bins of a spectrum of {bins}")
    tracing.folding.make(bins * count)
    mels = low + np.arange(count + 2) * (high - low) / (count + 2)
    edges = np.floor((length + 1) * (700 * (10 ** (mels / 2595) - 1)) / rate).astype(np.int64)
    place = np.arange(bins)[:, None]
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (place - lower) / np.maximum(center - lower, 1)
    falling = (upper - place) / np.maximum(upper - center, 1)
    is_rising, is_falling = (lower <= place) & (place <= center), (center <= place) & (place < upper)
    weights = np.where(is_falling, falling, np.where(is_rising, np.where(center == lower, 1.0, rising), 0.0))
    return Numbers(array=weights.astype(np.float32))


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "Shape"): _shape,
    ("", "Size"): _size,
    ("", "ConstantOfShape"): _constant_of_shape,
    ("", "ConstantFill"): _constant_fill,
    ("", "Range"): _range,
    ("", "EyeLike"): _eye,
    ("", "MelWeightMatrix"): _mel_weights,
    ("", "HannWindow"): _window,
    ("", "HammingWindow"): _window,
    ("", "BlackmanWindow"): _window,
}
