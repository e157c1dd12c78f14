"""Permutes the hidden neurons of a network consistently, a symmetry of its function: on tensors, by architecture.

Every value's features belong to an orbit, a set of neurons that is permuted as one. A layer that maps features starts
an orbit, a sum joins the orbits of what it adds, all others hand theirs on. Input and output stay as they are. Group
norms and heads permute in blocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.layers import (
    Add,
    Attention,
    BatchNorm,
    ClassToken,
    Conv,
    Flatten,
    GroupNorm,
    LayerNorm,
    Linear,
    PositionTable,
)
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.values import Value, values

Tensors = dict[str, np.ndarray]


def permute(
    architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator, *, one_side: bool = False
) -> Tensors:
    """The same function with its hidden neurons in another order; another function if only `one_side` is permuted."""
    orbits = _Orbits(architecture, tensors)
    changed = dict(tensors)
    drawn: dict[str, np.ndarray] = {}
    for use in orbits.uses:
        if one_side and use.reads:
            continue
        orbit = orbits.find(use.orbit)
        if orbit not in drawn:
            drawn[orbit] = orbits.draw(orbit, rng)
        changed[use.tensor] = changed[use.tensor].take(use.spread(drawn[orbit]), axis=use.axis)
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """An axis of a tensor that runs over an orbit's neurons, each of them `before` and `after` times."""

    tensor: str
    axis: int
    orbit: str
    reads: bool = False
    before: int = 1
    after: int = 1

    def spread(self, permutation: np.ndarray) -> np.ndarray:
        places = np.arange(self.before * len(permutation) * self.after)
        return places.reshape(self.before, len(permutation), self.after)[:, permutation].ravel()


@dataclass(slots=True)
class _Orbit:
    size: int
    runs: int = 1
    """Blocks that stay together."""
    run_order: str = ""
    """Orbits with the same name here permute their blocks alike."""
    is_fixed: bool = False


@dataclass(slots=True)
class _Orbits:
    architecture: Architecture
    tensors: Mapping[str, np.ndarray]
    uses: list[_Use] = field(default_factory=list)
    _orbits: dict[str, _Orbit] = field(default_factory=dict)
    _joined: dict[str, str] = field(default_factory=dict)
    _flat: dict[str, tuple[int, int]] = field(default_factory=dict)
    _known: Mapping[str, Value] = field(default_factory=dict)
    _run_orders: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = values(self.architecture, lambda parameter: self.tensors[parameter.tensor].shape)
        given = self.architecture.input_name
        self._orbits[given] = _Orbit(size=self._known[given].features, is_fixed=True)
        for operation in self.architecture.operations:
            self._visit(operation, operation.inputs[0])
        self._orbits[self.find(self.architecture.operations[-1].name)].is_fixed = True

    def find(self, name: str) -> str:
        while name in self._joined:
            name = self._joined[name]
        return name

    def draw(self, name: str, rng: np.random.Generator) -> np.ndarray:
        orbit = self._orbits[name]
        if orbit.is_fixed:
            return np.arange(orbit.size)
        width = orbit.size // orbit.runs
        order = self._run_orders.setdefault(orbit.run_order or name, rng.permutation(orbit.runs))
        return np.concatenate([run * width + rng.permutation(width) for run in order])

    def _visit(self, operation: Operation, source: str) -> None:
        name, layer = operation.name, operation.layer
        match layer:
            case Linear():
                self._start(name, self._known[name].features)
                self._linear(layer, source, name)
            case Conv():
                self._start(name, self._known[name].features)
                self._orbits[name].is_fixed = layer.groups > 1
                self._orbits[self.find(source)].is_fixed |= layer.groups > 1
                self._axis(layer.weight, 0, name)
                self._axis(layer.bias, 0, name)
                if layer.groups == 1:
                    self._axis(layer.weight, 1, source, reads=True)
            case Attention():
                self._attention(operation, layer, source)
            case Add():
                self._hand_on(name, source)
                for other in operation.inputs[1:]:
                    self._join(source, other)
            case Flatten():
                value = self._known[source]
                self._hand_on(name, source)
                if value.positions > 1:
                    self._flat[name] = (1, value.positions) if value.layout == "map" else (value.positions, 1)
            case _:
                self._hand_on(name, source)
                for parameter in _by_feature(layer):
                    self._axis(parameter, self.tensors[parameter.tensor].ndim - 1, source)
                if isinstance(layer, GroupNorm):
                    self._divide(self.find(source), layer.groups)

    def _linear(self, layer: Linear, source: str, target: str) -> None:
        self._axis(layer.weight, 0, target)
        self._axis(layer.bias, 0, target)
        self._axis(layer.weight, 1, source, reads=True)

    def _attention(self, operation: Operation, layer: Attention, source: str) -> None:
        pairs, mixed, heads = (f"{operation.name}.{part}" for part in ("pairs", "mixed", "heads"))
        for orbit, part in ((pairs, layer.query), (mixed, layer.value)):
            size = self.tensors[part.weight.tensor].shape[0]
            self._orbits[orbit] = _Orbit(size=size, runs=layer.heads, run_order=heads)
        self._start(operation.name, self._known[operation.name].features)
        self._linear(layer.query, source, pairs)
        self._linear(layer.key, source, pairs)
        self._linear(layer.value, source, mixed)
        self._linear(layer.output, mixed, operation.name)

    def _axis(self, parameter: Parameter | None, axis: int, orbit: str, *, reads: bool = False) -> None:
        if parameter is not None:
            assert not parameter.views, "views are not permuted"
            before, after = self._flat.get(orbit, (1, 1))
            self.uses.append(
                _Use(tensor=parameter.tensor, axis=axis, orbit=orbit, reads=reads, before=before, after=after)
            )

    def _start(self, name: str, size: int) -> None:
        self._orbits[name] = _Orbit(size=size)

    def _hand_on(self, name: str, source: str) -> None:
        self._joined[name] = self.find(source)
        if source in self._flat:
            self._flat[name] = self._flat[source]

    def _join(self, one: str, other: str) -> None:
        one, other = self.find(one), self.find(other)
        if one != other:
            self._divide(one, self._orbits[other].runs)
            self._orbits[one].is_fixed |= self._orbits[other].is_fixed
            self._joined[other] = one

    def _divide(self, orbit: str, runs: int) -> None:
        mine = self._orbits[orbit]
        mine.is_fixed |= runs not in (1, mine.runs) and mine.runs > 1
        mine.runs = max(mine.runs, runs)


def _by_feature(layer: object) -> list[Parameter]:
    """The parameters of a layer that keeps its neurons: features are their last axis."""
    match layer:
        case BatchNorm():
            found = [layer.mean, layer.variance, layer.scale, layer.shift]
        case GroupNorm() | LayerNorm():
            found = [layer.scale, layer.shift]
        case ClassToken():
            found = [layer.token]
        case PositionTable():
            found = [layer.table]
        case _:
            found = []
    return [parameter for parameter in found if parameter is not None]


def moved(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]) -> float:
    """The share of elements that a permutation put elsewhere."""
    changed = sum(int((before[name] != after[name]).sum()) for name in before)
    return changed / sum(prod(tensor.shape) for tensor in before.values())
