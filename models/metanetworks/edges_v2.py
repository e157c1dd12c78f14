"""The graph metanetwork that `cifar10-accuracy-v2` was fitted with; it goes when that goes.

With node v, edge e and global u, each round computes

    e' = e + MLP_e(v_target, v_source, e, u)
    v' = v + MLP_v(v, mean_in MLP_m(v_source, v_target, e', u), mean_out MLP_m(...), u)
    u' = u + MLP_u(mean v', mean e', u)

MLP_m has one hidden layer for both directions and an output layer for each. What the block engine does differently
from an edge list, and why the numbers are the same:

- the first layer of an edge MLP is split, so that what depends on a node is computed once for each node;
- the second layer of MLP_m is linear, so edges are averaged before it;
- edges of a block are an array, so there is no edge index.

Edge arrays put features first, (features, networks, groups, outputs, inputs, positions), so that the long axes are
the contiguous ones. Means are taken inside one block, sums over the blocks that meet at a node.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from models import features
from models.graph_tensors import BlockTensors, GraphTensors, GroupTensors

TARGETS = 2
"""Logit of the test accuracy, and the generalization gap."""
_USED_INPUTS = 60
"""About as many of a neuron's or block's features are not always zero in a zoo."""
_TINY = 1e-8
_CLIP = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GmnConfig:
    """Sizes of a graph metanetwork."""

    node_width: int = 48
    edge_width: int = 8
    global_width: int = 32
    rounds: int = 2
    dropout: float = 0.1


class GraphMetanetwork(nn.Module):
    """Predicts properties of networks from their parameter graphs; the answer does not depend on the batch."""

    def __init__(self, config: GmnConfig) -> None:
        super().__init__()
        self.config = config
        node, edge, world = config.node_width, config.edge_width, config.global_width
        group_inputs = features.GROUP_FEATURES + features.ORDER_FEATURES + features.NODE_STATISTICS
        self.node_scale = Standardise(features.NODE_STATISTICS)
        self.block_scale = Standardise(features.BLOCK_STATISTICS)
        self.encode_node = _sparse_mlp(group_inputs, node, node)
        self.encode_block = _sparse_mlp(features.BLOCK_FEATURES + features.BLOCK_STATISTICS, node, node)
        self.encode_edge = nn.Linear(features.EDGE_FEATURES + features.POSITION_FEATURES, edge)
        self.encode_edge_block = nn.Linear(node, edge)
        self.encode_global = nn.Linear(node, world)
        self.rounds = nn.ModuleList(Round(config) for _ in range(config.rounds))
        self.read_group = _sparse_mlp(2 * node + features.GROUP_FEATURES, node, node)
        self.read_block = _mlp(edge + node, node, node)
        self.head = nn.Sequential(
            nn.LayerNorm(5 * node + world),
            nn.Linear(5 * node + world, 2 * node),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * node, TARGETS),
        )

    def forward(self, graphs: GraphTensors) -> Float[Tensor, "networks targets"]:
        """TARGETS numbers for each of the networks, which share their structure."""
        return self.head(self.embed(graphs))

    def embed(self, graphs: GraphTensors) -> Float[Tensor, "networks embedding"]:
        """What the head reads: 5 * node_width + global_width features."""
        state = self._encode(graphs)
        for each in self.rounds:
            state = each(graphs, state)
        return self._read_out(graphs, state)

    def _encode(self, graphs: GraphTensors) -> "State":
        nodes = [self.encode_node(self._node_inputs(group)) for group in graphs.groups]
        blocks = [self.encode_block(self._block_inputs(block)) for block in graphs.blocks]
        edges = [self._encode_edges(block, context) for block, context in zip(graphs.blocks, blocks, strict=True)]
        world = self.encode_global(torch.stack(blocks).mean(0))
        return State(nodes=nodes, edges=edges, blocks=blocks, world=world)

    def _node_inputs(self, group: GroupTensors) -> Tensor:
        networks, size = group.statistics.shape[:2]
        static = group.static.expand(networks, size, -1)
        order = group.order.expand(networks, -1, -1)
        return torch.cat([static, order, self.node_scale(group.statistics)], dim=-1)

    def _block_inputs(self, block: BlockTensors) -> Tensor:
        static = block.static.expand(len(block.statistics), -1)
        return torch.cat([static, self.block_scale(block.statistics)], dim=-1)

    def _encode_edges(self, block: BlockTensors, context: Tensor) -> Tensor:
        values = edge_features(block.weight, block.fan_in)
        weight = self.encode_edge.weight[:, : features.EDGE_FEATURES]
        place = block.positions @ self.encode_edge.weight[:, features.EDGE_FEATURES :].T + self.encode_edge.bias
        edges = _mix(weight, values).add_(place.T[:, None, None, None, None, :])
        return edges.add_(_first(self.encode_edge_block(context)))

    def _read_out(self, graphs: GraphTensors, state: "State") -> Tensor:
        groups = torch.stack(
            [
                self.read_group(torch.cat([nodes.mean(1), nodes.amax(1), _repeat(group.static, nodes)], dim=-1))
                for group, nodes in zip(graphs.groups, state.nodes, strict=True)
            ]
        )
        blocks = torch.stack(
            [
                self.read_block(torch.cat([_mean_edge(edges), context], dim=-1))
                for edges, context in zip(state.edges, state.blocks, strict=True)
            ]
        )
        output = groups[[group.is_output for group in graphs.groups].index(True)]
        parts = (groups.mean(0), groups.amax(0), blocks.mean(0), blocks.amax(0), output, state.world)
        return torch.cat(parts, dim=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a forward pass stands: features of nodes, edges, blocks and of the whole network."""

    nodes: list[Float[Tensor, "networks _size node_width"]]
    edges: list[Float[Tensor, "edge_width networks _groups _outputs _inputs _positions"]]
    blocks: list[Float[Tensor, "networks node_width"]]
    world: Float[Tensor, "networks global_width"]


class Round(nn.Module):
    """One synchronous update of all edges, then all nodes, then the global feature."""

    def __init__(self, config: GmnConfig) -> None:
        super().__init__()
        node, edge, world = config.node_width, config.edge_width, config.global_width
        context = node + world
        self.norm = nn.LayerNorm(node)
        self.edge_target, self.edge_source = nn.Linear(node, edge), nn.Linear(node, edge, bias=False)
        self.edge_context = nn.Linear(context, edge, bias=False)
        self.edge_own, self.edge_out = nn.Linear(edge, edge, bias=False), nn.Linear(edge, edge, bias=False)
        self.message_target, self.message_source = nn.Linear(node, edge), nn.Linear(node, edge, bias=False)
        self.message_context = nn.Linear(context, edge, bias=False)
        self.message_own = nn.Linear(edge, edge, bias=False)
        self.forward_out, self.backward_out = nn.Linear(edge, node), nn.Linear(edge, node)
        self.update_node = _mlp(2 * node + world, node, node)
        self.update_global = _mlp(node + edge + world, world, world)

    def forward(self, graphs: GraphTensors, state: State) -> State:
        """The next state."""
        normal = [self.norm(nodes) for nodes in state.nodes]
        received: list[Tensor] = [torch.zeros_like(nodes) for nodes in normal]
        edges = []
        for block, old, context in zip(graphs.blocks, state.edges, state.blocks, strict=True):
            source, target = normal[block.source], normal[block.target]
            around = torch.cat([context, state.world], dim=-1)
            new, to_target, to_source = self._block(block, old, source, target, around)
            edges.append(new)
            received[block.target] = received[block.target] + to_target
            received[block.source] = received[block.source] + to_source
        nodes = [
            old + self.update_node(torch.cat([own, heard, _spread(state.world, own)], dim=-1))
            for old, own, heard in zip(state.nodes, normal, received, strict=True)
        ]
        mean_node = torch.stack([each.mean(1) for each in nodes]).mean(0)
        mean_edge = torch.stack([_mean_edge(each) for each in edges]).mean(0)
        world = state.world + self.update_global(torch.cat([mean_node, mean_edge, state.world], dim=-1))
        return State(nodes=nodes, edges=edges, blocks=state.blocks, world=world)

    def _block(
        self,
        block: BlockTensors,
        edges: Float[Tensor, "edge_width networks groups outputs inputs positions"],
        source: Float[Tensor, "networks sources node_width"],
        target: Float[Tensor, "networks targets node_width"],
        around: Float[Tensor, "networks context"],
    ) -> tuple[
        Float[Tensor, "edge_width networks groups outputs inputs positions"],
        Float[Tensor, "networks targets node_width"],
        Float[Tensor, "networks sources node_width"],
    ]:
        """New edges, and what the block's targets and sources receive."""
        groups = block.weight.shape[1]
        ends = _at_targets(self.edge_target(target) + self.edge_context(around)[:, None], groups)
        ends = ends + _at_sources(self.edge_source(source), groups)
        hidden = _mix(self.edge_own.weight, edges).add_(ends).relu_()
        edges = torch.addmm(edges.flatten(1), self.edge_out.weight, hidden.flatten(1)).view(edges.shape)
        ends = _at_targets(self.message_target(target) + self.message_context(around)[:, None], groups)
        ends = ends + _at_sources(self.message_source(source), groups)
        messages = _mix(self.message_own.weight, edges).add_(ends).relu_()
        to_target = messages.mean((4, 5)).flatten(2).permute(1, 2, 0)
        to_source = messages.mean((3, 5)).flatten(2).permute(1, 2, 0)
        return edges, self.forward_out(to_target), self.backward_out(to_source)


class Standardise(nn.Module):
    """Subtracts a mean and divides by a spread that were measured on training networks."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def fit(self, rows: Float[Tensor, "rows width"]) -> None:
        """Measures on rows of statistics."""
        self.mean = rows.mean(0)
        self.spread = rows.std(0).clamp_min(1e-3)

    def forward(self, rows: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
        """Standardised rows, no further than ten spreads out."""
        return ((rows - self.mean) / self.spread).clamp(-_CLIP, _CLIP)


def edge_features(weight: Float[Tensor, "networks ..."], fan_in: int) -> Float[Tensor, "edge_features networks ..."]:
    """Elementwise functions of weights.

    The weight times the root of its fan-in, and the weight, its size and the log of its size relative to the block.
    """
    size = weight.flatten(1).square().mean(1).sqrt().clamp_min(_TINY).view(-1, *(1,) * (weight.dim() - 1))
    ratio = (weight / size).clamp(-_CLIP, _CLIP)
    scaled = (weight * fan_in**0.5).clamp(-_CLIP, _CLIP)
    return torch.stack([scaled, ratio, ratio.abs(), (ratio.abs() + 0.01).log()])


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))


def _sparse_mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """An MLP of inputs that are zero but for some, as those with one-hot vectors: it starts as if it had only those."""
    mlp = _mlp(inputs, hidden, outputs)
    for parameter in mlp[0].parameters():
        nn.init.uniform_(parameter, -(_USED_INPUTS**-0.5), _USED_INPUTS**-0.5)
    return mlp


def _mix(weight: Tensor, edges: Tensor) -> Tensor:
    """A linear map of the first axis; a fresh array, so that what follows may be added in place."""
    return (weight @ edges.flatten(1)).view(-1, *edges.shape[1:])


def _first(rows: Tensor) -> Tensor:
    """(networks, features) as (features, networks, 1, 1, 1, 1)."""
    return rows.T[:, :, None, None, None, None]


def _at_targets(rows: Tensor, groups: int) -> Tensor:
    """(networks, targets, features) as (features, networks, groups, outputs, 1, 1)."""
    return rows.permute(2, 0, 1).unflatten(2, (groups, -1))[..., None, None]


def _at_sources(rows: Tensor, groups: int) -> Tensor:
    """(networks, sources, features) as (features, networks, groups, 1, inputs, 1)."""
    return rows.permute(2, 0, 1).unflatten(2, (groups, -1))[:, :, :, None, :, None]


def _mean_edge(edges: Tensor) -> Tensor:
    return edges.flatten(2).mean(2).T


def _repeat(static: Tensor, nodes: Tensor) -> Tensor:
    return static.expand(len(nodes), -1)


def _spread(world: Tensor, nodes: Tensor) -> Tensor:
    return world[:, None].expand(-1, nodes.shape[1], -1)


def accuracy_and_gap(
    outputs: Float[Tensor, "networks targets"],
) -> tuple[Float[Tensor, " networks"], Float[Tensor, " networks"]]:
    """Test accuracy as a fraction, and the gap."""
    return torch.sigmoid(outputs[:, 0]), outputs[:, 1]


def loss(
    outputs: Float[Tensor, "networks targets"],
    accuracy: Float[Tensor, " networks"],
    gap: Float[Tensor, " networks"],
) -> Float[Tensor, ""]:
    """Binary cross-entropy on the accuracy (Lim et al. 2024, app. C), and a Huber loss on the gap."""
    right = functional.binary_cross_entropy_with_logits(outputs[:, 0], accuracy)
    return right + functional.smooth_l1_loss(outputs[:, 1], gap, beta=0.05)
