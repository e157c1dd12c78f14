"""Parameter graphs as PyTorch Geometric data: one explicit edge for each parameter."""

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from metagauge.graph.parameter_graph import ParameterGraph
from models import features


class ParameterData(Data):
    """What `to_pyg` returns; it knows how its group and block numbers shift when graphs are collated.

    PyTorch Geometric shifts attributes called `...index` or `...batch` by the number of nodes. Groups and blocks are
    counted apart from nodes, so their numbers have neither word in their names and are shifted here.
    """

    x: Tensor  # pyright: ignore[reportIncompatibleMethodOverride]
    edge_index: Tensor  # pyright: ignore[reportIncompatibleMethodOverride]
    edge_attr: Tensor  # pyright: ignore[reportIncompatibleMethodOverride]
    node_group: Tensor
    group_attr: Tensor
    edge_block: Tensor
    block_attr: Tensor

    def __inc__(self, key: str, value: object, *args: object, **kwargs: object) -> int:
        match key:
            case "node_group":
                return len(self.group_attr)
            case "edge_block":
                return len(self.block_attr)
            case _:
                return super().__inc__(key, value, *args, **kwargs)


def to_pyg(graph: ParameterGraph) -> ParameterData:
    """The explicit graph, with what a metanetwork reads of it.

    - `x`: (nodes, GROUP_FEATURES + ORDER_FEATURES + NODE_STATISTICS), a node's group, order and weight statistics
    - `edge_index`: (2, edges), source and target nodes, along the forward pass
    - `edge_attr`: (edges, 1 + POSITION_FEATURES), the parameter and where in its kernel it is
    - `node_group`: (nodes,) number of a node's group; `group_attr`: (groups, GROUP_FEATURES)
    - `edge_block`: (edges,) number of an edge's block; `block_attr`: (blocks, BLOCK_FEATURES + BLOCK_STATISTICS)

    Edges come in the order of `ParameterGraph.edge_list`. Wiring is an edge too, with value one. For large networks
    keep to the blocks: this needs memory for every parameter several times over.
    """
    edges = graph.edge_list()
    deepest = max(group.depth for group in graph.groups)
    group_attr = np.stack([features.group_features(group, deepest) for group in graph.groups])
    node_group = np.repeat(np.arange(len(graph.groups)), [group.size for group in graph.groups])
    order = np.concatenate([features.order_features(group) for group in graph.groups])
    statistics = np.concatenate(features.node_statistics(graph))
    places = [features.position_features(block) for block in graph.blocks]
    first_place = np.cumsum([0, *(len(each) for each in places)])[:-1]
    place = np.concatenate(places)[first_place[edges.block] + edges.position]
    block_attr = [
        np.concatenate([features.block_features(block), features.block_statistics(block)]) for block in graph.blocks
    ]
    return ParameterData(
        x=torch.from_numpy(np.concatenate([group_attr[node_group], order, statistics], axis=1)),
        edge_index=torch.from_numpy(np.stack([edges.source, edges.target])),
        edge_attr=torch.from_numpy(np.concatenate([edges.value.astype(np.float32)[:, None], place], axis=1)),
        node_group=torch.from_numpy(node_group),
        group_attr=torch.from_numpy(group_attr),
        edge_block=torch.from_numpy(edges.block),
        block_attr=torch.from_numpy(np.stack(block_attr)),
    )
