"""Which axes of which tensors run over the same hidden neurons: what permuting, copying and scaling neurons acts on.

Every value's features belong to an orbit. A layer that mixes features starts one, a sum joins those of what it adds,
other layers hand theirs on. The orbits of the input and of the output are fixed. Two readings of a network:

- *order*: neurons that are permuted or copied as one. Norms keep their neurons; group norms and heads keep runs
  together.
- *scale*: neurons that are multiplied by one positive factor. Norms start an orbit, as they forget or absorb the
  factor of what they read; functions that are not positively homogeneous fix theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, assert_never

import numpy as np

from metagauge.architecture.architecture import Architecture, Operation
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
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.values import Value, layer_parameters, values
from models.transforms.transform import NotApplicableError

Reading = Literal["order", "scale"]
HOMOGENEOUS = ("identity", "relu", "leaky_relu")
"""Functions with f(s x) = s f(x) for every s > 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An axis of a tensor that runs over an orbit's neurons, each of them `before` times `after` places."""

    tensor: str
    axis: int
    orbit: str
    reads: bool = False
    """Whether the tensor multiplies what the neurons say; else it makes them say it."""
    before: int = 1
    after: int = 1

    def spread(self, neurons: np.ndarray, size: int) -> np.ndarray:
        """The places of the axis, of an orbit of `size` neurons, that these neurons have."""
        places = np.arange(self.before * size * self.after).reshape(self.before, size, self.after)
        return places[:, neurons].ravel()

    def neurons(self, size: int) -> np.ndarray:
        """For each place of the axis, which neuron of an orbit of `size` it has."""
        return np.tile(np.repeat(np.arange(size), self.after), self.before)


@dataclass(slots=True)
class Orbit:
    """Neurons of one or more values."""

    size: int
    runs: int = 1
    """Consecutive runs of one length that stay together: the groups of a norm, the heads of an attention."""
    heads_of: str = ""
    """The attention whose heads the runs are: its orbits move their heads alike."""
    is_fixed: bool = False
    is_counted: bool = False
    """Whether another copy of a neuron changes what the others say, as in a softmax."""


@dataclass(slots=True)
class Orbits:
    """The orbits of a network, and every use of each.

    Raises:
        NotApplicableError: a tensor is used twice, or through a view.
    """

    architecture: Architecture
    tensors: Mapping[str, np.ndarray]
    reading: Reading = "order"
    uses: list[Use] = field(default_factory=list)
    _orbits: dict[str, Orbit] = field(default_factory=dict)
    _joined: dict[str, str] = field(default_factory=dict)
    _flat: dict[str, tuple[int, int]] = field(default_factory=dict)
    _known: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_parameters(self.architecture)
        self._known = values(self.architecture, lambda parameter: self.tensors[parameter.tensor].shape)
        given = self.architecture.input_name
        self._orbits[given] = Orbit(size=self._known[given].features, is_fixed=True)
        for operation in self.architecture.operations:
            self._visit(operation, operation.inputs[0])
        self.of(self.architecture.operations[-1].name).is_fixed = True

    def name(self, value: str) -> str:
        """The name of the orbit that a value, or a joined orbit, belongs to."""
        while value in self._joined:
            value = self._joined[value]
        return value

    def of(self, value: str) -> Orbit:
        """The orbit of a value."""
        return self._orbits[self.name(value)]

    def _visit(self, operation: Operation, source: str) -> None:
        name, layer = operation.name, operation.layer
        match layer:
            case Linear():
                self._start(name)
                self._linear(layer, source, name)
            case Conv():
                self._conv(name, layer, source)
            case Attention():
                self._attention(name, layer, source)
            case Add():
                self._hand_on(name, source)
                for other in operation.inputs[1:]:
                    self._join(source, other)
            case Flatten():
                value = self._known[source]
                self._hand_on(name, source)
                if value.positions > 1:
                    self._flat[name] = (1, value.positions) if value.layout == "map" else (value.positions, 1)
            case BatchNorm() | GroupNorm() | LayerNorm():
                self._norm(name, layer, source)
            case Activation():
                self._hand_on(name, source)
                self.of(name).is_fixed |= self.reading == "scale" and layer.function not in HOMOGENEOUS
                self.of(name).is_counted |= layer.function in ("softmax", "log_softmax")
            case ClassToken() | PositionTable():
                self._hand_on(name, source)
                for table in layer_parameters(layer):
                    self._axis(table, self.tensors[table.tensor].ndim - 1, source)
            case Pool() | GlobalPool() | SetPool() | SelectToken() | Raster() | Tokens():
                self._hand_on(name, source)
            case _:
                assert_never(layer)

    def _linear(self, layer: Linear, source: str, target: str) -> None:
        self._axis(layer.weight, 0, target)
        self._axis(layer.bias, 0, target)
        self._axis(layer.weight, 1, source, reads=True)

    def _conv(self, name: str, layer: Conv, source: str) -> None:
        if is_depthwise(layer, self.tensors) and self.reading == "order":
            self._hand_on(name, source)
            self._axis(layer.weight, 0, source)
            self._axis(layer.bias, 0, source)
            return
        self._start(name)
        self._axis(layer.weight, 0, name)
        self._axis(layer.bias, 0, name)
        if is_depthwise(layer, self.tensors):
            self._axis(layer.weight, 0, source, reads=True)
        elif layer.groups == 1:
            self._axis(layer.weight, 1, source, reads=True)
        else:
            self.of(name).is_fixed = self.of(source).is_fixed = True

    def _attention(self, name: str, layer: Attention, source: str) -> None:
        pairs, mixed = f"{name} pairs", f"{name} mixed"
        for orbit, part in ((pairs, layer.query), (mixed, layer.value)):
            size = self.tensors[part.weight.tensor].shape[0]
            self._orbits[orbit] = Orbit(size=size, runs=layer.heads, heads_of=name)
        self._orbits[pairs].is_fixed = self.reading == "scale"
        self._start(name)
        self._linear(layer.query, source, pairs)
        self._linear(layer.key, source, pairs)
        self._linear(layer.value, source, mixed)
        self._linear(layer.output, mixed, name)

    def _norm(self, name: str, layer: BatchNorm | GroupNorm | LayerNorm, source: str) -> None:
        if self.reading == "order":
            self._hand_on(name, source)
            for parameter in layer_parameters(layer):
                self._axis(parameter, 0, source)
            if isinstance(layer, GroupNorm):
                self.of(source).is_fixed |= source in self._flat and layer.groups > 1
                self._divide(self.of(source), layer.groups)
            return
        self._start(name)
        can_absorb = layer.scale is not None
        self.of(name).is_fixed = not can_absorb
        self._axis(layer.scale, 0, name)
        self._axis(layer.shift, 0, name)
        if isinstance(layer, BatchNorm) and can_absorb:
            self._axis(layer.mean, 0, source)
            self._axis(layer.scale, 0, source, reads=True)
        else:
            self.of(source).is_fixed = True

    def _axis(self, parameter: Parameter | None, axis: int, value: str, *, reads: bool = False) -> None:
        if parameter is not None:
            before, after = self._flat.get(value, (1, 1))
            self.uses.append(
                Use(tensor=parameter.tensor, axis=axis, orbit=value, reads=reads, before=before, after=after)
            )

    def _start(self, name: str) -> None:
        self._orbits[name] = Orbit(size=self._known[name].features)

    def _hand_on(self, name: str, source: str) -> None:
        self._joined[name] = self.name(source)
        if source in self._flat:
            self._flat[name] = self._flat[source]

    def _join(self, one: str, other: str) -> None:
        one, other = self.name(one), self.name(other)
        if one == other:
            return
        mine, theirs = self._orbits[one], self._orbits[other]
        self._divide(mine, theirs.runs)
        mine.is_fixed |= theirs.is_fixed
        mine.is_counted |= theirs.is_counted
        self._joined[other] = one

    def _divide(self, orbit: Orbit, runs: int) -> None:
        orbit.is_fixed |= runs not in (1, orbit.runs) and orbit.runs > 1
        orbit.runs = max(orbit.runs, runs)


def is_depthwise(layer: Conv, tensors: Mapping[str, np.ndarray]) -> bool:
    """Whether each channel is computed from its own channel alone."""
    shape = tensors[layer.weight.tensor].shape
    return layer.groups == shape[0] > 1 and shape[1] == 1


def _check_parameters(architecture: Architecture) -> None:
    seen: set[str] = set()
    for operation in architecture.operations:
        for parameter in layer_parameters(operation.layer):
            if parameter.views or parameter.tensor in seen:
                raise NotApplicableError(f"tensor {parameter.tensor!r} is used twice or through a view")
            seen.add(parameter.tensor)
