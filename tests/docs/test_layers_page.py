"""docs/layers.md tells the truth: each row's network is read, built, run and permuted, and every kind has its row."""

import re
from collections.abc import Mapping
from inspect import getdoc
from typing import get_args

import numpy as np
import pytest
import torch

from metagauge.architecture.layers import Layer
from metagauge.architecture.operators.operator import Operator
from models.pyg import to_pyg
from tests.docs.layer_examples import EXAMPLES
from tests.docs.layer_facts import Arrays, Known, known
from tests.docs.pages import named, page, rows

PAGE = page("layers.md")
ROWS = {named(row[1])[0]: row for row in rows(PAGE, "layer")}
RIGID = frozenset({"conv1d", "conv3d", "layer scale"})
"""Networks without hidden neurons: every axis is of their input or their output."""
TOLERANCE = 1e-5


def moved(network: Known, seed: int) -> dict[str, np.ndarray]:
    """The tensors that a symmetry of the network changes."""
    arrays = network.arrays
    places = {name: found for name, found in network.permutations(seed).items() if arrays[name].ndim}
    changed = {name: arrays[name][np.ix_(*found)] for name, found in places.items()}
    return {name: array for name, array in changed.items() if not np.array_equal(array, arrays[name])}


def some_moved(network: Known) -> dict[str, np.ndarray]:
    """By the first seed that moves two tensors or more: few neurons may well stay where they are."""
    return next(found for seed in range(50) if len(found := moved(network, seed)) > 1)


def apart(network: Known, changes: Mapping[str, np.ndarray]) -> float:
    """How far these changes move the output."""
    arrays: Arrays = network.arrays
    return (network.output({**arrays, **changes}) - network.output(arrays)).abs().max().item()


def test_every_example_has_its_row_and_every_row_its_example():
    assert sorted(ROWS) == sorted(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_row_says_what_becomes_of_its_network(name: str):
    network = known(name)
    assert (network.graph.coverage, network.architecture.unsupported) == (1.0, ())
    *_, form, told = ROWS[name]
    assert (form, told) == (network.form, network.told)


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_graph_goes_to_pytorch_geometric_edge_by_edge(name: str):
    graph = known(name).graph
    data = to_pyg(graph)
    assert (data.num_nodes, data.num_edges) == (graph.nodes, graph.edges)
    assert torch.isfinite(data.x).all()
    assert torch.isfinite(data.edge_attr).all()


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_known_of_a_network_computes_what_the_network_computes(name: str):
    network = known(name)
    with torch.no_grad():
        expected = network.example.network(*network.example.inputs)
    found = network.output(network.arrays)
    np.testing.assert_allclose(found.reshape(expected.shape).numpy(), expected.numpy(), atol=TOLERANCE, rtol=1e-4)


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - RIGID))
def test_the_symmetry_of_a_network_does_not_change_what_it_computes(name: str):
    network = known(name)
    assert apart(network, some_moved(network)) < TOLERANCE


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - RIGID))
def test_half_a_symmetry_does(name: str):
    network = known(name)
    changes = some_moved(network)
    assert max(apart(network, {tensor: array}) for tensor, array in changes.items()) > 10 * TOLERANCE


@pytest.mark.parametrize("name", sorted(RIGID))
def test_a_network_without_hidden_neurons_has_no_symmetry(name: str):
    assert moved(known(name), seed=1) == {}


@pytest.mark.parametrize(("heading", "union"), [("## Layer kinds", Layer), ("## Operators", Operator)])
def test_every_kind_is_told_in_the_words_of_its_class(heading: str, union: object):
    told = {named(kind)[0]: words for kind, words in rows(PAGE[PAGE.index(heading) :], "kind")}
    kinds = get_args(get_args(union)[0])
    first = {kind.__dataclass_fields__["kind"].default: (getdoc(kind) or "").split("\n\n")[0] for kind in kinds}
    assert told == {kind: re.sub(r"\s+", " ", words) for kind, words in first.items()}
