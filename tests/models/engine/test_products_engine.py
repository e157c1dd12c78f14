"""Tiles of weights say what whole blocks say, wherever and in whichever precision the weights lie."""

from collections.abc import Callable
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest
import torch

from metagauge.graph.parameter_graph import ParameterGraph
from models.engine import products_tiles
from models.engine.products import Answers, ProductEngine
from models.engine.products_tiles import TileReader
from models.graph_tensors import GraphTensors, stack
from models.metanetworks.products import ProductConfig, ProductMetanetwork
from tests.product_networks import grouped, random_products
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of

EXACT, ROUNDED = 1e-9, 1e-6


@pytest.fixture(scope="module")
def metanetwork() -> ProductMetanetwork:
    return random_products()


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(products_tiles, "TILE", 60)
    monkeypatch.setattr(products_tiles, "WIDEST", 12)
    monkeypatch.setattr(products_tiles, "_SMALL_RUN", 6)


def apart(metanetwork: ProductMetanetwork, graph: ParameterGraph, tiled: ParameterGraph | None = None) -> float:
    """How far the engine is from the metanetwork, as a share of the answer."""
    like = metanetwork.encode_kind.weight.dtype
    tensors = stack([graph]) if like == torch.float32 else stack([graph]).double()
    with torch.inference_mode():
        whole = metanetwork([tensors])
    found = ProductEngine(metanetwork)(graph if tiled is None else tiled)
    return float((whole - found).norm() / whole.norm())


def stored(graph: ParameterGraph, how: Callable[[np.ndarray], np.ndarray]) -> ParameterGraph:
    return replace(graph, blocks=tuple(replace(block, weight=how(block.weight)) for block in graph.blocks))


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_engine_and_metanetwork_agree(family: str, metanetwork: ProductMetanetwork):
    graph = graph_of(*drawn(family))
    assert apart(metanetwork, graph) < ROUNDED
    assert apart(random_products().double(), graph) < EXACT


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_tiles_may_be_small(family: str):
    assert apart(random_products().double(), graph_of(*drawn(family))) < EXACT


@pytest.mark.usefixtures("small_tiles")
def test_grouped_convolutions_agree():
    assert apart(random_products().double(), grouped()) < EXACT


def test_grouped_convolutions_agree_in_large_tiles():
    assert apart(random_products().double(), grouped()) < EXACT


def test_weights_alone_agree():
    metanetwork = random_products(ProductConfig(node_width=16, message_width=5, global_width=8, statistics=False))
    assert apart(metanetwork.double(), graph_of(*drawn("resnet"))) < EXACT


def test_large_weights_agree(metanetwork: ProductMetanetwork):
    graph = graph_of(*drawn("cnn"))
    number = next(number for number, block in enumerate(graph.blocks) if block.role == "conv")
    weight = graph.blocks[number].weight.copy()
    weight[0, 0] = 1e3
    blocks = (*graph.blocks[:number], replace(graph.blocks[number], weight=weight), *graph.blocks[number + 1 :])
    assert apart(metanetwork, replace(graph, blocks=blocks)) < ROUNDED


@pytest.mark.usefixtures("small_tiles")
def test_transposed_matrices_agree():
    graph = graph_of(*drawn("vit"))
    turned = stored(graph, lambda weight: np.ascontiguousarray(weight.T).T)
    assert any(block.weight.strides[0] < block.weight.strides[1] for block in turned.blocks)
    assert apart(random_products().double(), graph, turned) < EXACT


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_converted_tile_by_tile(dtype: type, metanetwork: ProductMetanetwork):
    graph = graph_of(*drawn("mlp"))
    half = stored(graph, lambda weight: weight.astype(dtype))
    assert apart(metanetwork, stored(half, lambda weight: weight.astype(np.float32)), half) < ROUNDED
    assert apart(metanetwork, graph, half) > ROUNDED


def test_one_changed_weight_is_noticed(metanetwork: ProductMetanetwork):
    graph = graph_of(*drawn("cnn"))
    weight = graph.blocks[0].weight.copy()
    weight[0, 0, 0] += 1
    assert (
        apart(metanetwork, graph, replace(graph, blocks=(replace(graph.blocks[0], weight=weight), *graph.blocks[1:])))
        > 1e-4
    )


def test_answers_to_probes_are_read():
    config = ProductConfig(node_width=16, message_width=5, global_width=8, activity=3, responses=4, told_width=6)
    metanetwork, graph, rng = random_products(config), graph_of(*drawn("cnn")), np.random.default_rng(0)
    activity = [rng.normal(size=(group.size, 3)).astype(np.float32) for group in graph.groups]
    responses = rng.normal(size=4).astype(np.float32)
    with torch.inference_mode():
        whole = metanetwork([told(stack([graph]), activity, responses)])
    engine = ProductEngine(metanetwork)
    torch.testing.assert_close(engine(graph, Answers(activity=activity, responses=responses)), whole)
    other = engine(graph, Answers(activity=[*activity[:-1], activity[-1] + 1], responses=responses))
    assert not torch.allclose(other, whole)
    with pytest.raises(ValueError, match="activity"):
        engine(graph)


def test_every_weight_is_in_one_tile(small_tiles: None):
    for block in grouped().blocks:
        total = sum(float(tile.weight.sum()) for tile in TileReader(torch.float64).tiles(block))
        assert total == pytest.approx(float(block.weight.sum(dtype=np.float64)))


def told(graphs: GraphTensors, activity: list[np.ndarray], responses: np.ndarray) -> GraphTensors:
    groups = zip(graphs.groups, activity, strict=True)
    return replace(
        graphs,
        groups=tuple(replace(group, activity=torch.from_numpy(each)[None]) for group, each in groups),
        responses=torch.from_numpy(responses)[None],
    )
