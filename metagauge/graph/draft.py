"""A parameter graph while it is being built: groups and blocks that later layers may still amend."""

from dataclasses import dataclass, replace
from itertools import count
from math import prod

import numpy as np

from metagauge.architecture.layers import ActivationFunction
from metagauge.architecture.values import Value
from metagauge.errors import LimitExceededError
from metagauge.graph.parameter_graph import Block, NodeGroup, NormKind, Reading, Role

MAX_FOLDED = 2**30
"""Weights that folding may copy for one graph. Each weight is folded once, unless norms follow norms."""
DIRECT = Reading()
"""Nothing happens to a value on its way into a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a value lives: which group's neurons, and how they are seen from here."""

    group: int
    reading: Reading = DIRECT
    flattened: tuple[int, ...] = ()
    """Position sizes that a flatten has made part of the feature axis; empty if none."""
    tokens_first: bool = False
    """Whether that flatten counted tokens before features."""
    spread: bool = False
    """Whether each flattened feature has a neuron of its own, in the order of `NodeGroup.places`."""
    is_open: bool = True
    """Whether the group may still be amended: one reader only, and nothing between it and its neurons."""

    def shared(self) -> "Cursor":
        """The same value for one of several readers."""
        return replace(self, is_open=False)


class Draft:
    """Groups and blocks in the making. Merged groups leave a gap, which `groups` and `blocks` close."""

    def __init__(self) -> None:
        self._groups: dict[int, NodeGroup] = {}
        self._incoming: dict[int, list[Block]] = {}
        self._numbers = count()
        self._folded = 0

    def groups(self) -> tuple[NodeGroup, ...]:
        """The groups that are left, in order."""
        return tuple(self._groups.values())

    def blocks(self) -> tuple[Block, ...]:
        """The blocks, with groups numbered as `groups` returns them."""
        numbers = self.numbers()
        return tuple(
            replace(block, source=numbers[block.source], target=numbers[block.target])
            for target in self._groups
            for block in self._incoming[target]
        )

    def numbers(self) -> dict[int, int]:
        """For each group that is left, its place in `groups`."""
        return {old: new for new, old in enumerate(self._groups)}

    def newest(self, name: str) -> int:
        """The group of hidden neurons of this name that was added last."""
        groups = reversed(self._groups.items())
        return next(number for number, group in groups if group.name == name and group.kind == "hidden")

    def group(self, number: int) -> NodeGroup:
        """A group as it is now."""
        return self._groups[number]

    def put(self, group: NodeGroup) -> int:
        """Adds a group; returns its number."""
        number = next(self._numbers)
        self._groups[number] = group
        self._incoming[number] = []
        return number

    def neurons(self, name: str, value: Value, *sources: Cursor) -> int:
        """Adds hidden neurons for a value that is computed from `sources`."""
        depth = 1 + max(self._groups[source.group].depth for source in sources)
        return self.put(
            NodeGroup(name=name, kind="hidden", size=value.features, positions=value.positions, depth=depth)
        )

    def connect(self, block: Block) -> None:
        """Adds a block."""
        self._incoming[block.target].append(block)

    def wire(self, name: str, source: Cursor, target: int) -> None:
        """Each neuron of `source` feeds its own neurons of `target`, with weight one (Lim et al. 2024, residuals)."""
        size = self._groups[source.group].size
        self.connect(
            Block(
                source=source.group,
                target=target,
                role="residual",
                weight=constant(1, self._groups[target].size, 1),
                name=name,
                groups=size,
                reading=source.reading,
            )
        )

    def find(self, target: int, role: Role) -> Block | None:
        """The first block of this role into a group."""
        return next((block for block in self._incoming[target] if block.role == role), None)

    def roles(self, target: int) -> set[Role]:
        """The roles of the blocks into a group."""
        return {block.role for block in self._incoming[target]}

    def change(self, old: Block, new: Block) -> None:
        """Puts a block in the place of another one with the same target."""
        found = self._incoming[old.target]
        found[next(number for number, block in enumerate(found) if block is old)] = new

    def amend(self, number: int, group: NodeGroup) -> None:
        """Puts another description in the place of a group's."""
        self._groups[number] = group

    def set_norm(self, number: int, norm: NormKind, norm_groups: int, epsilon: float) -> None:
        """Normalises a group's neurons."""
        self._groups[number] = replace(self._groups[number], norm=norm, norm_groups=norm_groups, epsilon=epsilon)

    def set_activation(self, number: int, function: ActivationFunction, slope: float = 0.0) -> None:
        """Applies a function to a group's neurons."""
        self._groups[number] = replace(self._groups[number], activation=function, slope=slope)

    def set_extent(self, number: int, positions: int, depth: int) -> None:
        """Corrects at how many positions, and how deep, a group's neurons are."""
        self._groups[number] = replace(self._groups[number], positions=positions, depth=depth)

    def set_causal(self, number: int, *, is_causal: bool) -> None:
        """Says whether heads look at earlier tokens only."""
        self._groups[number] = replace(self._groups[number], is_causal=is_causal)

    def set_output(self, number: int) -> None:
        """Makes a group the ordered output."""
        self._groups[number] = replace(self._groups[number], kind="output", ordered=True)

    def can_merge(self, source: Cursor) -> bool:
        """Whether a value is a sum of blocks and nothing else yet, so that more may be added to it."""
        group = self._groups[source.group]
        is_bare = not source.flattened and group.norm == "none" and group.activation == "identity"
        return source.is_open and is_bare and group.kind == "hidden"

    def can_fold(self, source: Cursor) -> bool:
        """Whether an affine map of a value can go into the weights that make it.

        Wiring has no weights to scale, and a learned token has no bias to shift.
        """
        is_everywhere = not any(block.is_wiring or block.role == "token" for block in self._incoming[source.group])
        return self.can_merge(source) and is_everywhere

    def opened(self, name: str, source: Cursor, value: Value, *, norm: bool, spread: bool) -> Cursor:
        """A cursor whose group may take a norm, or an activation: the source's own, or new neurons wired to it.

        With `spread`, each flattened feature has a neuron of its own; an elementwise function needs none.
        """
        group = self._groups[source.group]
        is_ready = source.is_open and group.kind == "hidden" and group.activation == "identity"
        is_apart = source.spread or not (spread and source.flattened)
        if is_ready and is_apart and (group.norm == "none" or not norm):
            return source
        return self.renewed(name, source, value, spread=spread)

    def renewed(self, name: str, source: Cursor, value: Value, *, spread: bool) -> Cursor:
        """New neurons with the values of `source`, wired to it."""
        if source.flattened and not source.spread:
            size, positions = self._groups[source.group].size, prod(source.flattened)
            shape = (size * positions,) if spread else (size, positions)
            value = Value(layout="vector" if spread else "map", shape=shape)
        target = self.neurons(name, value, source)
        if spread or source.spread:
            self._groups[target] = replace(self._groups[target], places=source.flattened)
        self.wire(name, source, target)
        return replace(source, group=target, reading=DIRECT, is_open=True, spread=spread or source.spread)

    def fold(self, group: int, scale: np.ndarray, shift: np.ndarray) -> None:
        """Puts `scale * neuron + shift` into a group's weights; scale and shift are (neurons,).

        Raises:
            LimitExceededError: more than MAX_FOLDED weights were copied for this graph.
        """
        self._folded += sum(block.weight.size for block in self._incoming[group])
        if self._folded > MAX_FOLDED:
            raise LimitExceededError(f"folding batch norms would copy more than {MAX_FOLDED} weights")
        for number, block in enumerate(self._incoming[group]):
            rows = np.asarray(block.weight, np.float32) * scale[:, None, None]
            if block.role == "bias":
                rows = rows + shift[:, None, None]
            self._incoming[group][number] = replace(block, weight=rows.astype(np.float32))

    def merge(self, group: int, target: int) -> None:
        """Moves the blocks of one group to another; the two biases become their sum."""
        own, moved = self._incoming[target], self._incoming.pop(group)
        biases = [block for block in (*own, *moved) if block.role == "bias"]
        total = np.sum([np.asarray(block.weight, np.float32) for block in biases], axis=0, dtype=np.float32)
        for block in moved:
            if block.role == "bias":
                del self._groups[block.source]
                del self._incoming[block.source]
        self._incoming[target] = [
            *(replace(block, weight=total) if block.role == "bias" else block for block in own),
            *(replace(block, target=target) for block in moved if block.role != "bias"),
        ]
        del self._groups[group]


def constant(value: float, rows: int, columns: int) -> np.ndarray:
    """A block of one number, (rows, columns, 1), that takes no memory however large a shape is claimed."""
    return np.broadcast_to(np.float32(value), (rows, columns, 1))
