"""Parameter graphs as tensors, ready for a metanetwork; networks of one architecture are stacked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from metagauge.graph.parameter_graph import ParameterGraph
from models import features


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTensors:
    """One block of all networks; outputs and inputs are those of one group."""

    source: int
    target: int
    weight: Float[Tensor, "networks groups outputs inputs positions"]
    static: Float[Tensor, " block_features"]
    positions: Float[Tensor, "positions position_features"]
    statistics: Float[Tensor, "networks block_statistics"]

    @property
    def fan_in(self) -> int:
        """Edges of this block that end in one target node."""
        return self.weight.shape[3] * self.weight.shape[4]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTensors:
    """One node group of all networks."""

    static: Float[Tensor, " group_features"]
    order: Float[Tensor, "size order_features"]
    statistics: Float[Tensor, "networks size node_statistics"]
    is_output: bool
    activity: Float[Tensor, "networks size activity_features"] | None = None
    """What the neurons answer to probe images; None where the network was not executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphTensors:
    """Networks that share everything but their weights."""

    groups: tuple[GroupTensors, ...]
    blocks: tuple[BlockTensors, ...]
    responses: Float[Tensor, "networks response_features"] | None = None
    """What the network answers to probe images; None where it was not executed."""
    shape: Float[Tensor, "networks weight_shape"] | None = None
    """What `models.neighbourhood.weight_shape` says of the weights; None where nobody asked yet."""

    @property
    def networks(self) -> int:
        """How many networks are stacked."""
        return self.groups[0].statistics.shape[0]

    def select(self, chosen: Int[Tensor, " chosen"] | Bool[Tensor, " networks"]) -> "GraphTensors":
        """Some of the networks, by number or by mask."""
        return self._with(lambda tensor: tensor[chosen])

    def _with(self, change: Callable[[Tensor], Tensor]) -> "GraphTensors":
        """Everything that has an axis of networks, changed."""
        return GraphTensors(
            groups=tuple(
                replace(
                    group,
                    statistics=change(group.statistics),
                    activity=None if group.activity is None else change(group.activity),
                )
                for group in self.groups
            ),
            blocks=tuple(
                replace(block, weight=change(block.weight), statistics=change(block.statistics))
                for block in self.blocks
            ),
            responses=None if self.responses is None else change(self.responses),
            shape=None if self.shape is None else change(self.shape),
        )

    def double(self) -> "GraphTensors":
        """The same in float64, for exact comparisons."""
        changed = self._with(Tensor.double)
        return replace(
            changed,
            groups=tuple(
                replace(group, static=group.static.double(), order=group.order.double()) for group in changed.groups
            ),
            blocks=tuple(
                replace(block, static=block.static.double(), positions=block.positions.double())
                for block in changed.blocks
            ),
        )


def stack(graphs: Sequence[ParameterGraph]) -> GraphTensors:
    """Tensors of graphs with the same groups and the same blocks but for the weights.

    Raises:
        ValueError: the graphs differ in structure.
    """
    first = graphs[0]
    if any(not same_structure(first, graph) for graph in graphs[1:]):
        raise ValueError("graphs of different structure cannot be stacked")
    deepest = max(group.depth for group in first.groups)
    statistics = [features.node_statistics(graph) for graph in graphs]
    groups = tuple(
        GroupTensors(
            static=torch.from_numpy(features.group_features(group, deepest)),
            order=torch.from_numpy(features.order_features(group)),
            statistics=torch.from_numpy(np.stack([each[number] for each in statistics])),
            is_output=group.kind == "output",
        )
        for number, group in enumerate(first.groups)
    )
    return GraphTensors(
        groups=groups, blocks=tuple(_stack_block(graphs, number) for number in range(len(first.blocks)))
    )


def same_structure(one: ParameterGraph, other: ParameterGraph) -> bool:
    """Whether two graphs differ in their weights alone. Names of tensors and layers do not matter."""
    return len(one.blocks) == len(other.blocks) and _skeleton(one) == _skeleton(other)


def _skeleton(graph: ParameterGraph) -> tuple[object, ...]:
    groups = tuple(replace(group, name="") for group in graph.groups)
    blocks = tuple(
        (
            (block.source, block.target, block.role, block.weight.shape, block.groups, block.heads, block.reading),
            (block.kernel, block.stride, block.dilation, block.padding),
        )
        for block in graph.blocks
    )
    return groups, blocks


def _stack_block(graphs: Sequence[ParameterGraph], number: int) -> BlockTensors:
    blocks = [graph.blocks[number] for graph in graphs]
    first = blocks[0]
    outputs, inputs, positions = first.weight.shape
    weights = np.stack([np.asarray(block.weight, np.float32) for block in blocks])
    return BlockTensors(
        source=first.source,
        target=first.target,
        weight=torch.from_numpy(weights).view(len(blocks), first.groups, outputs // first.groups, inputs, positions),
        static=torch.from_numpy(features.block_features(first)),
        positions=torch.from_numpy(features.position_features(first)),
        statistics=torch.from_numpy(np.stack([features.block_statistics(block) for block in blocks])),
    )
