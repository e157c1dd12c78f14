"""The block engine computes what the paper's edge list computes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch

from metagauge.graph.parameter_graph import ParameterGraph
from models.graph_tensors import stack
from models.metanetworks.edge_list import EdgeListMetanetwork
from models.metanetworks.edges import GraphMetanetwork
from models.pyg import ParameterData, to_pyg
from tests.judges import random_metanetwork
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of

RELATIVE = 1e-9


@pytest.fixture(scope="module")
def metanetwork() -> GraphMetanetwork:
    return random_metanetwork().double()


def by_blocks(metanetwork: GraphMetanetwork, graph: ParameterGraph) -> np.ndarray:
    with torch.inference_mode():
        return metanetwork([stack([graph]).double()])[0].numpy()


def by_edges(metanetwork: GraphMetanetwork, data: ParameterData) -> np.ndarray:
    with torch.inference_mode():
        return EdgeListMetanetwork(metanetwork)(in_double(data))[0].numpy()


def in_double(data: ParameterData) -> ParameterData:
    return data.clone().apply(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_blocks_and_edges_agree(family: str, metanetwork: GraphMetanetwork):
    graph = graph_of(*drawn(family))
    np.testing.assert_allclose(by_blocks(metanetwork, graph), by_edges(metanetwork, to_pyg(graph)), rtol=RELATIVE)


def test_grouped_convolutions_agree(metanetwork: GraphMetanetwork):
    graph = grouped()
    np.testing.assert_allclose(by_blocks(metanetwork, graph), by_edges(metanetwork, to_pyg(graph)), rtol=RELATIVE)


def test_one_changed_weight_separates_them(metanetwork: GraphMetanetwork):
    graph = graph_of(*drawn("cnn"))
    data = to_pyg(graph)
    data.edge_attr[0, 0] += 1
    assert not np.allclose(by_blocks(metanetwork, graph), by_edges(metanetwork, data), rtol=RELATIVE, atol=0)


def test_one_edge_to_the_wrong_node_separates_them(metanetwork: GraphMetanetwork):
    graph = graph_of(*drawn("cnn"))
    data = to_pyg(graph)
    data.edge_index[0, 0] += 1
    assert not np.allclose(by_blocks(metanetwork, graph), by_edges(metanetwork, data), rtol=RELATIVE, atol=0)


def test_every_parameter_of_the_metanetwork_reaches_the_edges():
    metanetwork = random_metanetwork()
    EdgeListMetanetwork(metanetwork)(to_pyg(graph_of(*drawn("vit", most_parameters=9000)))).sum().backward()
    idle = [name for name, each in metanetwork.named_parameters() if each.grad is None or not each.grad.any()]
    assert idle == []


def test_collated_graphs_keep_their_groups_and_blocks_apart():
    one, other = to_pyg(graph_of(*drawn("mlp"))), to_pyg(graph_of(*drawn("deepsets")))
    both = Batch.from_data_list([one, other])
    assert both.edge_block.max() + 1 == len(both.block_attr) == len(one.block_attr) + len(other.block_attr)
    assert both.node_group.max() + 1 == len(both.group_attr)
    assert torch.equal(both.group_attr[both.node_group], both.x[:, : both.group_attr.shape[1]])
    assert torch.equal(both.edge_index[:, one.num_edges :] - one.num_nodes, other.edge_index)


def grouped() -> ParameterGraph:
    graph = graph_of(*drawn("cnn"))
    number = next(
        number
        for number, block in enumerate(graph.blocks)
        if block.role == "conv" and block.weight.shape[1] % 2 == 0 and block.weight.shape[0] % 2 == 0
    )
    block = graph.blocks[number]
    halved = replace(block, groups=2, weight=block.weight[:, : block.weight.shape[1] // 2])
    return replace(graph, blocks=(*graph.blocks[:number], halved, *graph.blocks[number + 1 :]))
