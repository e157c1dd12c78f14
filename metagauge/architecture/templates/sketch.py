"""Values with shapes on top of the program writer: the arithmetic that templates are made of."""

from dataclasses import dataclass
from math import prod

import numpy as np

from metagauge.architecture.templates.writer import ProgramWriter
from metagauge.checkpoint.program import Attribute
from metagauge.errors import ArchitectureMismatchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value of the program and its shape, the batch axis of one included."""

    name: str
    shape: tuple[int, ...]

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """Writes operators and works out the shapes of what they return.

    Every method raises ArchitectureMismatchError where shapes do not fit: those of tensors, and the sizes that a
    configuration claims, come from a file.
    """

    writer: ProgramWriter

    def given(self, name: str, shape: tuple[int, ...], dtype: str = "F32") -> Value:
        """An input of the network."""
        return Value(name=self.writer.given(name, shape, dtype), shape=shape)

    def weight(self, name: str) -> Value:
        """A tensor of the checkpoint."""
        return Value(name=self.writer.tensor(name), shape=self.writer.tensors[name].shape)

    def constant(self, numbers: np.ndarray | float | list[int]) -> Value:
        """Numbers of the wiring: floats as float32, integers as int64."""
        array = np.asarray(numbers)
        kinds = {"f": np.float32, "i": np.int64, "b": np.bool_}
        array = array.astype(kinds[array.dtype.kind])
        return Value(name=self.writer.constant(array), shape=array.shape)

    def operator(self, operator: str, shape: tuple[int, ...], *inputs: Value | None, **attributes: Attribute) -> Value:
        """Any operator with one output, of this shape; None is an input left out."""
        names = [value.name if value is not None else "" for value in inputs]
        return Value(name=self.writer.op(operator, *names, domain="", **attributes), shape=shape)

    def elementwise(self, operator: str, *inputs: Value, **attributes: Attribute) -> Value:
        """An operator on each element, whose inputs broadcast."""
        return self.operator(operator, _broadcast(inputs), *inputs, **attributes)

    def add(self, left: Value, right: Value) -> Value:
        """Left plus right."""
        return self.elementwise("Add", left, right)

    def multiply(self, left: Value, right: Value) -> Value:
        """Left times right."""
        return self.elementwise("Mul", left, right)

    def scale(self, value: Value, factor: float) -> Value:
        """`value` times a number; itself where that is one."""
        return value if factor == 1.0 else self.multiply(value, self.constant(float(factor)))

    def matmul(self, left: Value, right: Value) -> Value:
        """Matrix product over the last two axes; the others broadcast."""
        if min(left.rank, right.rank) < 2 or left.shape[-1] != right.shape[-2]:
            raise _misfit("a matrix product", left, right)
        try:
            batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        except ValueError as error:
            raise _misfit("a matrix product", left, right) from error
        return self.operator("MatMul", (*batch, left.shape[-2], right.shape[-1]), left, right)

    def linear(self, value: Value, weight: Value, bias: Value | None, *, stored: str = "outputs first") -> Value:
        """`value @ weight.T + bias`; without the transpose where the weight is stored "inputs first"."""
        if stored == "outputs first":
            weight = self.transpose(weight, (1, 0))
        product = self.matmul(value, weight)
        return product if bias is None else self.add(product, bias)

    def reshape(self, value: Value, shape: tuple[int, ...]) -> Value:
        """The same elements in another shape."""
        if prod(shape) != prod(value.shape) or min(shape, default=1) < 0:
            message = f"{prod(value.shape)} numbers of shape {list(value.shape)} cannot be arranged as {list(shape)}"
            raise ArchitectureMismatchError(f"{message}: a size in the configuration does not fit the tensors")
        return value if shape == value.shape else self.operator("Reshape", shape, value, self.constant([*shape]))

    def transpose(self, value: Value, axes: tuple[int, ...]) -> Value:
        """`axes[i]` becomes axis i."""
        if sorted(axes) != list(range(value.rank)):
            message = f"a value of shape {list(value.shape)} has not the {len(axes)} axes that the template expects"
            raise ArchitectureMismatchError(message)
        return self.operator("Transpose", tuple(value.shape[axis] for axis in axes), value, perm=axes)

    def slice(self, value: Value, axis: int, start: int, stop: int) -> Value:
        """Elements start up to stop of one axis."""
        axis = _axis(value, axis)
        size = value.shape[axis]
        if not 0 <= start <= stop <= size:
            message = f"elements {start} to {stop} of an axis of {size} (shape {list(value.shape)}) are needed"
            raise ArchitectureMismatchError(f"{message}: a size in the configuration does not fit the tensors")
        if (start, stop) == (0, size):
            return value
        shape = (*value.shape[:axis], stop - start, *value.shape[axis + 1 :])
        bounds = (self.constant([start]), self.constant([stop]), self.constant([axis]))
        return self.operator("Slice", shape, value, *bounds)

    def every(self, value: Value, axis: int, start: int, step: int) -> Value:
        """Elements start, start + step, ... of one axis."""
        axis = _axis(value, axis)
        count = len(range(start, value.shape[axis], step))
        shape = (*value.shape[:axis], count, *value.shape[axis + 1 :])
        bounds = [self.constant([number]) for number in (start, value.shape[axis], axis, step)]
        return self.operator("Slice", shape, value, *bounds)

    def split(self, value: Value, axis: int, sizes: tuple[int, ...]) -> tuple[Value, ...]:
        """Consecutive parts of an axis."""
        axis = _axis(value, axis)
        if sum(sizes) != value.shape[axis] or min(sizes) <= 0:
            message = f"an axis of {value.shape[axis]} (shape {list(value.shape)}) does not split into {list(sizes)}"
            raise ArchitectureMismatchError(f"{message}: a size in the configuration does not fit the tensors")
        sizes_name = self.constant([*sizes]).name
        names = self.writer.ops("Split", value.name, sizes_name, outputs=len(sizes), axis=axis)
        before, after = value.shape[:axis], value.shape[axis + 1 :]
        return tuple(Value(name=name, shape=(*before, size, *after)) for name, size in zip(names, sizes, strict=True))

    def concat(self, values: list[Value], axis: int) -> Value:
        """One behind the other along an axis."""
        if not values:
            raise ArchitectureMismatchError("a concatenation of nothing: a number in the configuration leaves no part")
        first = values[0]
        axis = _axis(first, axis)
        rest = {(*value.shape[:axis], *value.shape[axis + 1 :]) for value in values}
        if len(rest) > 1 or any(value.rank != first.rank for value in values):
            raise _misfit("a concatenation", *values)
        size = sum(value.shape[axis] for value in values)
        shape = (*first.shape[:axis], size, *first.shape[axis + 1 :])
        return self.operator("Concat", shape, *values, axis=axis)

    def gather(self, table: Value, indices: Value, axis: int = 0) -> Value:
        """The indices' shape in place of an axis of the table."""
        shape = (*table.shape[:axis], *indices.shape, *table.shape[axis + 1 :])
        return self.operator("Gather", shape, table, indices, axis=axis)

    def take(self, value: Value, axis: int, index: int) -> Value:
        """One element of an axis, which is gone."""
        axis = _axis(value, axis)
        if not -value.shape[axis] <= index < value.shape[axis]:
            raise ArchitectureMismatchError(f"element {index} of an axis of {value.shape[axis]} is needed")
        return self.gather(value, self.constant(np.asarray(index)), axis)

    def expand(self, value: Value, shape: tuple[int, ...]) -> Value:
        """Axes of size one repeated."""
        if shape == value.shape:
            return value
        try:
            fits = np.broadcast_shapes(value.shape, shape) == shape
        except ValueError:
            fits = False
        if not fits:
            message = f"a value of shape {list(value.shape)} cannot be repeated to {list(shape)}"
            raise ArchitectureMismatchError(message)
        return self.operator("Expand", shape, value, self.constant([*shape]))

    def softmax(self, value: Value) -> Value:
        """Along the last axis."""
        return self.operator("Softmax", value.shape, value, axis=-1)

    def reduce(self, operator: str, value: Value, axes: tuple[int, ...], *, keep: bool) -> Value:
        """ReduceMean, ReduceSum, ... over axes."""
        gone = {_axis(value, axis) for axis in axes}
        kept = [1 if axis in gone else size for axis, size in enumerate(value.shape) if keep or axis not in gone]
        return self.operator(operator, tuple(kept), value, self.constant([*axes]), keepdims=int(keep))

    def convolve(self, value: Value, weight: Value, bias: Value | None, *, stride: int = 1, padding: int = 0) -> Value:
        """Convolution with the same stride and padding on all position axes; PyTorch's weight layout.

        How many groups there are shows in the weight.
        """
        positions = value.shape[2:]
        kernel = weight.shape[2:]
        groups = value.shape[1] // max(weight.shape[1], 1) if min(value.rank, weight.rank) > 2 else 0
        fits = value.rank == weight.rank and groups > 0 and weight.shape[1] * groups == value.shape[1]
        fits = fits and weight.shape[0] % groups == 0
        sizes = tuple(
            (size + 2 * padding - width) // max(stride, 1) + 1 for size, width in zip(positions, kernel, strict=False)
        )
        if not fits or stride < 1 or padding < 0 or min(sizes, default=0) < 1:
            raise _misfit(f"a convolution of stride {stride}", value, weight)
        inputs = (value, weight) if bias is None else (value, weight, bias)
        axes = len(positions)
        attributes = {"strides": (stride,) * axes, "pads": (padding,) * 2 * axes, "dilations": (1,) * axes}
        shape = (value.shape[0], weight.shape[0], *sizes)
        return self.operator("Conv", shape, *inputs, **attributes, group=groups, kernel_shape=kernel)

    def batch_norm(self, value: Value, parts: tuple[Value, Value, Value, Value], epsilon: float) -> Value:
        """Batch normalisation by running statistics; `parts` are scale, shift, mean and variance of the channels."""
        for part in parts:
            if part.shape != value.shape[1:2]:
                raise _misfit("batch normalisation", value, part)
        return self.operator("BatchNormalization", value.shape, value, *parts, epsilon=epsilon)

    def layer_norm(self, value: Value, scale: Value, shift: Value | None, epsilon: float) -> Value:
        """Layer normalisation over the last axis."""
        _check_width("layer normalisation", value, scale)
        inputs = (value, scale) if shift is None else (value, scale, shift)
        return self.operator("LayerNormalization", value.shape, *inputs, axis=-1, epsilon=epsilon)

    def rms_norm(self, value: Value, scale: Value | None, epsilon: float) -> Value:
        """`value / sqrt(mean(value ** 2) + epsilon) * scale` over the last axis, as exporters write it."""
        square = self.elementwise("Pow", value, self.constant(2.0))
        mean = self.reduce("ReduceMean", square, (-1,), keep=True)
        root = self.elementwise("Sqrt", self.add(mean, self.constant(float(epsilon))))
        normal = self.multiply(value, self.elementwise("Reciprocal", root))
        if scale is None:
            return normal
        _check_width("RMS normalisation", value, scale)
        return self.multiply(scale, normal)


def _axis(value: Value, axis: int) -> int:
    """The axis counted from the front."""
    if not -value.rank <= axis < value.rank:
        raise _misfit(f"a template that expects an axis {axis}", value)
    return axis % value.rank


def _check_width(what: str, value: Value, scale: Value) -> None:
    if scale.shape != value.shape[-1:]:
        raise _misfit(what, value, scale)


def _broadcast(inputs: tuple[Value, ...]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*(value.shape for value in inputs))
    except ValueError as error:
        raise _misfit("an elementwise operator", *inputs) from error


def _misfit(what: str, *values: Value) -> ArchitectureMismatchError:
    shown = " and ".join(f"{value.name!r} {list(value.shape)}" for value in values[:3])
    return ArchitectureMismatchError(f"the shapes do not fit {what}: {shown}; does the config belong to this file?")
