"""One round of the graph metanetwork: all edges, then all nodes, then the global feature."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.metanetworks.edge_sums import EdgeLayer, EdgeSums


@dataclass(frozen=True, slots=True, kw_only=True)
class GmnConfig:
    """Sizes of a graph metanetwork."""

    messages: Literal["edges"] = "edges"
    node_width: int = 48
    edge_width: int = 16
    """Of an edge's features, and of the hidden layer of its MLP."""
    global_width: int = 32
    rounds: int = 2
    dropout: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFrame:
    """A block without its weights, of stacked networks; see `models.graph_tensors.BlockTensors`."""

    source: int
    target: int
    static: Float[Tensor, " block_features"]
    positions: Float[Tensor, "positions position_features"]
    statistics: Float[Tensor, "networks block_statistics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockState:
    """What is kept of a block: of its edges' features e, only means."""

    context: Float[Tensor, "networks node_width"]
    first: Float[Tensor, "edge_width edge_features"]
    """An edge's first features are `first @ phi(w) + first_place + first_block`."""
    first_place: Float[Tensor, "positions edge_width"]
    first_block: Float[Tensor, "networks edge_width"]
    at_targets: Float[Tensor, "networks targets edge_width"]
    """Means of e over the edges that end in a target."""
    at_sources: Float[Tensor, "networks sources edge_width"]

    @property
    def mean(self) -> Float[Tensor, "networks edge_width"]:
        """The mean of e over all edges."""
        return self.at_targets.mean(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a forward pass stands."""

    nodes: tuple[Float[Tensor, "networks _size node_width"], ...]
    blocks: tuple[BlockState, ...]
    world: Float[Tensor, "networks global_width"]


class Round(nn.Module):
    """A synchronous update; `models.metanetworks.edges` says of what."""

    def __init__(self, config: GmnConfig) -> None:
        super().__init__()
        node, edge, world = config.node_width, config.edge_width, config.global_width
        self.norm = nn.LayerNorm(node)
        self.edge_target, self.edge_source = nn.Linear(node, edge), nn.Linear(node, edge, bias=False)
        self.edge_context = nn.Linear(node + world, edge, bias=False)
        self.edge_own, self.edge_out = nn.Linear(edge, edge, bias=False), nn.Linear(edge, edge)
        self.forward_out, self.backward_out = nn.Linear(edge, node), nn.Linear(edge, node)
        self.update_node = mlp(2 * node + world, node, node)
        self.update_global = mlp(node + edge + world, world, world)

    def forward(self, blocks: Sequence[BlockFrame], sums: EdgeSums, state: State) -> State:
        """The next state."""
        normal = [self.norm(nodes) for nodes in state.nodes]
        heard: list[Tensor] = [torch.zeros_like(nodes) for nodes in normal]
        states = []
        for number, (ends, old) in enumerate(zip(blocks, state.blocks, strict=True)):
            layer = self._layer(old, normal[ends.target], normal[ends.source], state.world)
            means = sums.hidden(number, layer)
            new = BlockState(
                context=old.context,
                first=old.first,
                first_place=old.first_place,
                first_block=old.first_block,
                at_targets=old.at_targets + self.edge_out(means.at_targets),
                at_sources=old.at_sources + self.edge_out(means.at_sources),
            )
            heard[ends.target] = heard[ends.target] + self.forward_out(new.at_targets)
            heard[ends.source] = heard[ends.source] + self.backward_out(new.at_sources)
            states.append(new)
        nodes = tuple(
            old + self.update_node(torch.cat([own, received, _spread(state.world, own)], dim=-1))
            for old, own, received in zip(state.nodes, normal, heard, strict=True)
        )
        mean_node = torch.stack([each.mean(1) for each in nodes]).mean(0)
        mean_edge = torch.stack([each.mean for each in states]).mean(0)
        world = state.world + self.update_global(torch.cat([mean_node, mean_edge, state.world], dim=-1))
        return State(nodes=nodes, blocks=tuple(states), world=world)

    def _layer(
        self,
        block: BlockState,
        target: Float[Tensor, "networks targets node_width"],
        source: Float[Tensor, "networks sources node_width"],
        world: Float[Tensor, "networks global_width"],
    ) -> EdgeLayer:
        around = self.edge_context(torch.cat([block.context, world], dim=-1)) + self.edge_own(block.first_block)
        return EdgeLayer(
            own=self.edge_own.weight @ block.first,
            at_target=self.edge_target(target) + around[:, None],
            at_source=self.edge_source(source),
            at_place=self.edge_own(block.first_place),
        )


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """One hidden layer."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))


def _spread(world: Tensor, nodes: Tensor) -> Tensor:
    return world[:, None].expand(-1, nodes.shape[1], -1)
