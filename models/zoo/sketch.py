"""Draws an architecture layer by layer, and remembers the tensors it needs and how they start."""

from dataclasses import dataclass, field
from typing import Literal

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.layers import (
    Activation,
    ActivationFunction,
    Add,
    Attention,
    BatchNorm,
    ClassToken,
    Conv,
    GroupNorm,
    Layer,
    LayerNorm,
    Linear,
    PositionTable,
)
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.values import Value, values
from models.zoo.tying import TURNS, Tie

Start = Literal["weight", "bias", "one", "zero", "table"]
"""How a tensor starts: scaled by its fan-in, as a bias, as ones, as zeros, as a small random table."""

NormChoice = Literal["none", "batch", "group", "layer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorPlan:
    """A tensor of a network to be trained. `fan_in` scales weights and biases; buffers are not trained."""

    shape: tuple[int, ...]
    start: Start
    fan_in: int = 1
    trained: bool = True
    tie: Tie = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An architecture with the tensors it computes with."""

    family: str
    architecture: Architecture
    tensors: dict[str, TensorPlan]


@dataclass(slots=True)
class Sketch:
    """A chain being drawn: each method appends a layer that reads the newest value, and returns its name."""

    input_shape: tuple[int, ...]
    operations: list[Operation] = field(default_factory=list)
    tensors: dict[str, TensorPlan] = field(default_factory=dict)
    here: str = "input"

    def value(self, name: str | None = None) -> Value:
        """The layout and shape of a value, the newest by default."""
        start = Value(layout="map", shape=self.input_shape)
        if not self.operations:
            return start
        return self._known()[name or self.here]

    def append(self, name: str, layer: Layer, *inputs: str) -> str:
        """Puts a layer after `inputs`, or after the newest value."""
        self.operations.append(Operation(name=name, inputs=inputs or (self.here,), layer=layer))
        self.here = name
        return name

    def conv(self, name: str, channels: int, kernel: int, stride: int, *, padding: int, bias: bool) -> str:
        """A convolution with square kernels over all position axes."""
        value = self.value()
        axes = len(value.shape) - 1
        fan_in = value.features * kernel**axes
        weight = self._plan(f"{name}.weight", (channels, value.features, *(kernel,) * axes), "weight", fan_in)
        shift = self._plan(f"{name}.bias", (channels,), "bias", fan_in) if bias else None
        layer = Conv(
            weight=weight,
            bias=shift,
            stride=(stride,) * axes,
            padding=((padding, padding),) * axes,
            dilation=(1,) * axes,
        )
        return self.append(name, layer)

    def turned_conv(self, name: str, fields: int, kernel: int, *, bias: bool) -> str:
        """A convolution that is equivariant to quarter turns, of the image first and of fields of four after it."""
        features = self.value().features
        is_first = not any(isinstance(operation.layer, Conv) for operation in self.operations)
        fan_in = features * kernel**2
        shape = (fields * TURNS, features, kernel, kernel)
        weight = self._plan(f"{name}.weight", shape, "weight", fan_in, tie="lift" if is_first else "turn")
        shift = self._plan(f"{name}.bias", (fields * TURNS,), "bias", fan_in, tie="repeat") if bias else None
        margin = (kernel // 2, kernel // 2)
        layer = Conv(weight=weight, bias=shift, stride=(1, 1), padding=(margin, margin), dilation=(1, 1))
        return self.append(name, layer)

    def turned_norm(self, name: str, groups: int) -> str:
        """A group norm whose groups are whole fields; with no groups, nothing."""
        if groups == 0:
            return self.here
        features = self.value().features
        scale = self._plan(f"{name}.weight", (features,), "one", tie="repeat")
        shift = self._plan(f"{name}.bias", (features,), "zero", tie="repeat")
        return self.append(name, GroupNorm(groups=groups, scale=scale, shift=shift))

    def turned_head(self, name: str, features: int) -> str:
        """A linear layer of the mean over the orientations of each field."""
        fan_in = self.value().features
        weight = self._plan(f"{name}.weight", (features, fan_in), "weight", fan_in // TURNS, tie="average")
        return self.append(name, Linear(weight=weight, bias=self._plan(f"{name}.bias", (features,), "bias", fan_in)))

    def linear(self, name: str, features: int, *, bias: bool = True) -> str:
        """A linear layer."""
        return self.append(name, self._linear(name, features, self.value().features, bias=bias))

    def norm(self, name: str, choice: NormChoice, groups: int = 1) -> str:
        """The normalisation of this choice, or nothing."""
        features = self.value().features
        if choice == "none":
            return self.here
        scale = self._plan(f"{name}.weight", (features,), "one")
        shift = self._plan(f"{name}.bias", (features,), "zero")
        if choice == "group":
            return self.append(name, GroupNorm(groups=groups, scale=scale, shift=shift))
        if choice == "layer":
            return self.append(name, LayerNorm(scale=scale, shift=shift))
        mean = self._plan(f"{name}.running_mean", (features,), "zero", trained=False)
        variance = self._plan(f"{name}.running_var", (features,), "one", trained=False)
        return self.append(name, BatchNorm(mean=mean, variance=variance, scale=scale, shift=shift))

    def activation(self, name: str, function: ActivationFunction) -> str:
        """An activation with PyTorch's default slope."""
        slopes = {"leaky_relu": 0.01, "elu": 1.0}
        return self.append(name, Activation(function=function, slope=slopes.get(function, 0.0)))

    def attention(self, name: str, heads: int) -> str:
        """Self-attention that keeps the width."""
        width = self.value().features
        query, key, value, output = (
            self._linear(f"{name}.{part}", width, width, bias=True) for part in ("query", "key", "value", "output")
        )
        return self.append(name, Attention(heads=heads, query=query, key=key, value=value, output=output))

    def class_token(self, name: str) -> str:
        """A learned token before the others."""
        return self.append(name, ClassToken(token=self._plan(name, (self.value().features,), "table")))

    def position_table(self, name: str) -> str:
        """A learned table added to all tokens."""
        return self.append(name, PositionTable(table=self._plan(name, self.value().shape, "table")))

    def add(self, name: str, *inputs: str) -> str:
        """The sum of two or more values."""
        return self.append(name, Add(), *inputs)

    def finish(self, family: str) -> Plan:
        """The plan of what was drawn."""
        architecture = Architecture(input_shape=self.input_shape, operations=tuple(self.operations))
        return Plan(family=family, architecture=architecture, tensors=dict(self.tensors))

    def _linear(self, name: str, outputs: int, inputs: int, *, bias: bool) -> Linear:
        weight = self._plan(f"{name}.weight", (outputs, inputs), "weight", inputs)
        shift = self._plan(f"{name}.bias", (outputs,), "bias", inputs) if bias else None
        return Linear(weight=weight, bias=shift)

    def _plan(
        self,
        name: str,
        shape: tuple[int, ...],
        start: Start,
        fan_in: int = 1,
        *,
        trained: bool = True,
        tie: Tie = "free",
    ) -> Parameter:
        self.tensors[name] = TensorPlan(shape=shape, start=start, fan_in=fan_in, trained=trained, tie=tie)
        return Parameter(tensor=name)

    def _known(self) -> dict[str, Value]:
        architecture = Architecture(input_shape=self.input_shape, operations=tuple(self.operations))
        return dict(values(architecture, lambda parameter: self.tensors[parameter.tensor].shape))
