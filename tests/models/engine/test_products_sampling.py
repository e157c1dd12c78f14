"""Samples of neurons say on average what all of them say."""

from itertools import combinations

import numpy as np
import pytest
import torch

from metagauge.graph.parameter_graph import Block
from models.engine import sampling
from models.engine.products import ProductEngine
from models.engine.products_exchange import Exchange, Traffic
from models.engine.products_round import made_up
from models.engine.products_tiles import ALL, Chosen, Scale, TileReader
from models.engine.sampling import estimate
from tests.product_networks import random_products
from tests.zoo_networks import drawn, graph_of

WIDTH, SOURCES, TARGETS = 3, 5, 4
BLOCK = Block(
    source=0,
    target=1,
    role="conv",
    weight=np.random.default_rng(0).normal(0, 0.1, (TARGETS, SOURCES, 9)),
    kernel=(3, 3),
)


def heard(said: torch.Tensor, chosen: Chosen, *, is_forward: bool) -> torch.Tensor:
    """What one end of the block hears, from the chosen of the other."""
    reader, scale = TileReader(torch.float64), Scale(size=0.1, fan_in=9 * SOURCES, is_bounded=False)
    heard = torch.zeros(TARGETS if is_forward else SOURCES, 4 * WIDTH).double()
    traffic = Traffic(said=said, heard=heard, width=WIDTH)
    exchange = Exchange(BLOCK, traffic if is_forward else None, None if is_forward else traffic)
    distance = torch.linspace(0, 1, 9).double()
    for tile in reader.tiles(BLOCK, chosen):
        exchange.add(tile, reader.functions(tile, distance, scale))
    return heard


def test_all_samples_of_inputs_average_to_the_whole():
    said = torch.randn(SOURCES, 4 * WIDTH).double()
    samples = [np.array(few) for few in combinations(range(SOURCES), 2)]
    found = [heard(made_up(said, few), Chosen(inputs=few), is_forward=True) for few in samples]
    whole = heard(said, ALL, is_forward=True)
    torch.testing.assert_close(torch.stack(found).mean(0), whole)
    assert not torch.allclose(found[0], whole)


def test_all_samples_of_outputs_average_to_the_whole():
    said = torch.randn(TARGETS, 4 * WIDTH).double()
    samples = [np.array(few) for few in combinations(range(TARGETS), 2)]
    found = [heard(made_up(said, few), Chosen(outputs=few), is_forward=False) for few in samples]
    whole = heard(said, ALL, is_forward=False)
    torch.testing.assert_close(torch.stack(found).mean(0), whole)
    assert not torch.allclose(torch.stack(found[1:]).mean(0), whole)


def test_a_network_within_the_budget_is_read_whole():
    engine, graph = ProductEngine(random_products()), graph_of(*drawn("mlp"))
    found = estimate(engine, graph)
    torch.testing.assert_close(found.targets, engine(graph)[0])
    assert found.share == 1
    assert not found.error.any()


def test_a_network_above_the_budget_is_estimated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sampling, "_WHOLE", 64)
    engine, graph = ProductEngine(random_products()), graph_of(*drawn("mlp"))
    exact = engine(graph)[0]
    found = estimate(engine, graph, budget=graph.edges - 1, repeats=8)
    again = estimate(engine, graph, budget=graph.edges - 1, repeats=8)
    assert torch.equal(found.targets, again.targets)
    assert 0 < found.share < 0.5
    assert (found.error > 0).all()
    assert ((found.targets - exact).abs() < 6 * found.error + 0.05).all()
    assert not torch.allclose(found.targets, exact, rtol=1e-6)
