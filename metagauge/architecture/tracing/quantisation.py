"""Quantised numbers: integers `q` that stand for `(q - zero point) * scale`, and the steps between both."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from metagauge.architecture.operators.elementwise import Cast, Requantise, Unary
from metagauge.architecture.operators.source import Weight
from metagauge.architecture.tracing.arithmetic import affine, binary, unary
from metagauge.architecture.tracing.reshaping import expanded, reshaped, sliced
from metagauge.architecture.tracing.states import Numbers, Shape, Tensorlike, Value, shape_of
from metagauge.architecture.tracing.tracing import Tracing
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

RANGES: Mapping[str, tuple[int, int]] = {
    "U2": (0, 3),
    "I2": (-2, 1),
    "U4": (0, 15),
    "I4": (-8, 7),
    "U8": (0, 255),
    "I8": (-128, 127),
    "U16": (0, 65_535),
    "I16": (-32_768, 32_767),
    "I32": (-(2**31), 2**31 - 1),
}
"""Smallest and largest integer of each type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """Scale and zero point, scalars or with the rank of what they belong to."""

    scale: Tensorlike
    zero: Tensorlike

    def one_number(self) -> tuple[float, float] | None:
        """Both as numbers, if they are known and the same for all elements."""
        match self.scale, self.zero:
            case Numbers(array=scale), Numbers(array=zero) if scale.size == zero.size == 1:
                return float(scale.item()), float(zero.item())
        return None


def scheme(
    tracing: Tracing, scale: Tensorlike, zero: Tensorlike | None, shape: Shape, axis: int, block: int = 0
) -> Scheme:
    """Scale and zero point for a value of `shape`: one, one for each place along `axis`, or for each block of it."""
    if zero is None:
        zero = Numbers(array=np.array(0, dtype=np.float32))
    return Scheme(
        scale=_aligned(tracing, scale, shape, axis, block),
        zero=_aligned(tracing, as_float(tracing, stored(tracing, zero)), shape, axis, block),
    )


def quantised(tracing: Tracing, x: Tensorlike, by: Scheme, dtype: str) -> Tensorlike:
    """The integers that stand for x, as numbers that are whole.

    Written as fake quantisation and back, so that dequantising with the same scheme leaves the former.
    """
    if dtype not in RANGES:
        raise StructureNotInferableError(f"quantises to {dtype or 'an unknown type'}, which is no integer type")
    low, high = RANGES[dtype]
    fake = tracing.apply(Requantise(low=low, high=high), x, by.scale, by.zero)
    one = by.one_number()
    if one is not None:
        return unary(tracing, "round", affine(tracing, fake, 1 / one[0], one[1]))
    return unary(tracing, "round", binary(tracing, "add", binary(tracing, "divide", fake, by.scale), by.zero))


def dequantised(tracing: Tracing, integers: Tensorlike, by: Scheme) -> Tensorlike:
    """What the integers stand for."""
    fake = _fake(tracing, integers, by)
    if fake is not None:
        return fake
    one, x = by.one_number(), as_float(tracing, stored(tracing, integers))
    if one is not None and isinstance(x, Value):
        return affine(tracing, x, one[0], -one[0] * one[1])
    return binary(tracing, "multiply", shifted(tracing, x, by.zero), by.scale)


def shifted(tracing: Tracing, integers: Tensorlike, zero: Tensorlike | None) -> Tensorlike:
    """The integers less their zero point."""
    x = as_float(tracing, stored(tracing, integers))
    if zero is None or (isinstance(zero, Numbers) and not zero.array.any()):
        return x
    return binary(tracing, "subtract", x, as_float(tracing, stored(tracing, zero)))


def stored(tracing: Tracing, state: Tensorlike) -> Tensorlike:
    """A tensor of several integers that the file holds is a weight here, whatever else integers mean."""
    if isinstance(state, Numbers) and state.tensor and state.array.size > 1:
        return tracing.weight(state.tensor)
    return state


def as_float(tracing: Tracing, state: Tensorlike) -> Tensorlike:
    """Integers as numbers to compute with."""
    return state if state.numbers == "float" else tracing.apply(Cast(numbers="float"), state)


def dtype_of(tracing: Tracing, state: Tensorlike | None) -> str:
    """The type in which the file stores a tensor; empty for what is computed."""
    match state:
        case Numbers(tensor=tensor):
            return tracing.checkpoint.tensor(tensor).dtype if tensor else ""
        case Value(name=name):
            operator = tracing.makers[name].operator
            return tracing.checkpoint.tensor(operator.tensor).dtype if isinstance(operator, Weight) else ""
        case None:
            return ""


def _fake(tracing: Tracing, integers: Tensorlike, by: Scheme) -> Tensorlike | None:
    """The value that was quantised to these integers with the same scheme, as it is after that."""
    if not isinstance(integers, Value):
        return None
    step = tracing.makers[integers.name]
    if step.operator != Unary(function="round"):
        return None
    wanted = tracing.value(by.scale).name, tracing.value(by.zero).name
    for _ in range(3):
        step = tracing.makers[step.inputs[0]]
        if isinstance(step.operator, Requantise):
            same = step.inputs[1:] == wanted
            return Value(name=step.outputs[0], shape=integers.shape) if same else None
        if not step.inputs:
            return None
    return None


def _aligned(tracing: Tracing, parameter: Tensorlike, shape: Shape, axis: int, block: int) -> Tensorlike:
    """`parameter` so that it broadcasts over a value of `shape`."""
    own = shape_of(parameter)
    if prod(own) == 1:
        return reshaped(tracing, parameter, ())
    axis = axis + len(shape) if axis < 0 else axis
    if not 0 <= axis < len(shape):
        raise ArchitectureMismatchError(f"axis {axis} of a value with shape {list(shape)}")
    if len(own) == 1 and own[0] == shape[axis]:
        return reshaped(tracing, parameter, tuple(own[0] if place == axis else 1 for place in range(len(shape))))
    if len(own) == len(shape) and all(one in (1, size) for one, size in zip(own, shape, strict=True)):
        return parameter
    if len(own) != len(shape) or block < 1:
        raise ArchitectureMismatchError(f"scales of shape {list(own)} for a value of shape {list(shape)}")
    count = own[axis]
    if (count - 1) * block >= shape[axis] or count * block < shape[axis]:
        raise ArchitectureMismatchError(f"{count} blocks of {block} for {shape[axis]} elements")
    before, after = own[:axis], own[axis + 1 :]
    columns = expanded(
        tracing, reshaped(tracing, parameter, (*before, count, 1, *after)), (*before, count, block, *after)
    )
    return sliced(tracing, reshaped(tracing, columns, (*before, count * block, *after)), axis, 0, shape[axis])
