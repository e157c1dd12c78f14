"""Metanetworks of matrix-product messages with random weights, and graphs that zoo families do not have."""

from dataclasses import replace

import torch

from metagauge.graph.parameter_graph import ParameterGraph
from models.metanetworks.ensemble import ProductEnsemble
from models.metanetworks.products import ProductConfig, ProductMetanetwork
from tests.zoo_networks import drawn, graph_of

SMALL = ProductConfig(node_width=16, message_width=5, global_width=8)


def random_products(config: ProductConfig = SMALL, seed: int = 0) -> ProductMetanetwork:
    """Small, with seeded random weights, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ProductMetanetwork(config).eval()


def random_ensemble(config: ProductConfig, seed: int = 0) -> ProductEnsemble:
    """Members and readers with seeded random weights, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ProductEnsemble(config).eval()


def grouped() -> ParameterGraph:
    """A convolutional network, one of whose convolutions has two groups."""
    graph = graph_of(*drawn("cnn"))
    number = next(
        number
        for number, block in enumerate(graph.blocks)
        if block.role == "conv" and block.weight.shape[1] % 2 == 0 and block.weight.shape[0] % 2 == 0
    )
    block = graph.blocks[number]
    halved = replace(block, groups=2, weight=block.weight[:, : block.weight.shape[1] // 2])
    return replace(graph, blocks=(*graph.blocks[:number], halved, *graph.blocks[number + 1 :]))
