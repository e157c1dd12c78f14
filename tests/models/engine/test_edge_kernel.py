"""Sums over the edges of blocks of all shapes are what the definitions say, in float64."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from metagauge.graph.parameter_graph import Block
from models.engine.edge_tiles import TiledSums
from models.engine.edges import fastest_sums
from models.features import EDGE_FEATURES
from models.metanetworks.edge_sums import CLIP, EdgeLayer, EdgeMeans, relative_features

HIDDEN = 5
SHAPES = [
    *((1, 300, 600, 1), (1, 133, 31, 9), (1, 40, 1, 1), (1, 3, 33, 1), (6, 2, 4, 9), (7, 1, 1, 1), (3, 4, 7, 5)),
    *((1, 130, 1, 2500), (1, 9, 2500, 1), (1, 5, 2, 2500)),
]
"""Groups, outputs of one, inputs of one, positions: of more than a band, a piece and a tile, and of less than one."""
RELATIVE = 2e-6
"""Of the largest: sums are of float32."""


@pytest.fixture(params=["compiled", "stock"])
def engine(request: pytest.FixtureRequest) -> type[TiledSums]:
    if request.param == "stock":
        return TiledSums
    pytest.importorskip("numba")
    return fastest_sums(torch.device("cpu"))


def drawn(shape: tuple[int, int, int, int], rng: np.random.Generator) -> tuple[Block, EdgeLayer]:
    """A block with weights of which some are beyond the bounds, some zero, and a layer."""
    groups, outputs, inputs, positions = shape
    weight = rng.standard_normal((groups * outputs, inputs, positions)).astype(np.float32) * np.float32(0.1)
    weight.flat[::7] *= 30
    weight.flat[::11] = 0
    block = Block(source=0, target=1, role="conv", weight=weight, groups=groups)
    sizes = (HIDDEN, EDGE_FEATURES), (1, groups * outputs, HIDDEN), (1, groups * inputs, HIDDEN), (positions, HIDDEN)
    own, at_target, at_source, at_place = (torch.from_numpy(rng.standard_normal(size)) for size in sizes)
    return block, EdgeLayer(own=own, at_target=at_target, at_source=at_source, at_place=at_place)


def size_of(block: Block) -> float:
    return float(np.sqrt(np.square(block.weight, dtype=np.float64).mean()))


def edges_of(block: Block) -> torch.Tensor:
    weight = torch.from_numpy(block.weight).double().unflatten(0, (block.groups, -1))
    return relative_features(weight, torch.tensor(size_of(block)).double(), weight[0, 0].numel())


def hidden_of(block: Block, layer: EdgeLayer) -> torch.Tensor:
    at_target, at_source = (each[0].T.unflatten(1, (block.groups, -1)) for each in (layer.at_target, layer.at_source))
    own = torch.einsum("hf,fgoip->hgoip", layer.own, edges_of(block))
    return (
        own + at_target[..., None, None] + at_source[:, :, None, :, None] + layer.at_place.T[:, None, None, None]
    ).relu()


def check(found: EdgeMeans, edges: torch.Tensor) -> None:
    """edges: (features, groups, outputs, inputs, positions)."""
    for means, axes in ((found.at_targets, (3, 4)), (found.at_sources, (2, 4))):
        expected = edges.mean(axes).flatten(1).T
        torch.testing.assert_close(means[0], expected, rtol=0, atol=RELATIVE * float(expected.abs().max()))


@pytest.mark.parametrize("shape", SHAPES)
def test_hidden_numbers_are_averaged(shape: tuple[int, int, int, int], engine: type[TiledSums]):
    block, layer = drawn(shape, np.random.default_rng(0))
    check(engine([block], [size_of(block)], torch.device("cpu"), 1).hidden(0, layer), hidden_of(block, layer))


@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_that_lie_side_by_side_change_nothing(shape: tuple[int, int, int, int], engine: type[TiledSums]):
    block, layer = drawn(shape, np.random.default_rng(0))
    turned = replace(block, weight=np.ascontiguousarray(block.weight.transpose(1, 2, 0)).transpose(2, 0, 1))
    one, other = (engine([each], [size_of(block)], torch.device("cpu"), 1).hidden(0, layer) for each in (block, turned))
    assert torch.equal(other.at_targets, one.at_targets)
    assert torch.equal(other.at_sources, one.at_sources)


@pytest.mark.parametrize("shape", SHAPES)
def test_features_are_averaged(shape: tuple[int, int, int, int], engine: type[TiledSums]):
    block, _ = drawn(shape, np.random.default_rng(0))
    check(engine([block], [size_of(block)], torch.device("cpu"), 1).features(0), edges_of(block))


def test_one_changed_weight_changes_both_ends(engine: type[TiledSums]):
    block, layer = drawn(SHAPES[1], np.random.default_rng(0))
    expected = hidden_of(block, layer)
    block.weight[7, 3, 2] += 1
    with pytest.raises(AssertionError):
        check(engine([block], [size_of(block)], torch.device("cpu"), 1).hidden(0, layer), expected)


def test_some_drawn_weights_are_beyond_the_bounds():
    block, _ = drawn(SHAPES[0], np.random.default_rng(0))
    assert (edges_of(block)[:2].abs() == CLIP).any(dim=(1, 2, 3, 4)).all()
    assert (block.weight == 0).any()


def test_numba_is_not_loaded_before_an_engine_is_made():
    code = "import sys, models.engine.edges, models.engine.products; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
