"""An architecture of layers written as a dataflow of whole-tensor operators: the same function, one step at a time.

Values get a batch axis of one in front: a map is (1, channels, *positions), a sequence (1, tokens, features), a vector
(1, features). A parameter is a `Weight` of its tensor, and its views are steps.
"""

from math import sqrt
from typing import assert_never

import numpy as np

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.dataflow import Dataflow
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
from metagauge.architecture.lower_steps import Steps
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.elementwise import Cast, Unary, Where
from metagauge.architecture.operators.indexing import Triangle
from metagauge.architecture.operators.literal import pack
from metagauge.architecture.operators.movement import Concat, Expand, Reshape, Slice, Transpose
from metagauge.architecture.operators.reduction import Reduce, Softmax, Standardise, WindowPool
from metagauge.architecture.operators.source import Given
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.values import ShapeOf, Value, values


def lower(architecture: Architecture, shape_of: ShapeOf) -> Dataflow:
    """The dataflow that computes what `architecture` computes, for one sample; `shape_of` gives a parameter's shape.

    A value keeps the name of its operation, unless the layer leaves what it reads as it is.

    Raises:
        ArchitectureMismatchError: a layer does not fit what it reads.
    """
    known = values(architecture, shape_of)
    steps = Steps(reserved=(architecture.input_name, *(operation.name for operation in architecture.operations)))
    steps.step(Given(shape=(1, *architecture.input_shape)), name=architecture.input_name)
    names = {architecture.input_name: steps.rename_newest(architecture.input_name)}
    lowering = _Lowering(steps, shape_of)
    for operation in architecture.operations:
        inputs = tuple(names[name] for name in operation.inputs)
        written = lowering.layer(operation, inputs, known[operation.inputs[0]], known[operation.name])
        names[operation.name] = written if written in inputs else steps.rename_newest(operation.name)
    return Dataflow(
        steps=steps.all(),
        outputs=(names[architecture.operations[-1].name],),
        provenance=architecture.provenance,
        unsupported=architecture.unsupported,
        constants=architecture.constants,
    )


class _Lowering:
    """Layers as steps. A method's result is the newest step's value, or the value that the layer reads."""

    def __init__(self, steps: Steps, shape_of: ShapeOf) -> None:
        self._steps = steps
        self._shape_of = shape_of

    def layer(self, operation: Operation, inputs: tuple[str, ...], value: Value, output: Value) -> str:
        """One layer; `value` is what its first input is like, and `output` what it computes."""
        name, steps, source, shape = operation.name, self._steps, inputs[0], (1, *output.shape)
        match operation.layer:
            case Linear() as layer:
                return self._linear(name, layer, source, value)
            case Conv() as layer:
                return self._conv(name, layer, source)
            case BatchNorm() as layer:
                return self._batch_norm(name, layer, source, value)
            case GroupNorm() as layer:
                runs = (1, layer.groups, value.features * value.positions // layer.groups)
                grouped = steps.step(Reshape(shape=runs), source, name=f"{name}.groups")
                norm = Standardise(axes=(2,), epsilon=layer.epsilon)
                normal = steps.step(norm, grouped, name=f"{name}.normal")
                apart = steps.step(Reshape(shape=shape), normal, name=f"{name}.apart")
                return self._affine(name, layer.scale, layer.shift, apart, value)
            case LayerNorm() as layer:
                norm = Standardise(axes=(len(value.shape),), epsilon=layer.epsilon)
                normal = steps.step(norm, source, name=f"{name}.normal")
                return self._affine(name, layer.scale, layer.shift, normal, value)
            case Activation() as layer:
                return self._activation(name, layer, source, value)
            case Pool() as layer:
                pool = WindowPool(
                    reduction=layer.reduction,
                    kernel=layer.kernel,
                    stride=layer.stride,
                    padding=layer.padding,
                    dilation=(1,) * len(layer.kernel),
                    count_padding=layer.count_padding,
                )
                return steps.step(pool, source, name=name)
            case GlobalPool() as layer:
                axes = tuple(range(2, 1 + len(value.shape))) if value.layout == "map" else (1,)
                return steps.step(Reduce(function=layer.reduction, axes=axes, keep=False), source, name=name)
            case SetPool() as layer:
                return steps.step(Reduce(function=layer.reduction, axes=(1,)), source, name=name)
            case Flatten() | Raster():
                return source if output == value else steps.step(Reshape(shape=shape), source, name=name)
            case Tokens():
                raster = Reshape(shape=(1, value.features, value.positions))
                flat = steps.step(raster, source, name=f"{name}.raster")
                return steps.step(Transpose(axes=(0, 2, 1)), flat, name=name)
            case SelectToken() as layer:
                token = steps.step(Slice(axis=1, start=layer.index, count=1), source, name=f"{name}.token")
                return steps.step(Reshape(shape=shape), token, name=name)
            case ClassToken() as layer:
                row = Reshape(shape=(1, 1, value.features))
                token = steps.step(row, steps.parameter(layer.token), name=f"{name}.token")
                return steps.step(Concat(axis=1), token, source, name=name)
            case PositionTable() as layer:
                return steps.binary("add", source, steps.parameter(layer.table), name)
            case Add():
                total = source
                for other in inputs[1:]:
                    total = steps.binary("add", total, other, name)
                return total
            case Attention() as layer:
                return self._attention(name, layer, source, value)
            case _:
                assert_never(operation.layer)

    def _linear(self, name: str, layer: Linear, source: str, value: Value) -> str:
        equation = "bi,oi->bo" if value.layout == "vector" else "bti,oi->bto"
        return self._steps.linear(layer.weight, layer.bias, source, equation, name)

    def _conv(self, name: str, layer: Conv, source: str) -> str:
        convolve = Convolve(stride=layer.stride, padding=layer.padding, dilation=layer.dilation, groups=layer.groups)
        parameters = [self._steps.parameter(each) for each in (layer.weight, layer.bias) if each is not None]
        return self._steps.step(convolve, source, *parameters, name=name)

    def _batch_norm(self, name: str, layer: BatchNorm, source: str, value: Value) -> str:
        steps = self._steps
        centred = steps.binary("subtract", source, self._along(layer.mean, value), f"{name}.centred")
        added = Unary(function="affine", alpha=1.0, beta=layer.epsilon)
        variance = steps.step(added, self._along(layer.variance, value), name=f"{name}.variance")
        spread = steps.step(Unary(function="sqrt"), variance, name=f"{name}.spread")
        normal = steps.binary("divide", centred, spread, f"{name}.normal")
        return self._affine(name, layer.scale, layer.shift, normal, value)

    def _affine(self, name: str, scale: Parameter | None, shift: Parameter | None, source: str, value: Value) -> str:
        if scale is not None:
            source = self._steps.binary("multiply", source, self._along(scale, value), f"{name}.scaled")
        if shift is not None:
            source = self._steps.binary("add", source, self._along(shift, value), f"{name}.shifted")
        return source

    def _along(self, parameter: Parameter, value: Value) -> str:
        """A parameter (features,), so that it meets the features of a value: (features, 1, 1) for two positions."""
        found, positions = self._steps.parameter(parameter), len(value.shape) - 1
        if value.layout != "map" or positions == 0:
            return found
        shape = (value.features, *(1,) * positions)
        return self._steps.step(Reshape(shape=shape), found, name=f"{parameter.tensor}.along")

    def _activation(self, name: str, layer: Activation, source: str, value: Value) -> str:
        function = layer.function
        match function:
            case "identity":
                return source
            case "softmax" | "log_softmax":
                axis = 1 if value.layout == "map" else len(value.shape)
                operator = Softmax(axis=axis, logarithm=function == "log_softmax")
            case "relu6":
                operator = Unary(function="clip", alpha=0.0, beta=6.0)
            case "hardsigmoid":
                operator = Unary(function="hardsigmoid", alpha=1 / 6, beta=0.5)
            case _:
                operator = Unary(function=function, alpha=layer.slope)
        return self._steps.step(operator, source, name=name)

    def _attention(self, name: str, layer: Attention, source: str, value: Value) -> str:
        steps, tokens = self._steps, value.positions
        widths = [self._shape_of(part.weight)[0] // layer.heads for part in (layer.query, layer.key, layer.value)]
        apart = []
        for role, part, width in zip(
            ("query", "key", "value"), (layer.query, layer.key, layer.value), widths, strict=True
        ):
            features = self._linear(f"{name}.{role}", part, source, value)
            heads = Reshape(shape=(1, tokens, layer.heads, width))
            apart.append(steps.step(heads, features, name=f"{name}.{role}.heads"))
        query, key, mixed = apart
        products = Contract(equation="bqhd,bkhd->bhqk", factor=1 / sqrt(widths[0]))
        scores = steps.step(products, query, key, name=f"{name}.scores")
        if layer.causal:
            scores = self._without_later(name, scores, tokens)
        shares = steps.step(Softmax(axis=3), scores, name=f"{name}.shares")
        mean = steps.step(Contract(equation="bhqk,bkhd->bqhd"), shares, mixed, name=f"{name}.mean")
        joined = steps.step(Reshape(shape=(1, tokens, layer.heads * widths[2])), mean, name=f"{name}.joined")
        return self._linear(name, layer.output, joined, value)

    def _without_later(self, name: str, scores: str, tokens: int) -> str:
        """Scores (1, heads, query, key), minus infinity where the key is later; nothing of that size is stored."""
        steps = self._steps
        one = steps.step(pack(np.array(1, np.float32)), name=f"{name}.one")
        ones = steps.step(Expand(shape=(tokens, tokens)), one, name=f"{name}.ones")
        triangle = steps.step(Triangle(upper=False), ones, name=f"{name}.triangle")
        earlier = steps.step(Cast(numbers="bool"), triangle, name=f"{name}.earlier")
        never = steps.step(pack(np.array(-np.inf, np.float32)), name=f"{name}.never")
        return steps.step(Where(), earlier, scores, never, name=f"{name}.masked")
