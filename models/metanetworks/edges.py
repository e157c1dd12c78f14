"""The graph metanetwork on dense blocks (Lim et al. 2024, sec. 3).

With node v, edge e, global u and c the context of the edge's block, each round computes

    e' = e + O relu(A v_target + B v_source + C e0 + D [c, u])
    v' = v + MLP_v(v, sum over blocks of mean_in F e' + mean_out G e', u)
    u' = u + MLP_u(mean v', mean e', u)

The edge MLP reads an edge's own features as they were encoded from its weight, e0, and adds to what they have become,
e; what edges learn from rounds before comes to it by its ends and by u. This, the means and the linear messages are why
no edge needs features of its own: the mean of e' is the mean of e plus O times the mean of the hidden layer, and that
layer is a function of the weight and of what is known for a node. `models.metanetworks.edge_sums` computes its means;
nothing else grows with the number of parameters. `models.metanetworks.edge_list` has the same with explicit edges.

Means are taken inside one block, sums over the blocks that meet at a node.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models import features
from models.graph_tensors import GraphTensors, GroupTensors
from models.metanetworks.edge_round import BlockFrame, BlockState, GmnConfig, Round, State, mlp
from models.metanetworks.edge_sums import DenseSums, EdgeMeans, EdgeSums
from models.metanetworks.standardise import Standardise
from models.metanetworks.targets import TARGETS

_USED_INPUTS = 60
"""About as many of a neuron's or block's features are not always zero in a zoo."""


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
        self.read_block = mlp(edge + node, node, node)
        self.head = nn.Sequential(
            nn.LayerNorm(5 * node + world),
            nn.Linear(5 * node + world, 2 * node),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * node, TARGETS),
        )

    def prepare(self, graphs: GraphTensors) -> GraphTensors:
        """The graphs as they are."""
        return graphs

    def forward(self, graphs: Sequence[GraphTensors]) -> Float[Tensor, "networks targets"]:
        """TARGETS numbers for each network of all `graphs`, in order."""
        return self.head(self.embed(graphs))

    def embed(self, graphs: Sequence[GraphTensors]) -> Float[Tensor, "networks embedding"]:
        """What the head reads: 5 * node_width + global_width features."""
        return torch.cat([self._embed_job(each) for each in graphs])

    def _embed_job(self, graphs: GraphTensors) -> Float[Tensor, "networks embedding"]:
        blocks, sums = _frames(graphs), DenseSums(graphs)
        state = self._encode(graphs.groups, blocks, sums)
        for each in self.rounds:
            state = each(blocks, sums, state)
        return self._read_out(graphs.groups, state)

    def _encode(self, groups: Sequence[GroupTensors], blocks: Sequence[BlockFrame], sums: EdgeSums) -> State:
        nodes = tuple(self.encode_node(self._node_inputs(group)) for group in groups)
        states = tuple(self._encode_block(block, sums.features(number)) for number, block in enumerate(blocks))
        world = self.encode_global(torch.stack([each.context for each in states]).mean(0))
        return State(nodes=nodes, blocks=states, world=world)

    def _node_inputs(self, group: GroupTensors) -> Tensor:
        networks, size = group.statistics.shape[:2]
        static = group.static.expand(networks, size, -1)
        order = group.order.expand(networks, -1, -1)
        return torch.cat([static, order, self.node_scale(group.statistics)], dim=-1)

    def _encode_block(self, block: BlockFrame, means: EdgeMeans) -> BlockState:
        static = block.static.expand(len(block.statistics), -1)
        context = self.encode_block(torch.cat([static, self.block_scale(block.statistics)], dim=-1))
        first, places = self.encode_edge.weight.split((features.EDGE_FEATURES, features.POSITION_FEATURES), dim=1)
        place, own = block.positions @ places.T, self.encode_edge_block(context) + self.encode_edge.bias
        shared = (own + place.mean(0))[:, None]
        return BlockState(
            context=context,
            first=first,
            first_place=place,
            first_block=own,
            at_targets=means.at_targets @ first.T + shared,
            at_sources=means.at_sources @ first.T + shared,
        )

    def _read_out(self, groups: Sequence[GroupTensors], state: State) -> Tensor:
        read = torch.stack(
            [
                self.read_group(torch.cat([nodes.mean(1), nodes.amax(1), _repeat(group.static, nodes)], dim=-1))
                for group, nodes in zip(groups, state.nodes, strict=True)
            ]
        )
        told = torch.stack([self.read_block(torch.cat([each.mean, each.context], dim=-1)) for each in state.blocks])
        output = read[[group.is_output for group in groups].index(True)]
        return torch.cat((read.mean(0), read.amax(0), told.mean(0), told.amax(0), output, state.world), dim=-1)


def _sparse_mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """An MLP of inputs that are zero but for some, as those with one-hot vectors: it starts as if it had only those."""
    found = mlp(inputs, hidden, outputs)
    for parameter in found[0].parameters():
        nn.init.uniform_(parameter, -(_USED_INPUTS**-0.5), _USED_INPUTS**-0.5)
    return found


def _frames(graphs: GraphTensors) -> list[BlockFrame]:
    return [
        BlockFrame(
            source=block.source,
            target=block.target,
            static=block.static,
            positions=block.positions,
            statistics=block.statistics,
        )
        for block in graphs.blocks
    ]


def _repeat(static: Tensor, nodes: Tensor) -> Tensor:
    return static.expand(len(nodes), -1)
