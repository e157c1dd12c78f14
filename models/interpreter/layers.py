"""Runs an `Architecture` in PyTorch: one network, or a population of networks that share the architecture.

A population of P networks is computed at once: maps hold all channels side by side and convolve in P groups, vectors
and sequences are batched matrix products. Axes:

- map: (batch, population * channels, *positions)
- sequence: (population, batch, tokens, features)
- vector: (population, batch, features)
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

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
    LayerNorm,
    Linear,
    Pool,
    PositionTable,
    Raster,
    SelectToken,
    SetPool,
    Tokens,
)
from metagauge.architecture.parameter import Parameter, Reshape, Scale, Slice, Transpose
from metagauge.architecture.values import Value, values

BATCH_NORM_MOMENTUM = 0.1
"""PyTorch's default share of the newest batch in the running statistics."""

Part = Literal["whole", "query", "key", "value"]
Observe = Callable[[str, Part, Layout, Tensor], None]
"""Is shown every value: the name of the operation that computed it, which part of an attention it is, its layout, and
the tensor."""

_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_MAX_POOLS = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}


def run(
    architecture: Architecture, tensors: Mapping[str, Tensor], inputs: Float[Tensor, "batch ..."]
) -> Float[Tensor, "batch ..."]:
    """The output of one network in evaluation mode.

    Args:
        architecture: What to compute.
        tensors: The checkpoint's tensors by name.
        inputs: A batch of what `architecture.input_shape` describes.

    Raises:
        ArchitectureMismatchError: the tensors do not fit the architecture.
    """
    stacked = {name: tensor.unsqueeze(0) for name, tensor in tensors.items()}
    output, layout = run_population(architecture, stacked, inputs, training=False)
    return output if layout == "map" else output[0]


def run_population(
    architecture: Architecture,
    tensors: Mapping[str, Tensor],
    inputs: Tensor,
    *,
    training: bool,
    observe: Observe | None = None,
) -> tuple[Tensor, Layout]:
    """The outputs of a population and their layout.

    Args:
        architecture: Shared by all networks.
        tensors: (population, *shape) by name. Running statistics are updated in place when `training`.
        inputs: (batch, population * channels, *positions) for maps, (population, batch, ...) for the other layouts.
        training: Whether batch norm uses and records the statistics of this batch.
        observe: Is shown the input and every value as soon as it is computed. A value is let go of after its last
            reader, so that what is not kept is not held.
    """
    population = next(iter(tensors.values())).shape[0]
    interpreter = _Interpreter(tensors, population, training, observe)
    known = values(architecture, lambda parameter: tuple(interpreter.parameter(parameter).shape[1:]))
    if architecture.input_layout != "map" and inputs.dim() == len(architecture.input_shape) + 1:
        inputs = inputs.unsqueeze(0)
    last = architecture.operations[-1].name
    waiting = Counter([last, *(name for operation in architecture.operations for name in operation.inputs)])
    computed = {architecture.input_name: inputs}
    interpreter.show(architecture.input_name, known[architecture.input_name].layout, inputs)
    for operation in architecture.operations:
        sources = tuple((computed[name], known[name]) for name in operation.inputs)
        if isinstance(operation.layer, Add):
            output = sum((tensor for tensor, _ in sources[1:]), start=sources[0][0])
        else:
            output = interpreter.apply(operation, *sources[0])
        interpreter.show(operation.name, known[operation.name].layout, output)
        computed[operation.name] = output
        del sources
        waiting.subtract(operation.inputs)
        for name in {*operation.inputs, operation.name}:
            if not waiting[name]:
                del computed[name]
    return computed[last], known[last].layout


class _Interpreter:
    """The layers of one run."""

    def __init__(self, tensors: Mapping[str, Tensor], population: int, training: bool, observe: Observe | None) -> None:
        self._tensors = tensors
        self._population = population
        self._training = training
        self._observe = observe

    def show(self, name: str, layout: Layout, tensor: Tensor, part: Part = "whole") -> None:
        """Shows a value to who observes, if anyone does."""
        if self._observe is not None:
            self._observe(name, part, layout, tensor)

    def parameter(self, parameter: Parameter) -> Float[Tensor, "population ..."]:
        """A parameter after its views."""
        tensor = self._tensors[parameter.tensor]
        for view in parameter.views:
            match view:
                case Transpose():
                    tensor = tensor.permute(0, *(axis + 1 for axis in view.axes))
                case Reshape():
                    tensor = tensor.reshape(tensor.shape[0], *view.shape)
                case Slice():
                    tensor = tensor.narrow(view.axis + 1, view.start, view.stop - view.start)
                case Scale():
                    tensor = tensor * view.factor
                case _:
                    assert_never(view)
        return tensor

    def apply(self, operation: Operation, source: Tensor, value: Value) -> Tensor:
        """The output of a layer with one input."""
        match layer := operation.layer:
            case Linear():
                return self._linear(layer, source)
            case Conv():
                return self._conv(layer, source)
            case BatchNorm():
                return self._batch_norm(layer, source, value)
            case GroupNorm():
                return self._group_norm(layer, source, value)
            case LayerNorm():
                normal = functional.layer_norm(source, source.shape[-1:], eps=layer.epsilon)
                return self._affine(normal, layer.scale, layer.shift)
            case Activation():
                return self._activation(layer, source, value)
            case Pool():
                return _pool(layer, source)
            case GlobalPool():
                return self._global_pool(layer, source, value)
            case SetPool():
                return source.amax(2, keepdim=True) if layer.reduction == "max" else source.mean(2, keepdim=True)
            case Flatten():
                return self._members(source).flatten(2) if value.layout == "map" else source.flatten(2)
            case Tokens():
                return self._members(source).flatten(3).transpose(2, 3)
            case Raster():
                return source.flatten(2)
            case SelectToken():
                return source[:, :, layer.index]
            case ClassToken():
                token = self.parameter(layer.token)[:, None, None].expand(-1, source.shape[1], -1, -1)
                return torch.cat([token, source], dim=2)
            case PositionTable():
                return source + self.parameter(layer.table)[:, None]
            case Attention():
                return self._attention(operation.name, layer, source)
            case _:
                raise TypeError(f"{type(layer).__name__} does not read one value")

    def _members(
        self, source: Float[Tensor, "batch side_by_side *positions"]
    ) -> Float[Tensor, "population batch channels *positions"]:
        """A map, with the networks' channels apart."""
        return source.unflatten(1, (self._population, -1)).transpose(0, 1)

    def _linear(
        self, layer: Linear, source: Float[Tensor, "population batch *tokens inputs"]
    ) -> Float[Tensor, "population batch *tokens outputs"]:
        weight = self.parameter(layer.weight).transpose(1, 2)  # (population, inputs, outputs)
        rows = source.flatten(1, -2)  # (population, batch * tokens, inputs)
        if layer.bias is None:
            outputs = torch.bmm(rows, weight)
        else:
            outputs = torch.baddbmm(self.parameter(layer.bias).unsqueeze(1), rows, weight)
        return outputs.view(*source.shape[:-1], weight.shape[2])

    def _conv(self, layer: Conv, source: Tensor) -> Tensor:
        weight = self.parameter(layer.weight).flatten(0, 1)
        bias = None if layer.bias is None else self.parameter(layer.bias).flatten()
        source, padding = _split_padding(source, layer.padding, 0.0)
        convolution = _CONVOLUTIONS[len(layer.stride)]
        groups = layer.groups * self._population
        return convolution(source, weight, bias, layer.stride, padding, layer.dilation, groups)

    def _batch_norm(self, layer: BatchNorm, source: Tensor, value: Value) -> Tensor:
        is_map = value.layout == "map"
        rows = source if is_map else source.flatten(1, -2).transpose(0, 1).flatten(1)  # (rows, population * features)
        normal = functional.batch_norm(
            rows,
            self.parameter(layer.mean).flatten(),
            self.parameter(layer.variance).flatten(),
            None if layer.scale is None else self.parameter(layer.scale).flatten(),
            None if layer.shift is None else self.parameter(layer.shift).flatten(),
            self._training,
            BATCH_NORM_MOMENTUM,
            layer.epsilon,
        )
        if is_map:
            return normal
        return normal.unflatten(1, (self._population, -1)).transpose(0, 1).reshape(source.shape)

    def _group_norm(self, layer: GroupNorm, source: Tensor, value: Value) -> Tensor:
        if value.layout == "vector":
            rows = functional.group_norm(source.flatten(0, 1), layer.groups, eps=layer.epsilon)
            return self._affine(rows.view(source.shape), layer.scale, layer.shift)
        scale = None if layer.scale is None else self.parameter(layer.scale).flatten()
        shift = None if layer.shift is None else self.parameter(layer.shift).flatten()
        return functional.group_norm(source, layer.groups * self._population, scale, shift, layer.epsilon)

    def _affine(self, source: Tensor, scale: Parameter | None, shift: Parameter | None) -> Tensor:
        """Scale and shift of the last axis of a sequence or vector."""
        between = (1,) * (source.dim() - 2)
        if scale is not None:
            source = source * self.parameter(scale).unflatten(0, (-1, *between))
        if shift is not None:
            source = source + self.parameter(shift).unflatten(0, (-1, *between))
        return source

    def _activation(self, layer: Activation, source: Tensor, value: Value) -> Tensor:
        if layer.function not in ("softmax", "log_softmax"):
            return activate(layer, source)
        function = torch.softmax if layer.function == "softmax" else torch.log_softmax
        if value.layout != "map":
            return function(source, dim=-1)
        return function(source.unflatten(1, (self._population, -1)), dim=2).flatten(1, 2)

    def _global_pool(
        self, layer: GlobalPool, source: Tensor, value: Value
    ) -> Float[Tensor, "population batch features"]:
        rows = self._members(source).flatten(3) if value.layout == "map" else source.transpose(2, 3)
        return rows.amax(-1) if layer.reduction == "max" else rows.mean(-1)

    def _attention(
        self, name: str, layer: Attention, source: Float[Tensor, "population batch tokens features"]
    ) -> Float[Tensor, "population batch tokens outputs"]:
        population, batch = source.shape[:2]
        projected = [self._linear(part, source) for part in (layer.query, layer.key, layer.value)]
        parts: tuple[Part, Part, Part] = ("query", "key", "value")
        for part, tensor in zip(parts, projected, strict=True):
            self.show(name, "sequence", tensor, part)
        query, key, value = (
            tensor.flatten(0, 1).unflatten(-1, (layer.heads, -1)).transpose(1, 2) for tensor in projected
        )  # (population * batch, heads, tokens, width)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=layer.causal)
        return self._linear(layer.output, mixed.transpose(1, 2).flatten(2).unflatten(0, (population, batch)))


def activate(layer: Activation, source: Tensor) -> Tensor:
    """An elementwise activation."""
    match layer.function:
        case "identity":
            return source
        case "relu":
            return functional.relu(source)
        case "relu6":
            return functional.relu6(source)
        case "leaky_relu":
            return functional.leaky_relu(source, layer.slope)
        case "elu":
            return functional.elu(source, layer.slope)
        case "selu":
            return functional.selu(source)
        case "gelu":
            return functional.gelu(source)
        case "gelu_tanh":
            return functional.gelu(source, approximate="tanh")
        case "silu":
            return functional.silu(source)
        case "hardswish":
            return functional.hardswish(source)
        case "hardsigmoid":
            return functional.hardsigmoid(source)
        case "mish":
            return functional.mish(source)
        case "tanh":
            return torch.tanh(source)
        case "sigmoid":
            return torch.sigmoid(source)
        case "softplus":
            return functional.softplus(source)
        case "softmax" | "log_softmax":
            raise TypeError("softmax is not elementwise")
        case _:
            assert_never(layer.function)


def _pool(layer: Pool, source: Tensor) -> Tensor:
    if layer.reduction == "max":
        source, padding = _split_padding(source, layer.padding, float("-inf"), layer.kernel)
        return _MAX_POOLS[len(layer.kernel)](source, layer.kernel, layer.stride, padding)
    padded, padding = _split_padding(source, layer.padding, 0.0, layer.kernel)
    means = _mean_pool(padded, layer, padding)
    if layer.count_padding or not any(size for pair in layer.padding for size in pair):
        return means
    ones, padding = _split_padding(torch.ones_like(source[:1, :1]), layer.padding, 0.0, layer.kernel)
    return means / _mean_pool(ones, layer, padding)


def _mean_pool(source: Tensor, layer: Pool, padding: list[int]) -> Tensor:
    kernel, stride = list(layer.kernel), list(layer.stride)
    match len(kernel):
        case 1:
            return functional.avg_pool1d(source, kernel, stride, padding)
        case 2:
            return functional.avg_pool2d(source, kernel, stride, padding)
        case _:
            return functional.avg_pool3d(source, kernel, stride, padding)


def _split_padding(
    source: Tensor, padding: tuple[tuple[int, int], ...], fill: float, kernel: tuple[int, ...] = ()
) -> tuple[Tensor, list[int]]:
    """The source and the padding left to do; done here is what is uneven, or more than a pool does, half its kernel."""
    too_much = any(2 * before > size for (before, _), size in zip(padding, kernel, strict=False))
    if all(before == after for before, after in padding) and not too_much:
        return source, [before for before, _ in padding]
    flat = [size for pair in reversed(padding) for size in pair]
    return functional.pad(source, flat, value=fill), [0] * len(padding)
