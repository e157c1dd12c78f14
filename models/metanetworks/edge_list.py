"""The graph metanetwork on an explicit edge list, in PyTorch Geometric: what the block engine has to agree with.

It computes with the weights of a `GraphMetanetwork`, and is written as the paper has it (Lim et al. 2024, sec. 3): an
MLP of the concatenated features of an edge's ends, its own and the network's updates the edge, and every edge sends its
own message. It costs what that costs; it serves tests, benchmarks and readers.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

from models import features
from models.metanetworks.edge_round import Round
from models.metanetworks.edges import GraphMetanetwork
from models.metanetworks.standardise import Standardise
from models.pyg import ParameterData

_OUTPUT = features.KINDS.index("output")
"""The group feature that says output: kinds come first."""


class EdgeListMetanetwork(nn.Module):
    """Shares the parameters of `metanetwork`, and is in evaluation mode if that is; reads one graph at a time."""

    def __init__(self, metanetwork: GraphMetanetwork) -> None:
        super().__init__()
        self.metanetwork = metanetwork
        self.rounds = [EdgeListRound(each) for each in metanetwork.rounds if isinstance(each, Round)]

    def forward(self, data: ParameterData) -> Tensor:
        """(1, TARGETS), which is what `GraphMetanetwork` gives for this one network."""
        shared = self.metanetwork
        nodes = shared.encode_node(_standardised(data.x, shared.node_scale))
        blocks = shared.encode_block(_standardised(data.block_attr, shared.block_scale))
        first = shared.encode_edge(_edge_inputs(data)) + shared.encode_edge_block(blocks)[data.edge_block]
        world = shared.encode_global(blocks.mean(0))
        edges = first
        for each in self.rounds:
            nodes, edges, world = each(data, State(nodes=nodes, first=first, edges=edges, blocks=blocks, world=world))
        return shared.head(self._read_out(data, nodes, edges, blocks, world)[None])

    def _read_out(self, data: ParameterData, nodes: Tensor, edges: Tensor, blocks: Tensor, world: Tensor) -> Tensor:
        mean = scatter(nodes, data.node_group, reduce="mean")
        most = scatter(nodes, data.node_group, reduce="max")
        groups = self.metanetwork.read_group(torch.cat([mean, most, data.group_attr], dim=1))
        mean_edge = scatter(edges, data.edge_block, reduce="mean")
        blocks = self.metanetwork.read_block(torch.cat([mean_edge, blocks], dim=1))
        output = groups[data.group_attr[:, _OUTPUT] == 1][0]
        return torch.cat([groups.mean(0), groups.amax(0), blocks.mean(0), blocks.amax(0), output, world])


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a forward pass stands."""

    nodes: Float[Tensor, "nodes node_width"]
    first: Float[Tensor, "edges edge_width"]
    """What edges were encoded as."""
    edges: Float[Tensor, "edges edge_width"]
    blocks: Float[Tensor, "blocks node_width"]
    world: Float[Tensor, " global_width"]


class EdgeListRound(MessagePassing):
    r"""One synchronous update of all edges, all nodes and the global feature, with the weights of a `Round`.

    .. math::
        e'_{ji} &= e_{ji} + \mathrm{MLP}_e(v_i, v_j, e^0_{ji}, u_{ji}) \\
        v'_i &= v_i + \mathrm{MLP}_v(v_i, \sum_b \mathrm{mean}_{j \in b} F e'_{ji}, u)

    with edges of block b from node j to node i, both ways, u_{ji} the features of the edge's block and the network's.
    """

    def __init__(self, weights: Round) -> None:
        super().__init__(aggr="sum")
        self.weights = weights
        self.to_targets = Delivery(weights.forward_out, "source_to_target")
        self.to_sources = Delivery(weights.backward_out, "target_to_source")

    def forward(self, data: ParameterData, state: State) -> tuple[Tensor, Tensor, Tensor]:
        """The next nodes (nodes, node width), edges (edges, edge width) and global feature (global width,)."""
        weights, nodes, world = self.weights, state.nodes, state.world
        normal = weights.norm(nodes)
        around = torch.cat([state.blocks, world.expand(len(state.blocks), -1)], dim=1)[data.edge_block]
        edges = state.edges + self.edge_updater(data.edge_index, x=normal, first=state.first, around=around)
        heard = self.to_targets(data, edges) + self.to_sources(data, edges)
        own = torch.cat([normal, heard, world.expand(len(nodes), -1)], dim=1)
        nodes = nodes + weights.update_node(own)
        mean_node = scatter(nodes, data.node_group, reduce="mean").mean(0)
        mean_edge = scatter(edges, data.edge_block, reduce="mean").mean(0)
        world = world + weights.update_global(torch.cat([mean_node, mean_edge, world]))
        return nodes, edges, world

    def edge_update(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, x_i: Tensor, x_j: Tensor, first: Tensor, around: Tensor
    ) -> Tensor:
        """The edge MLP: (edges, edge width); i is the target, j the source."""
        weights = self.weights
        parts = (weights.edge_target, weights.edge_source, weights.edge_own, weights.edge_context)
        return weights.edge_out(_joint(parts, x_i, x_j, first, around).relu())


class Delivery(MessagePassing):
    """Messages in one direction: means inside a block, sums over the blocks of a node."""

    def __init__(self, output: nn.Linear, flow: str) -> None:
        super().__init__(aggr="sum", flow=flow)
        self.output = output
        self._receiver = 1 if flow == "source_to_target" else 0

    def forward(self, data: ParameterData, edges: Tensor) -> Tensor:
        """What each node hears: (nodes, node width)."""
        share = 1 / block_degrees(data, data.edge_index[self._receiver]).to(edges.dtype)
        return self.propagate(data.edge_index, edges=edges, share=share, size=(len(data.x), len(data.x)))

    def message(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, edges: Tensor, share: Tensor
    ) -> Tensor:
        """One message for each edge: (edges, node width)."""
        return self.output(edges) * share[:, None]


def _joint(parts: tuple[nn.Linear, ...], *inputs: Tensor) -> Tensor:
    """The one linear map of concatenated inputs that `parts` are the columns of; the first part has the bias."""
    return functional.linear(torch.cat(inputs, dim=1), torch.cat([part.weight for part in parts], dim=1), parts[0].bias)


def block_degrees(data: ParameterData, ends: Tensor) -> Tensor:
    """For each edge, how many edges of its block meet the same node: (edges,). ends: that node, (edges,)."""
    pairs = data.edge_block * len(data.x) + ends
    _, number, counts = pairs.unique(return_inverse=True, return_counts=True)
    return counts[number]


def _standardised(rows: Tensor, scale: Standardise) -> Tensor:
    """Static features as they are, then the statistics, which come last, standardised."""
    static = rows.shape[1] - len(scale.mean)
    return torch.cat([rows[:, :static], scale(rows[:, static:])], dim=1)


def _edge_inputs(data: ParameterData) -> Tensor:
    """(edges, EDGE_FEATURES + POSITION_FEATURES): functions of the weight, and its place in the kernel."""
    value, place = data.edge_attr[:, 0], data.edge_attr[:, 1:]
    size = scatter(value.square(), data.edge_block, reduce="mean").sqrt().clamp_min(1e-8)[data.edge_block]
    fan_in = block_degrees(data, data.edge_index[1]).to(value.dtype)
    ratio = (value / size).clamp(-10, 10)
    scaled = (value * fan_in.sqrt()).clamp(-10, 10)
    return torch.cat([torch.stack([scaled, ratio, ratio.abs(), (ratio.abs() + 0.01).log()], dim=1), place], dim=1)
