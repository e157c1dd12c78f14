"""Random members of a graph's symmetries move weights and leave the function as it is."""

import numpy as np
import pytest

from metagauge.graph.digest import differences
from metagauge.graph.parameter_graph import ParameterGraph
from models.canonical.random_symmetry import permute_randomly, scale_randomly
from models.canonical.rescale import rescale
from tests.models.canonical.written_back import foldless, rebuilt, written_back
from tests.models.transforms.examples import EXAMPLES, distance, example

EXACT = 1e-4


def moved(one: ParameterGraph, other: ParameterGraph) -> float:
    """The share of weights that are others now."""
    changed = sum(int((a.weight != b.weight).sum()) for a, b in zip(one.blocks, other.blocks, strict=True))
    return changed / one.edges


@pytest.mark.parametrize("name", EXAMPLES)
def test_permuted_graphs_compute_the_same(name: str):
    architecture, graph = rebuilt(example(name))
    made = permute_randomly(graph, np.random.default_rng(2))
    assert moved(graph, made) > 0.2
    assert [group.size for group in made.groups] == [group.size for group in graph.groups]
    assert distance(foldless(example(name)), written_back(architecture, made)) < EXACT


@pytest.mark.parametrize("name", EXAMPLES)
def test_scaled_graphs_compute_the_same(name: str):
    architecture, graph = rebuilt(example(name))
    made = scale_randomly(graph, np.random.default_rng(2))
    assert distance(foldless(example(name)), written_back(architecture, made)) < EXACT
    assert not differences(rescale(graph), rescale(made), 2e-5)
    assert (made is graph) == (rescale(graph) is graph)


def test_weights_that_are_permuted_on_one_side_compute_something_else():
    architecture, graph = rebuilt(example("mlp-0"))
    made = permute_randomly(graph, np.random.default_rng(2))
    network, tensors = written_back(architecture, made)
    _, before = written_back(architecture, graph)
    assert distance(foldless(example("mlp-0")), (network, tensors | {"head.weight": before["head.weight"]})) > 0.1
