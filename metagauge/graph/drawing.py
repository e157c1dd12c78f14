"""How each layer kind is drawn into a parameter graph (Lim et al. 2024, sec. 3 and app. B)."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from metagauge.architecture.layers import Activation, Attention, BatchNorm, Conv, GroupNorm, LayerNorm, Linear
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.resolve import resolve
from metagauge.architecture.values import Value
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import ArchitectureMismatchError
from metagauge.graph.draft import DIRECT, Cursor, Draft, constant
from metagauge.graph.parameter_graph import Block, NodeGroup, NormKind, Reading, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Draws layers of `checkpoint` into `draft`; methods take where the input lives and say where the output is."""

    draft: Draft
    checkpoint: Checkpoint

    def start(self, value: Value) -> Cursor:
        """The ordered input."""
        axes = value.shape[1:] if value.layout == "map" else value.shape[:-1]
        group = NodeGroup(
            name="input",
            kind="input",
            size=value.features,
            positions=value.positions,
            extent=tuple(size for size in axes if size != 1),
            ordered=True,
        )
        return Cursor(group=self.draft.put(group), is_open=False)

    def linear(self, name: str, layer: Linear, source: Cursor, output: Value) -> Cursor:
        """Neurons that read every source neuron, at every flattened position."""
        target = self.draft.neurons(name, output, source)
        self._connect(name, "linear", layer, source, target)
        return Cursor(group=target)

    def convolution(self, name: str, layer: Conv, source: Cursor, output: Value) -> Cursor:
        """Channels that read source channels at every kernel position."""
        target = self.draft.neurons(name, output, source)
        weight = resolve(layer.weight, self.checkpoint)
        self.draft.connect(
            Block(
                source=source.group,
                target=target,
                role="conv",
                weight=weight.reshape(*weight.shape[:2], prod(weight.shape[2:])),
                name=layer.weight.tensor,
                groups=layer.groups,
                kernel=weight.shape[2:],
                stride=layer.stride,
                dilation=layer.dilation,
                padding=layer.padding,
                reading=source.reading,
            )
        )
        self._bias(name, layer.bias, target)
        return Cursor(group=target)

    def batch_norm(self, name: str, layer: BatchNorm, source: Cursor, value: Value) -> Cursor:
        """Folds into the weights before it; where there are none, an affine map of the neurons."""
        scale = 1 / np.sqrt(self._numbers(layer.variance) + layer.epsilon)
        if layer.scale is not None:
            scale = scale * self._numbers(layer.scale)
        shift = -self._numbers(layer.mean) * scale
        if layer.shift is not None:
            shift = shift + self._numbers(layer.shift)
        if self.draft.can_fold(source):
            self.draft.fold(source.group, scale, shift)
            return source
        affine = (_in_order(scale, source), _in_order(shift, source))
        return self._normal(name, NodeNorm(kind="batch", groups=value.features), affine, source, value)

    def norm(self, name: str, layer: GroupNorm | LayerNorm, source: Cursor, value: Value) -> Cursor:
        """A norm whose statistics come from the input: a property of the neurons, with a scale and a shift node."""
        scale = constant(1, value.features, 1) if layer.scale is None else resolve(layer.scale, self.checkpoint)
        shift = constant(0, value.features, 1) if layer.shift is None else resolve(layer.shift, self.checkpoint)
        norm = NodeNorm(kind="layer", groups=1, epsilon=layer.epsilon)
        if isinstance(layer, GroupNorm):
            norm = NodeNorm(kind="group", groups=layer.groups, epsilon=layer.epsilon)
            if source.tokens_first and layer.groups > 1:
                raise ArchitectureMismatchError(f"{name!r} is a group norm of a flattened sequence, which has no graph")
        return self._normal(name, norm, (_in_order(scale, source), _in_order(shift, source)), source, value)

    def activation(self, name: str, layer: Activation, source: Cursor, value: Value) -> Cursor:
        """An elementwise function: a property of the neurons."""
        function, slope = layer.function, layer.slope
        if function == "leaky_relu" and slope in (0, 1):
            function, slope = "relu" if slope == 0 else "identity", 0.0
        if function == "identity":
            return source
        is_elementwise = function not in ("softmax", "log_softmax")
        cursor = self.draft.opened(name, source, value, norm=False, spread=not is_elementwise)
        self.draft.set_activation(cursor.group, function, slope)
        return cursor

    def add(self, name: str, sources: tuple[Cursor, ...], output: Value) -> Cursor:
        """Merges the linear maps it sums; everything else arrives through wiring of weight one."""
        if any(source.tokens_first for source in sources):
            raise ArchitectureMismatchError(f"{name!r} adds a flattened sequence to something, which has no graph")
        sources = tuple(sorted(sources, key=lambda source: source.group))  # a sum has no order
        mergeable = [source for source in sources if self.draft.can_merge(source)]
        others = [source for source in sources if not self.draft.can_merge(source)]
        depth = max(
            *(self.draft.group(source.group).depth for source in sources),
            *(self.draft.group(source.group).depth + 1 for source in others),
        )
        target = mergeable[0].group if mergeable else self.draft.neurons(name, output, *sources)
        for source in mergeable[1:]:
            self.draft.merge(source.group, target)
        for source in others:
            self.draft.wire(name, source, target)
        self.draft.set_extent(target, output.positions, depth)
        return Cursor(group=target)

    def attention(self, name: str, layer: Attention, source: Cursor, output: Value) -> Cursor:
        """Query, key and value neurons, one node for each head, and output neurons.

        Feature i of a query meets feature i of its key; features belong to their head. This wiring is what a
        permutation has to keep, so heads move as blocks.
        """
        query = self._projection(f"{name}.query", "query", layer.query, source, output, layer.heads)
        key = self._projection(f"{name}.key", "key", layer.key, source, output, layer.heads)
        value = self._projection(f"{name}.value", "value", layer.value, source, output, layer.heads)
        hidden = Value(layout="sequence", shape=(output.positions, layer.heads))
        heads = self.draft.neurons(f"{name}.heads", hidden, Cursor(group=query))
        self.draft.set_activation(heads, "softmax")
        self.draft.set_causal(heads, is_causal=layer.causal)
        size = self.draft.group(query).size
        self.draft.connect(Block(source=key, target=query, role="attend", weight=constant(1, size, 1), groups=size))
        for part in (query, key, value):
            members = constant(1, layer.heads, self.draft.group(part).size // layer.heads)
            self.draft.connect(Block(source=part, target=heads, role="head", weight=members, groups=layer.heads))
        mixed = Cursor(group=value)
        target = self.draft.neurons(name, output, mixed)
        self._connect(name, "attention_output", layer.output, mixed, target, layer.heads)
        return Cursor(group=target)

    def attention_parts(self, name: str) -> tuple[int, int, int]:
        """The groups of the queries, keys and values of the attention that was drawn last."""
        query, key, value = (self.draft.newest(f"{name}.{part}") for part in ("query", "key", "value"))
        return query, key, value

    def table(self, name: str, role: Role, parameter: Parameter, source: Cursor, output: Value) -> Cursor:
        """Learned tokens or positions, from one parameter node: (features, 1, tokens)."""
        cursor = self.draft.opened(name, source, output, norm=True, spread=True)
        array = resolve(parameter, self.checkpoint)
        columns = array.reshape(-1, array.shape[-1]).T[:, None, :]
        kernel = (columns.shape[2],)
        self._parameter(parameter.tensor, role, columns, cursor.group, kernel)
        self.draft.set_extent(cursor.group, output.positions, self.draft.group(cursor.group).depth)
        return cursor

    def flatten(self, source: Cursor, value: Value) -> Cursor:
        """Positions become features: the next linear layer reads the neurons at each position."""
        if value.positions == 1 or source.flattened:
            return source
        sizes = value.shape[1:] if value.layout == "map" else value.shape[:1]
        return replace(source, flattened=sizes, tokens_first=value.layout == "sequence")

    def read_through(self, name: str, source: Cursor, value: Value, reading: Reading) -> Cursor:
        """Pooling, selection or rastering: kept until a block reads the value."""
        if reading == DIRECT:
            return source
        if source.reading == DIRECT:
            return replace(source, reading=reading, is_open=False)
        if source.reading == Reading(raster=True):
            return replace(source, reading=replace(reading, raster=True), is_open=False)
        opened = self.draft.opened(name, source, value, norm=True, spread=True)
        return replace(opened, reading=reading, is_open=False)

    def finish(self, last: Cursor) -> Cursor:
        """Marks the output group, and says where it is; a value seen through a reading gets neurons of its own."""
        group = self.draft.group(last.group)
        if last.reading != DIRECT or (last.flattened and not last.spread) or group.kind != "hidden":
            value = Value(layout="vector", shape=(group.size,))
            last = self.draft.renewed("output", last, value, spread=True)
        self.draft.set_output(last.group)
        return last

    def _numbers(self, parameter: Parameter) -> np.ndarray:
        return np.asarray(resolve(parameter, self.checkpoint), dtype=np.float64)

    def _projection(self, name: str, role: Role, layer: Linear, source: Cursor, output: Value, heads: int) -> int:
        features = resolve(layer.weight, self.checkpoint).shape[0]
        value = Value(layout="sequence", shape=(output.positions, features))
        target = self.draft.neurons(name, value, source)
        self._connect(name, role, layer, source, target, heads)
        return target

    def _normal(
        self, name: str, norm: "NodeNorm", affine: tuple[np.ndarray, np.ndarray], source: Cursor, value: Value
    ) -> Cursor:
        cursor = self.draft.opened(name, source, value, norm=True, spread=True)
        self.draft.set_norm(cursor.group, norm.kind, norm.groups, norm.epsilon)
        self._parameter(f"{name}.scale", "norm_scale", affine[0], cursor.group)
        self._parameter(f"{name}.shift", "norm_shift", affine[1], cursor.group)
        if 1 < norm.groups < self.draft.group(cursor.group).size:
            self._members(f"{name}.groups", cursor.group, norm.groups)
        return cursor

    def _members(self, name: str, normal: int, count: int) -> None:
        """One node for each run of neurons that are normalised together."""
        group = self.draft.group(normal)
        runs = self.draft.put(
            NodeGroup(name=name, kind="hidden", size=count, depth=group.depth + 1, operation="standardise")
        )
        weight = constant(1, count, group.size // count)
        self.draft.connect(Block(source=normal, target=runs, role="member", weight=weight, groups=count))

    def _connect(self, name: str, role: Role, layer: Linear, source: Cursor, target: int, heads: int = 0) -> None:
        weight = resolve(layer.weight, self.checkpoint)
        outputs, positions = weight.shape[0], prod(source.flattened)
        if source.tokens_first:
            weight = weight.reshape(outputs, positions, -1).transpose(0, 2, 1)
        weight = weight.reshape(outputs, -1, 1 if source.spread else positions)
        self.draft.connect(
            Block(
                source=source.group,
                target=target,
                role=role,
                weight=weight,
                name=layer.weight.tensor,
                kernel=() if source.spread else source.flattened,
                heads=heads,
                reading=source.reading,
            )
        )
        self._bias(name, layer.bias, target)

    def _bias(self, name: str, bias: Parameter | None, target: int) -> None:
        if bias is None:
            zeros = constant(0, self.draft.group(target).size, 1)
            self._parameter(f"{name}.bias", "bias", zeros, target)
        else:
            self._parameter(bias.tensor, "bias", resolve(bias, self.checkpoint), target)

    def _parameter(self, name: str, role: Role, array: np.ndarray, target: int, kernel: tuple[int, ...] = ()) -> None:
        node = self.draft.put(NodeGroup(name=name, kind="parameter", size=1))
        weight = array.reshape(len(array), 1, -1)
        self.draft.connect(Block(source=node, target=target, role=role, weight=weight, name=name, kernel=kernel))


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNorm:
    """How a group of neurons is normalised. `epsilon` is 0 where no statistics are taken from the input."""

    kind: NormKind
    groups: int
    epsilon: float = 0.0


def _in_order(features: np.ndarray, source: Cursor) -> np.ndarray:
    """One number for each feature of a value, in the order of its neurons."""
    if not source.tokens_first:
        return features
    return features.reshape(prod(source.flattened), -1).T.ravel()
