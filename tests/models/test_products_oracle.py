"""Matrix-product messages are what edges would send, and have the symmetries that are claimed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from metagauge.graph.parameter_graph import ParameterGraph
from models.graph_tensors import stack
from models.metanetworks.product_edge_list import ProductEdgeList
from models.metanetworks.products import ProductMetanetwork
from models.metanetworks.rows import products
from models.pyg import ParameterData, to_pyg
from tests.permutation import permute
from tests.product_networks import grouped, random_products
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of

EXACT, ROUNDED = 1e-9, 1e-6
COPIES = 3


def by_blocks(metanetwork: ProductMetanetwork, *graphs: ParameterGraph) -> Tensor:
    is_double = metanetwork.encode_kind.weight.dtype == torch.float64
    with torch.inference_mode():
        return metanetwork([stack([graph]).double() if is_double else stack([graph]) for graph in graphs])


def by_edges(metanetwork: ProductMetanetwork, data: ParameterData) -> Tensor:
    dtype = metanetwork.encode_kind.weight.dtype
    with torch.inference_mode():
        given = data.clone().apply(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)
        return ProductEdgeList(metanetwork)(given)


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_blocks_and_edges_agree(family: str):
    graph, exact = graph_of(*drawn(family)), random_products().double()
    found = by_edges(exact, to_pyg(graph))
    assert apart(by_blocks(exact, graph), found) < EXACT
    assert apart(by_blocks(random_products(), graph).double(), found) < ROUNDED


def test_grouped_convolutions_agree():
    exact = random_products().double()
    assert apart(by_blocks(exact, grouped()), by_edges(exact, to_pyg(grouped()))) < EXACT


def test_collated_edge_lists_agree():
    exact, graphs = random_products().double(), [graph_of(*drawn(family)) for family in ("mlp", "vit", "cnn")]
    batch = Batch.from_data_list([to_pyg(graph) for graph in graphs])
    assert isinstance(batch, ParameterData)
    assert apart(by_edges(exact, batch), by_blocks(exact, *graphs)) < EXACT


def test_gradients_are_those_of_edges():
    """The gradients of messages are written by hand; those of edge lists are PyTorch's."""
    exact, others = random_products().double(), ("mlp", "deepsets")
    graphs = [grouped(), *(graph_of(*drawn(family)) for family in others)]
    data = Batch.from_data_list([to_pyg(graph) for graph in graphs])
    assert isinstance(data, ParameterData)
    given = data.apply(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
    parameters = dict(exact.named_parameters())
    found, expected = (
        torch.autograd.grad(outputs.square().sum(), list(parameters.values()))
        for outputs in (exact([stack([graph]).double() for graph in graphs]), ProductEdgeList(exact)(given))
    )
    for name, one, other in zip(parameters, found, expected, strict=True):
        assert other.abs().max() > 0, name
        assert apart(one, other) < EXACT, name


@pytest.mark.parametrize("change", ["weight", "end"])
def test_a_changed_edge_separates_them(change: str):
    exact, graph = random_products().double(), graph_of(*drawn("cnn"))
    data = to_pyg(graph)
    if change == "weight":
        data.edge_attr[0, 0] += 1
    else:
        data.edge_index[0, -1] -= 1
    assert apart(by_blocks(exact, graph), by_edges(exact, data)) > EXACT


def test_every_parameter_of_the_metanetwork_reaches_the_edges():
    metanetwork = random_products()
    ProductEdgeList(metanetwork)(to_pyg(graph_of(*drawn("vit")))).sum().backward()
    idle = [
        name
        for name, each in metanetwork.named_parameters()
        if each.numel() and "responses" not in name and (each.grad is None or not each.grad.any())
    ]
    assert idle == []


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_permuted_hidden_neurons_are_judged_the_same(family: str):
    exact, (architecture, tensors) = random_products().double(), drawn(family, 2)
    before = by_blocks(exact, graph_of(architecture, tensors))
    permuted = permute(architecture, tensors, np.random.default_rng(1))
    broken = permute(architecture, tensors, np.random.default_rng(1), one_side=True)
    assert apart(by_blocks(exact, graph_of(architecture, permuted)), before) < 1e-6
    assert apart(by_blocks(exact, graph_of(architecture, broken)), before) > 1e-6


def test_an_answer_does_not_depend_on_the_batch():
    metanetwork, graphs = random_products(), [graph_of(*drawn(family)) for family in FAMILY_NAMES]
    together = by_blocks(metanetwork, *graphs)
    for row, graph in zip(together, graphs, strict=True):
        assert apart(row[None], by_blocks(metanetwork, graph)) < ROUNDED
    changed = replace(graphs[0].blocks[0], weight=graphs[0].blocks[0].weight + 0.5)
    other = replace(graphs[0], blocks=(changed, *graphs[0].blocks[1:]))
    among = by_blocks(metanetwork, other, *graphs[1:])
    assert apart(among[:1], together[:1]) > 1e-4
    assert apart(among[1:], together[1:]) < ROUNDED


def test_sums_over_inputs_do_not_feel_duplicated_inputs():
    weight, distance = torch.randn(2, 1, 4, 5, 9).double() * 0.1, torch.rand(9).double()
    copied = weight.repeat_interleave(COPIES, 3)
    before = products(weight, distance).sum(-1)
    torch.testing.assert_close(products(copied / COPIES, distance).sum(-1), before)
    assert not torch.allclose(products(copied, distance).sum(-1), before)


def test_means_over_outputs_do_not_feel_duplicated_outputs():
    weight, distance = torch.randn(2, 1, 4, 5, 9).double() * 0.1, torch.rand(9).double()
    before = products(weight, distance).mean(-2)
    torch.testing.assert_close(products(weight.repeat_interleave(COPIES, 2), distance).mean(-2), before)
    uneven = torch.cat([weight, weight[:, :, :1]], dim=2)
    assert not torch.allclose(products(uneven, distance).mean(-2), before)
