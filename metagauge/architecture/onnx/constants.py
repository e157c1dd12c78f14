"""Operators that compute with shapes: the unknown batch is a number like any other, so plain arithmetic folds them."""

from dataclasses import replace
from math import prod

import numpy as np

from metagauge.architecture.attributes import integer
from metagauge.architecture.onnx import weight as weights
from metagauge.architecture.onnx.lifting import READ_LIMIT, Lifting
from metagauge.architecture.onnx.movement import Inputs, reshaped, shape_of, unmovable
from metagauge.architecture.onnx.states import Numbers, Repeated, State, Weight
from metagauge.architecture.onnx.view import View, shown
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_DTYPES = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float32, 11: np.float64, 16: np.float32}
"""ONNX's numbers for element types; half precision only ever holds scalars here."""
_FLOATS = (1, 10, 11, 16)


def same(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Operators that change nothing when a network is used: Identity, Dropout."""
    if inputs[0] is None:
        raise unmovable(None)
    return inputs[0]


def cast(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Cast: rounds numbers; weights and features keep their values, and are rounded to no other type."""
    target = _DTYPES.get(integer(node, "to", 0))
    if isinstance(inputs[0], Numbers) and target is not None:
        return Numbers(array=inputs[0].array.astype(target))
    if not casts_to_float(node):
        raise StructureNotInferableError(f"to element type {integer(node, 'to', 0)}")
    return _as_float(inputs[0])


def cast_like(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """CastLike: to the type of another value, which is floating-point unless it is known as numbers."""
    state, like = inputs
    match state, like:
        case Numbers(), Numbers():
            return Numbers(array=state.array.astype(like.array.dtype))
        case Numbers(), _:
            return Numbers(array=state.array.astype(np.float32))
        case _, View() | Weight() if not isinstance(like, View) or like.function.curve.dtype.kind == "f":
            return _as_float(state)
        case _:
            raise StructureNotInferableError("to the element type of a value that may be whole numbers")


def casts_to_float(node: Node) -> bool:
    """Whether a Cast gives floating-point numbers, which round features no further than their own type does."""
    return integer(node, "to", 0) in _FLOATS


def _as_float(state: State | None) -> State:
    if state is None:
        raise unmovable(None)
    if isinstance(state, View) and state.function.curve.dtype.kind != "f":
        return replace(state, function=state.function.then(lambda x: x.astype(float), "Cast"))
    return state


def shape(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Shape, or a part of it."""
    sizes = shape_of(inputs[0])
    stop = integer(node, "end", len(sizes))
    return Numbers(array=np.array(sizes[integer(node, "start", 0) : stop], dtype=np.int64))


def size(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Number of elements."""
    return Numbers(array=np.array(prod(shape_of(inputs[0])), dtype=np.int64))


def constant_of_shape(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """One number in a computed shape."""
    sizes = lifting.integers(inputs[0])
    if prod(sizes) > READ_LIMIT or min(sizes, default=0) < 0:
        raise StructureNotInferableError(f"makes a constant of shape {shown(sizes)}")
    name = node.tensors.get("value")
    fill = np.float32(0) if name is None else lifting.checkpoint.tensor(name).array().reshape(-1)[0]
    if name is not None:
        lifting.read.add(name)
    return Numbers(array=np.full(sizes, fill))


def range_(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Integers from start to limit."""
    (start,), (limit,), (step,) = (lifting.integers(state) for state in inputs)
    if step == 0 or (limit - start) / step > READ_LIMIT:
        raise StructureNotInferableError(f"makes a constant from {start} to {limit}")
    return Numbers(array=np.arange(start, limit, step, dtype=np.int64))


def where(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """A choice between numbers."""
    arrays = [lifting.array(state) for state in inputs if isinstance(state, Weight | Numbers)]
    if len(arrays) != 3:
        raise StructureNotInferableError("chooses by the input's values")
    if prod(np.broadcast_shapes(*(array.shape for array in arrays))) > READ_LIMIT:
        raise StructureNotInferableError("computes a large constant")
    return Numbers(array=np.where(*arrays))


def expand(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """A learned token or table repeated for every sample is still that token: one axis may grow."""
    state = inputs[0]
    sizes = lifting.integers(inputs[1])
    match state:
        case Numbers() if prod(sizes) <= READ_LIMIT:
            return Numbers(array=np.broadcast_to(state.array, np.broadcast_shapes(state.shape, sizes)))
        case Weight() if _is_number(state, sizes) and prod(sizes) <= READ_LIMIT:
            return Numbers(array=np.broadcast_to(lifting.array(state).reshape(()), sizes))
        case View() | Weight() | Repeated() if len(state.shape) <= len(sizes):
            return _repeated(state, sizes)
        case _:
            raise unmovable(state)


def _repeated(state: View | Weight | Repeated, sizes: tuple[int, ...]) -> State:
    old = (1,) * (len(sizes) - len(state.shape)) + state.shape
    grown = [axis for axis, size in enumerate(sizes) if size not in (1, old[axis])]
    if any(old[axis] != 1 for axis in grown) or len(grown) > 1 or (grown and not isinstance(state, Weight)):
        raise StructureNotInferableError(f"repeats {shown(state.shape)} to {shown(sizes)}")
    if not isinstance(state, Weight) or not grown:
        return reshaped(state, old)
    return Repeated(weight=weights.reshaped(state, old), axis=grown[0], count=sizes[grown[0]])


def tile(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Tile: axes of size one repeated, which is what Expand does."""
    sizes, times = shape_of(inputs[0]), lifting.integers(inputs[1])
    if len(times) != len(sizes) or any(size != 1 < count for size, count in zip(sizes, times, strict=True)):
        raise StructureNotInferableError(f"repeats {shown(sizes)} by {list(times)}")
    repeated = np.array([size * count for size, count in zip(sizes, times, strict=True)], dtype=np.int64)
    return expand(lifting, node, (inputs[0], Numbers(array=repeated)))


def triangle(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Trilu: the upper or lower triangle of a mask."""
    state, diagonal = inputs[0], 0
    if not isinstance(state, Weight | Numbers):
        raise unmovable(state)
    if len(inputs) > 1 and inputs[1] is not None:
        (diagonal,) = lifting.integers(inputs[1])
    array = lifting.array(state)
    return Numbers(array=np.triu(array, diagonal) if integer(node, "upper", 1) else np.tril(array, diagonal))


def _is_number(weight: Weight, sizes: tuple[int, ...]) -> bool:
    """Whether a tensor is one number for every place, such as the fill of a mask, and no learned token."""
    return prod(weight.shape) == 1 and (len(sizes) == 1 or len(weight.shape) <= 1)
