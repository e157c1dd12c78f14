"""A parameter graph while it is being built: groups and blocks that later layers may still amend."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from metagauge.architecture.layers import Activation, Attention, BatchNorm, Conv, Linear
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.resolve import resolve
from metagauge.architecture.values import Value
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.graph.parameter_graph import Block, NodeGroup, NormKind, Reading, Role

_DIRECT = Reading()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a value lives: which group's neurons, and how they are seen from here."""

    group: int
    reading: Reading = _DIRECT
    flattened: tuple[int, ...] = ()
    """Position sizes that a flatten has made part of the feature axis; empty if none."""
    tokens_first: bool = False
    """Whether that flatten counted tokens before features."""
    is_open: bool = True
    """Whether the group may still be amended: one reader only, and nothing between it and its neurons."""

    def shared(self) -> "Cursor":
        """The same value for one of several readers."""
        return replace(self, is_open=False)


class Draft:
    """Groups and blocks in the making. Merged groups leave a gap, which `groups` and `blocks` close."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._groups: dict[int, NodeGroup] = {}
        self._blocks: list[Block] = []

    def groups(self) -> tuple[NodeGroup, ...]:
        """The groups that are left, in order."""
        return tuple(self._groups.values())

    def blocks(self) -> tuple[Block, ...]:
        """The blocks, with groups numbered as `groups` returns them."""
        numbers = {old: new for new, old in enumerate(self._groups)}
        return tuple(
            replace(block, source=numbers[block.source], target=numbers[block.target]) for block in self._blocks
        )

    def input_group(self, value: Value) -> Cursor:
        """The ordered input."""
        group = NodeGroup(name="input", kind="input", size=value.features, positions=value.positions, ordered=True)
        return Cursor(group=self._put(group), is_open=False)

    def linear(self, name: str, layer: Linear, source: Cursor, output: Value) -> Cursor:
        """Neurons that read every source neuron, at every flattened position."""
        target = self._neurons(name, output, source)
        self._connect(name, "linear", layer, source, target)
        return Cursor(group=target)

    def convolution(self, name: str, layer: Conv, source: Cursor, output: Value) -> Cursor:
        """Channels that read source channels at every kernel position."""
        target = self._neurons(name, output, source)
        weight = resolve(layer.weight, self._checkpoint)
        self._blocks.append(
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
        mean, variance = (self._numbers(each) for each in (layer.mean, layer.variance))
        scale = 1 / np.sqrt(variance + layer.epsilon)
        if layer.scale is not None:
            scale = scale * self._numbers(layer.scale)
        shift = -mean * scale
        if layer.shift is not None:
            shift = shift + self._numbers(layer.shift)
        if self._can_amend(source) and not self._has_wiring(source.group):
            self._fold(source.group, scale, shift)
            return source
        cursor = self._open(name, source, value, norm=True)
        self._amend(cursor.group, norm="batch", norm_groups=value.features)
        self._parameter(f"{name}.scale", "norm_scale", scale, cursor.group)
        self._parameter(f"{name}.shift", "norm_shift", shift, cursor.group)
        return cursor

    def normalise(
        self,
        name: str,
        kind: NormKind,
        groups: int,
        affine: tuple[Parameter | None, Parameter | None],
        source: Cursor,
        value: Value,
    ) -> Cursor:
        """A norm whose statistics come from the input: a property of the neurons, with a scale and a shift node."""
        cursor = self._open(name, source, value, norm=True)
        self._amend(cursor.group, norm=kind, norm_groups=groups)
        scale, shift = affine
        ones, zeros = np.ones(value.features, np.float32), np.zeros(value.features, np.float32)
        scales = ones if scale is None else resolve(scale, self._checkpoint)
        shifts = zeros if shift is None else resolve(shift, self._checkpoint)
        self._parameter(f"{name}.scale", "norm_scale", scales, cursor.group)
        self._parameter(f"{name}.shift", "norm_shift", shifts, cursor.group)
        return cursor

    def activate(self, name: str, layer: Activation, source: Cursor, value: Value) -> Cursor:
        """An elementwise function: a property of the neurons."""
        if layer.function == "identity":
            return source
        cursor = self._open(name, source, value, norm=False)
        self._amend(cursor.group, activation=layer.function, slope=layer.slope)
        return cursor

    def add(self, name: str, sources: tuple[Cursor, ...], output: Value) -> Cursor:
        """Merges the linear maps it sums; everything else arrives through wiring of weight one."""
        mergeable = [number for number, source in enumerate(sources) if self._can_amend(source)]
        depth = max(self._groups[source.group].depth + (not self._can_amend(source)) for source in sources)
        if mergeable:
            target = sources[mergeable[0]].group
            for number in mergeable[1:]:
                self._merge(sources[number].group, target)
        else:
            target = self._neurons(name, output, *sources)
        for number, source in enumerate(sources):
            if number not in mergeable:
                self._wire(name, source, target)
        self._amend(target, positions=output.positions, depth=depth)
        return Cursor(group=target)

    def attention(self, name: str, layer: Attention, source: Cursor, output: Value) -> Cursor:
        """Query, key and value neurons, one node for each head, and output neurons.

        Feature i of a query meets feature i of its key; features belong to their head. This wiring is what a
        permutation has to keep, so heads move as blocks.
        """
        parts: dict[str, int] = {}
        roles: tuple[tuple[Role, Linear], ...] = (
            ("query", layer.query),
            ("key", layer.key),
            ("value", layer.value),
        )
        for role, part in roles:
            features = resolve(part.weight, self._checkpoint).shape[0]
            hidden = Value(layout="sequence", shape=(output.positions, features))
            parts[role] = self._neurons(f"{name}.{role}", hidden, source)
            self._connect(f"{name}.{role}", role, part, source, parts[role], layer.heads)
        heads = self._neurons(f"{name}.heads", Value(layout="vector", shape=(layer.heads,)), source)
        self._amend(heads, activation="softmax", positions=output.positions, is_causal=layer.causal)
        query_size = self._groups[parts["query"]].size
        pairs = np.ones((query_size, 1, 1), np.float32)
        self._blocks.append(
            Block(source=parts["key"], target=parts["query"], role="attend", weight=pairs, groups=query_size)
        )
        for part in parts.values():
            members = np.ones((layer.heads, self._groups[part].size // layer.heads, 1), np.float32)
            self._blocks.append(Block(source=part, target=heads, role="head", weight=members, groups=layer.heads))
        mixed = Cursor(group=parts["value"])
        target = self._neurons(name, output, mixed)
        self._connect(name, "attention_output", layer.output, mixed, target, layer.heads)
        return Cursor(group=target)

    def table(self, name: str, role: Role, parameter: Parameter, source: Cursor, output: Value) -> Cursor:
        """Learned tokens or positions, from one parameter node: (features, 1, tokens)."""
        cursor = self._open(name, source, output, norm=True)
        array = resolve(parameter, self._checkpoint)
        rows = array.reshape(-1, array.shape[-1]).T[:, None, :]
        node = self._put(NodeGroup(name=parameter.tensor, kind="parameter", size=1))
        self._blocks.append(
            Block(
                source=node,
                target=cursor.group,
                role=role,
                weight=rows,
                name=parameter.tensor,
                kernel=(rows.shape[2],),
            )
        )
        self._amend(cursor.group, positions=output.positions)
        return cursor

    def flatten(self, name: str, source: Cursor, value: Value) -> Cursor:
        """Positions become features: the next linear layer reads the neurons at each position."""
        if value.positions == 1:
            return source
        if source.flattened:
            return source
        sizes = value.shape[1:] if value.layout == "map" else value.shape[:1]
        return replace(source, flattened=sizes, tokens_first=value.layout == "sequence", is_open=False)

    def read_through(self, name: str, source: Cursor, value: Value, reading: Reading) -> Cursor:
        """Pooling, selection or rastering: kept until a block reads the value."""
        if reading == _DIRECT:
            return source
        if source.reading == _DIRECT:
            return replace(source, reading=reading, is_open=False)
        if source.reading.raster and not source.reading.reduction:
            return replace(source, reading=replace(reading, raster=True), is_open=False)
        return replace(self._open(name, source, value, norm=True), reading=reading, is_open=False)

    def finish(self, last: Cursor) -> None:
        """Marks the output group; a value seen through a reading gets neurons of its own."""
        group = self._groups[last.group]
        if last.reading != _DIRECT or last.flattened or group.kind != "hidden":
            size = group.size * prod(last.flattened)
            value = Value(layout="vector", shape=(size,))
            target = self._neurons("output", value, last)
            self._wire("output", last, target)
            last = Cursor(group=target)
        self._amend(last.group, kind="output", ordered=True)

    def _numbers(self, parameter: Parameter) -> np.ndarray:
        return np.asarray(resolve(parameter, self._checkpoint), dtype=np.float64)

    def _put(self, group: NodeGroup) -> int:
        number = max(self._groups, default=-1) + 1
        self._groups[number] = group
        return number

    def _amend(self, number: int, **changes: object) -> None:
        self._groups[number] = replace(self._groups[number], **changes)

    def _neurons(self, name: str, value: Value, *sources: Cursor) -> int:
        depth = 1 + max(self._groups[source.group].depth for source in sources)
        size = value.features
        return self._put(NodeGroup(name=name, kind="hidden", size=size, positions=value.positions, depth=depth))

    def _connect(self, name: str, role: Role, layer: Linear, source: Cursor, target: int, heads: int = 0) -> None:
        weight = resolve(layer.weight, self._checkpoint)
        outputs = weight.shape[0]
        positions = prod(source.flattened)
        if source.tokens_first:
            weight = weight.reshape(outputs, positions, -1).transpose(0, 2, 1)
        else:
            weight = weight.reshape(outputs, -1, positions)
        self._blocks.append(
            Block(
                source=source.group,
                target=target,
                role=role,
                weight=weight,
                name=layer.weight.tensor,
                kernel=source.flattened,
                heads=heads,
                reading=source.reading,
            )
        )
        self._bias(name, layer.bias, target)

    def _bias(self, name: str, bias: Parameter | None, target: int) -> None:
        size = self._groups[target].size
        array = np.zeros(size, np.float32) if bias is None else resolve(bias, self._checkpoint)
        self._parameter(bias.tensor if bias is not None else f"{name}.bias", "bias", array, target)

    def _parameter(self, name: str, role: Role, array: np.ndarray, target: int) -> None:
        node = self._put(NodeGroup(name=name, kind="parameter", size=1))
        self._blocks.append(Block(source=node, target=target, role=role, weight=array.reshape(-1, 1, 1), name=name))

    def _can_amend(self, source: Cursor) -> bool:
        group = self._groups[source.group]
        is_bare = not source.flattened and group.norm == "none" and group.activation == "identity"
        return source.is_open and is_bare and group.kind == "hidden" and source.reading == _DIRECT

    def _open(self, name: str, source: Cursor, value: Value, *, norm: bool) -> Cursor:
        """A cursor whose group may take a norm, or an activation: the source's own, or new neurons wired to it."""
        group = self._groups[source.group]
        is_ready = source.is_open and group.kind == "hidden" and group.activation == "identity"
        if is_ready and (group.norm == "none" or not norm):
            return source
        target = self._neurons(name, value, source)
        self._wire(name, source, target)
        return Cursor(group=target)

    def _wire(self, name: str, source: Cursor, target: int) -> None:
        sources, targets = self._groups[source.group].size, self._groups[target].size
        ones = np.ones((targets, 1, 1), np.float32)
        self._blocks.append(
            Block(
                source=source.group,
                target=target,
                role="residual",
                weight=ones,
                name=name,
                groups=sources,
                reading=source.reading,
            )
        )

    def _has_wiring(self, group: int) -> bool:
        return any(block.is_wiring for block in self._blocks if block.target == group)

    def _fold(self, group: int, scale: np.ndarray, shift: np.ndarray) -> None:
        for number, block in enumerate(self._blocks):
            if block.target == group:
                rows = np.asarray(block.weight, np.float32) * scale[:, None, None]
                if block.role == "bias":
                    rows = rows + shift[:, None, None]
                self._blocks[number] = replace(block, weight=rows.astype(np.float32))

    def _merge(self, group: int, target: int) -> None:
        """Moves the blocks of one group to another; the two biases become their sum."""
        biases = [block for block in self._blocks if block.target in (group, target) and block.role == "bias"]
        total = sum((np.asarray(block.weight, np.float32) for block in biases), start=np.float32(0))
        moved = []
        for block in self._blocks:
            if block.role == "bias" and block.target == group:
                del self._groups[block.source]
                continue
            if block.role == "bias" and block.target == target:
                block = replace(block, weight=np.asarray(total))
            moved.append(replace(block, target=target) if block.target == group else block)
        self._blocks = moved
        del self._groups[group]
