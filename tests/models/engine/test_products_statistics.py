"""Statistics of tiles are those of whole blocks."""

import numpy as np
import pytest
import torch

from metagauge.graph.parameter_graph import Block
from models import features
from models.engine import products_tiles, weight_statistics
from models.engine.products_tiles import TileReader
from tests.product_networks import grouped
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of


def block_of(weight: np.ndarray) -> Block:
    return Block(source=0, target=1, role="linear", weight=weight)


@pytest.mark.parametrize("tile", [40, products_tiles.TILE])
@pytest.mark.parametrize("family", [*FAMILY_NAMES, "grouped"])
def test_scans_find_what_features_find(family: str, tile: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(products_tiles, "TILE", tile)
    monkeypatch.setattr(products_tiles, "WIDEST", min(tile // 4, products_tiles.WIDEST))
    graph, reader = grouped() if family == "grouped" else graph_of(*drawn(family)), TileReader(torch.float64)
    scans = [weight_statistics.scan(block, reader) for block in graph.blocks]
    for block, found in zip(graph.blocks, scans, strict=True):
        np.testing.assert_allclose(
            weight_statistics.block_statistics(block, found), features.block_statistics(block), rtol=1e-5, atol=1e-6
        )
    for mine, known in zip(
        weight_statistics.node_statistics(graph, scans), features.node_statistics(graph), strict=True
    ):
        np.testing.assert_allclose(mine, known, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_moments_of_many_tiles_stand_a_large_mean(shift: float, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(products_tiles, "TILE", 64)
    block = block_of((shift + 1e-3 * np.random.default_rng(0).normal(size=(40, 30, 1))).astype(np.float32))
    found = weight_statistics.block_statistics(block, weight_statistics.scan(block, TileReader(torch.float64)))
    np.testing.assert_allclose(found, features.block_statistics(block), rtol=1e-4)


def test_a_block_without_spread_is_described():
    block = block_of(np.full((7, 5, 1), 0.1, np.float32))
    found = weight_statistics.block_statistics(block, weight_statistics.scan(block, TileReader(torch.float64)))
    np.testing.assert_allclose(found, features.block_statistics(block), atol=1e-5)


def test_quantiles_of_huge_blocks_are_counted(monkeypatch: pytest.MonkeyPatch):
    weight = np.random.default_rng(0).normal(0.01, 0.02, size=(300, 200, 1)).astype(np.float32)
    exact = np.quantile(weight.astype(np.float64), weight_statistics.QUANTILES)
    monkeypatch.setattr(weight_statistics, "SORTED", 100)
    reader = TileReader(torch.float64)
    counted = weight_statistics.scan(block_of(weight), reader).quantiles
    assert (counted != exact).any()
    np.testing.assert_allclose(counted, exact, rtol=1 / 128)
    shuffled = np.random.default_rng(1).permutation(weight, axis=0)
    np.testing.assert_array_equal(weight_statistics.scan(block_of(shuffled), reader).quantiles, counted)
