"""The engine on tiles of mapped weights says what the graph metanetwork says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import torch

from metagauge.graph.parameter_graph import ParameterGraph
from models.engine import edge_rounds, edge_tiles, edges, tiles
from models.engine.edges import EdgeEngine
from models.engine.threads import in_order
from models.metanetworks.edge_list import EdgeListMetanetwork
from models.metanetworks.edges import GraphMetanetwork
from models.pyg import to_pyg
from tests.judges import random_metanetwork
from tests.models.test_gmn_oracle import grouped, in_double
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of

RELATIVE = 1e-6


@pytest.fixture(params=["compiled", "stock"], autouse=True)
def sums(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With Numba, and as if it were not installed."""
    if request.param == "compiled":
        pytest.importorskip("numba")
    else:
        monkeypatch.setattr(edges, "find_spec", lambda _: None)
    return request.param


@pytest.fixture(scope="module")
def metanetwork() -> GraphMetanetwork:
    return random_metanetwork()


def said(metanetwork: GraphMetanetwork, graph: ParameterGraph, threads: int = 1) -> np.ndarray:
    return EdgeEngine(metanetwork, threads=threads)(graph)[0].numpy()


def expected(metanetwork: GraphMetanetwork, graph: ParameterGraph) -> np.ndarray:
    """Of an explicit edge list, in float64."""
    oracle = EdgeListMetanetwork(random_metanetwork().double())
    oracle.metanetwork.load_state_dict(metanetwork.state_dict())
    with torch.inference_mode():
        return oracle(in_double(to_pyg(graph)))[0].numpy()


@pytest.fixture
def small_tiles(sums: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that small networks have many."""
    monkeypatch.setattr(edge_tiles, "_STRIPE", 400)
    monkeypatch.setattr(edge_tiles, "_COLUMNS", 12)
    monkeypatch.setattr(edge_tiles, "_NUMBERS", 180)
    monkeypatch.setattr(edge_tiles, "_ROWS", 1)
    monkeypatch.setattr(edge_rounds, "ROWS", 3)
    if sums == "compiled":
        monkeypatch.setattr("models.engine.edge_fused._LOADED", 100)
        monkeypatch.setattr("models.engine.edge_fused._WIDEST", 12)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_tiles_and_edges_agree(family: str, metanetwork: GraphMetanetwork):
    graph = graph_of(*drawn(family))
    np.testing.assert_allclose(said(metanetwork, graph), expected(metanetwork, graph), rtol=RELATIVE)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_small_tiles_and_edges_agree(family: str, metanetwork: GraphMetanetwork):
    graph = graph_of(*drawn(family))
    np.testing.assert_allclose(said(metanetwork, graph), expected(metanetwork, graph), rtol=RELATIVE)


@pytest.mark.usefixtures("small_tiles")
def test_tiles_of_grouped_convolutions_and_edges_agree(metanetwork: GraphMetanetwork):
    graph = grouped()
    np.testing.assert_allclose(said(metanetwork, graph), expected(metanetwork, graph), rtol=RELATIVE)


def test_one_changed_weight_separates_them(metanetwork: GraphMetanetwork):
    graph = graph_of(*drawn("cnn"))
    weight = graph.blocks[0].weight.copy()
    weight[0, 0, 0] += 1
    changed = replace(graph, blocks=(replace(graph.blocks[0], weight=weight), *graph.blocks[1:]))
    apart = np.abs(said(metanetwork, changed) / expected(metanetwork, graph) - 1)
    assert apart.max() > 100 * RELATIVE


@pytest.mark.usefixtures("small_tiles")
def test_the_number_of_threads_changes_no_bit(metanetwork: GraphMetanetwork):
    graph = graph_of(*drawn("vit"))
    np.testing.assert_array_equal(said(metanetwork, graph, 1), said(metanetwork, graph, 3))


@pytest.mark.parametrize("kind", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_weights_of_other_precisions_are_read_as_what_they_are(kind: type, metanetwork: GraphMetanetwork):
    stored = with_weights(graph_of(*drawn("cnn")), lambda weight: weight.astype(np.float16).astype(kind))
    exact = with_weights(stored, lambda weight: weight.astype(np.float32))
    np.testing.assert_allclose(said(metanetwork, stored), said(metanetwork, exact), rtol=1e-12)


def test_mapped_weights_in_another_order_are_read_where_they_are(tmp_path: Path, metanetwork: GraphMetanetwork):
    graph = graph_of(*drawn("cnn"))

    def mapped(weight: np.ndarray) -> np.ndarray:
        turned = np.ascontiguousarray(weight.T)
        turned.tofile(tmp_path / f"{id(weight)}.bin")
        return np.memmap(tmp_path / f"{id(weight)}.bin", np.float32, "r", shape=turned.shape).T

    np.testing.assert_array_equal(said(metanetwork, with_weights(graph, mapped)), said(metanetwork, graph))


@pytest.mark.parametrize("shape", [(1, 7, 5, 9), (6, 1, 1, 3), (4, 3, 2, 1), (1, 1, 40, 1), (3, 50, 1, 1)])
@pytest.mark.parametrize(("edges", "columns"), [(1, 1), (20, 4), (64, None), (10**6, 10**6)])
def test_tiles_cover_a_block_once(shape: tiles.Shape, edges: int, columns: int | None):
    found = np.zeros(shape, int)
    for tile in tiles.cut(shape, edges, columns):
        found[tile.groups, tile.outputs, tile.inputs, tile.places] += 1
    assert (found == 1).all()


def test_pieces_come_back_in_order_and_are_not_made_ahead():
    made: list[int] = []

    def pieces():
        for number in range(20):
            made.append(number)
            yield number

    found = in_order(lambda number: number * number, pieces(), 3)
    assert next(found) == 0
    assert len(made) <= 7
    assert list(found) == [number * number for number in range(1, 20)]


def with_weights(graph: ParameterGraph, change: Callable[[np.ndarray], np.ndarray]) -> ParameterGraph:
    return replace(graph, blocks=tuple(replace(block, weight=change(block.weight)) for block in graph.blocks))
