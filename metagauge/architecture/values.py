"""The shape of every value of an architecture, which is also the check that its layers fit together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import assert_never

from metagauge.architecture.architecture import Architecture, Layout, Operation
from metagauge.architecture.layers import (
    Activation,
    Add,
    Attention,
    BatchNorm,
    ClassToken,
    Conv,
    Flatten,
    GlobalPool,
    GroupNorm,
    Layer,
    LayerNorm,
    Linear,
    Pool,
    PositionTable,
    Raster,
    SelectToken,
    SetPool,
    Tokens,
)
from metagauge.architecture.parameter import Parameter
from metagauge.errors import ArchitectureMismatchError, LimitExceededError

MAX_OPERATIONS = 4000
MAX_INPUTS = 64
"""Of one operation."""
MAX_NAME = 256
MAX_ELEMENTS = 2**31
"""Of one value, for one sample."""
MAX_WINDOW = 2**16
"""Of kernels, strides, paddings and dilations."""
MAX_SLOPE = 100.0

ShapeOf = Callable[[Parameter], tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What flows between two layers, without its batch axis: a map, a sequence or a vector."""

    layout: Layout
    shape: tuple[int, ...]

    @property
    def features(self) -> int:
        """Channels of a map, features of a sequence or vector: the number of neurons."""
        return self.shape[0] if self.layout == "map" else self.shape[-1]

    @property
    def positions(self) -> int:
        """Positions of a map, tokens of a sequence, 1 for a vector."""
        return prod(self.shape) // self.features

    def __str__(self) -> str:
        return f"{self.layout} {list(self.shape)}"


def values(architecture: Architecture, shape_of: ShapeOf) -> Mapping[str, Value]:
    """Every value by name; `shape_of` gives a parameter's shape.

    Raises:
        ArchitectureMismatchError: a name is used twice or unknown, or a layer does not fit what it reads.
    """
    rank, layout = len(architecture.input_shape), architecture.input_layout
    if min(architecture.input_shape, default=0) < 1 or not _rank_fits(layout, rank):
        raise ArchitectureMismatchError(f"the input shape {list(architecture.input_shape)} is not that of a {layout}")
    if not architecture.operations:
        raise ArchitectureMismatchError("the architecture has no layers")
    _check_counts(architecture)
    known = {architecture.input_name: Value(layout=layout, shape=tuple(architecture.input_shape))}
    for operation in architecture.operations:
        if operation.name in known:
            raise ArchitectureMismatchError(f"two values are called {operation.name!r}")
        for name in operation.inputs:
            if name not in known:
                message = f"layer {operation.name!r} reads {name!r}, which is not the output of an earlier layer"
                raise ArchitectureMismatchError(message)
        known[operation.name] = output_value(operation, tuple(known[name] for name in operation.inputs), shape_of)
        if prod(known[operation.name].shape) > MAX_ELEMENTS:
            message = f"layer {operation.name!r} computes a {known[operation.name]}"
            raise LimitExceededError(f"{message}, and at most {MAX_ELEMENTS} elements are allowed")
    return known


def _check_counts(architecture: Architecture) -> None:
    """Bounds what later steps spend on an architecture that a few kilobytes can ask for."""
    count = len(architecture.operations)
    if count > MAX_OPERATIONS:
        raise LimitExceededError(f"the architecture has {count} operations, and at most {MAX_OPERATIONS} are allowed")
    if prod(architecture.input_shape) > MAX_ELEMENTS:
        raise LimitExceededError(f"the input has more than {MAX_ELEMENTS} elements")
    for operation in architecture.operations:
        if max(len(name) for name in (operation.name, *operation.inputs)) > MAX_NAME:
            raise LimitExceededError(f"the name {operation.name[:40]!r}... has more than {MAX_NAME} characters")
        if len(operation.inputs) > MAX_INPUTS:
            message = f"layer {operation.name!r} reads {len(operation.inputs)} values"
            raise LimitExceededError(f"{message}, and at most {MAX_INPUTS} are allowed")


def layer_parameters(layer: Layer) -> tuple[Parameter, ...]:
    """The parameters of one layer, in the order of their declaration."""
    match layer:
        case Linear() | Conv():
            found = (layer.weight, layer.bias)
        case BatchNorm():
            found = (layer.mean, layer.variance, layer.scale, layer.shift)
        case GroupNorm() | LayerNorm():
            found = (layer.scale, layer.shift)
        case ClassToken():
            found = (layer.token,)
        case PositionTable():
            found = (layer.table,)
        case Attention():
            parts = (layer.query, layer.key, layer.value, layer.output)
            found = tuple(parameter for part in parts for parameter in (part.weight, part.bias))
        case Activation() | Pool() | GlobalPool() | SetPool() | Flatten() | Tokens() | Raster() | SelectToken() | Add():
            found = ()
        case _:
            assert_never(layer)
    return tuple(parameter for parameter in found if parameter is not None)


def _rank_fits(layout: Layout, rank: int) -> bool:
    match layout:
        case "map":
            return 2 <= rank <= 4
        case "sequence":
            return rank == 2
        case "vector":
            return rank == 1
        case _:
            assert_never(layout)


def output_value(operation: Operation, inputs: tuple[Value, ...], shape_of: ShapeOf) -> Value:
    """The value of one layer.

    Raises:
        ArchitectureMismatchError: the layer does not fit what it reads.
    """
    check = _Check(operation=operation, shape_of=shape_of)
    if isinstance(operation.layer, Add):
        return check.add(inputs)
    if len(inputs) != 1:
        raise check.misfit(f"reads {len(inputs)} values, not one")
    (source,) = inputs
    match operation.layer:
        case Linear() as layer:
            check.layout(source, "sequence", "vector")
            return Value(layout=source.layout, shape=(*source.shape[:-1], check.linear(layer, source.features)))
        case Conv() as layer:
            return check.conv(layer, source)
        case BatchNorm() as layer:
            check.features(source, layer.mean, layer.variance, layer.scale, layer.shift)
            return source
        case GroupNorm() as layer:
            check.layout(source, "map", "vector")
            check.features(source, layer.scale, layer.shift)
            if layer.groups < 1 or source.features % layer.groups:
                raise check.misfit(f"has {layer.groups} groups, which do not divide {source.features} channels")
            return source
        case LayerNorm() as layer:
            check.layout(source, "sequence", "vector")
            check.features(source, layer.scale, layer.shift)
            return source
        case Activation() as layer:
            check.slope(layer)
            return source
        case Pool() as layer:
            check.layout(source, "map")
            sizes = check.windows(source, layer.kernel, layer.stride, layer.padding, (1,) * len(layer.kernel))
            return Value(layout="map", shape=(source.features, *sizes))
        case GlobalPool():
            check.layout(source, "map", "sequence")
            return Value(layout="vector", shape=(source.features,))
        case SetPool():
            check.layout(source, "sequence")
            return Value(layout="sequence", shape=(1, source.features))
        case Flatten():
            return Value(layout="vector", shape=(prod(source.shape),))
        case Tokens():
            check.layout(source, "map")
            return Value(layout="sequence", shape=(source.positions, source.features))
        case Raster():
            check.layout(source, "map")
            return Value(layout="map", shape=(source.features, source.positions))
        case SelectToken() as layer:
            check.layout(source, "sequence")
            if not 0 <= layer.index < source.positions:
                raise check.misfit(f"selects token {layer.index} of {source.positions}")
            return Value(layout="vector", shape=(source.features,))
        case ClassToken() as layer:
            check.layout(source, "sequence")
            check.features(source, layer.token)
            return Value(layout="sequence", shape=(source.positions + 1, source.features))
        case PositionTable() as layer:
            check.layout(source, "sequence")
            check.parameter("table", layer.table, source.shape)
            return source
        case Attention() as layer:
            check.layout(source, "sequence")
            return Value(layout="sequence", shape=(source.positions, check.attention(layer, source.features)))
        case _:
            assert_never(operation.layer)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """The rules one operation has to keep."""

    operation: Operation
    shape_of: ShapeOf

    def misfit(self, reason: str) -> ArchitectureMismatchError:
        return ArchitectureMismatchError(f"layer {self.operation.name!r} ({self.operation.layer.kind}) {reason}")

    def layout(self, source: Value, *allowed: Layout) -> None:
        if source.layout not in allowed:
            raise self.misfit(f"reads a {source}, where it needs a {' or '.join(allowed)}")

    def parameter(self, role: str, parameter: Parameter | None, shape: tuple[int, ...]) -> None:
        if parameter is None:
            return
        found = self.shape_of(parameter)
        if found != shape:
            raise self.misfit(f"needs {role} {list(shape)}, and {parameter.tensor!r} is {list(found)}")

    def features(self, source: Value, *parameters: Parameter | None) -> None:
        for parameter in parameters:
            self.parameter("a parameter of shape", parameter, (source.features,))

    def linear(self, layer: Linear, fan_in: int) -> int:
        shape = self.shape_of(layer.weight)
        if len(shape) != 2 or shape[1] != fan_in:
            raise self.misfit(f"reads {fan_in} features, and weight {layer.weight.tensor!r} is {list(shape)}")
        self.parameter("bias", layer.bias, shape[:1])
        return shape[0]

    def conv(self, layer: Conv, source: Value) -> Value:
        self.layout(source, "map")
        shape = self.shape_of(layer.weight)
        name = layer.weight.tensor
        if len(shape) != len(source.shape) + 1:
            raise self.misfit(f"reads a {source}, and weight {name!r} is {list(shape)}")
        if layer.groups < 1 or shape[0] % layer.groups or shape[1] * layer.groups != source.features:
            raise self.misfit(
                f"reads {source.features} channels in {layer.groups} groups, and weight {name!r} is {list(shape)}"
            )
        self.parameter("bias", layer.bias, shape[:1])
        sizes = self.windows(source, shape[2:], layer.stride, layer.padding, layer.dilation)
        return Value(layout="map", shape=(shape[0], *sizes))

    def windows(
        self,
        source: Value,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[tuple[int, int], ...],
        dilation: tuple[int, ...],
    ) -> tuple[int, ...]:
        axes = len(source.shape) - 1
        if not len(kernel) == len(stride) == len(padding) == len(dilation) == axes:
            raise self.misfit(
                f"reads {axes} position axes; kernel, stride, padding and dilation need one entry for each"
            )
        if min(*kernel, *stride, *dilation) < 1 or min(size for pair in padding for size in pair) < 0:
            raise self.misfit("has a kernel, stride or dilation below one or a negative padding")
        if max(*kernel, *stride, *dilation, *(size for pair in padding for size in pair)) > MAX_WINDOW:
            raise self.misfit(f"has a kernel, stride, dilation or padding above {MAX_WINDOW}")
        sizes = tuple(
            (size + sum(pad) - spread * (width - 1) - 1) // step + 1
            for size, width, step, pad, spread in zip(source.shape[1:], kernel, stride, padding, dilation, strict=True)
        )
        if min(sizes) < 1:
            raise self.misfit(f"has a window of {list(kernel)} that does not fit into {list(source.shape[1:])}")
        return sizes

    def attention(self, layer: Attention, features: int) -> int:
        query, key, value = (self.linear(part, features) for part in (layer.query, layer.key, layer.value))
        if layer.heads < 1 or query % layer.heads or value % layer.heads or query != key:
            raise self.misfit(f"has {layer.heads} heads for query, key, value of {query}, {key}, {value} features")
        return self.linear(layer.output, value)

    def slope(self, layer: Activation) -> None:
        takes_one = layer.function in ("leaky_relu", "elu")
        if not takes_one and layer.slope != 0:
            raise self.misfit(f"has a slope of {layer.slope}, and {layer.function} has none")
        if abs(layer.slope) > MAX_SLOPE:
            raise self.misfit(f"has a slope of {layer.slope}, and at most {MAX_SLOPE} is allowed")

    def add(self, inputs: tuple[Value, ...]) -> Value:
        if len(inputs) < 2:
            raise self.misfit(f"reads {len(inputs)} value, not two or more")
        total = max(inputs, key=lambda value: prod(value.shape))
        for value in inputs:
            is_one_token = value.layout == total.layout == "sequence" and value.shape == (1, total.features)
            if value != total and not is_one_token:
                raise self.misfit(f"adds a {value} to a {total}")
        return total
