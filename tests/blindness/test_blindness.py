"""The blindness suite: what changes a network's function has to change its graph and what we say about it.

Each change is one that a public graph metanetwork was blind to, or one like it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from metagauge.architecture.codec import from_json, to_json
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.lower import lower
from metagauge.architecture.normal_form.normalise import normalise
from metagauge.architecture.operators.shapes import shapes
from metagauge.architecture.resolve import parameter_shape
from metagauge.graph.digest import differences, digest
from metagauge.graph.parameter_graph import ParameterGraph
from models.graph_tensors import same_structure
from models.in_memory import checkpoint_of
from tests.blindness.changes import CHANGES
from tests.blindness.network import Network, outputs
from tests.exported import images
from tests.judges import JUDGES, judge, judged
from tests.sketches import convolutional, perceptron, residual, transformer
from tests.zoo_networks import graph_of

MOVES = 1e-8
"""Far above rounding in float64, in which networks are judged here."""


@pytest.fixture(scope="module", params=JUDGES)
def metanetwork(request: pytest.FixtureRequest) -> nn.Module:
    return judge(request.param).double()


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_function_is_one(name: str):
    before, after = (outputs(make(), images()) for make in CHANGES[name])
    assert (before - after).abs().max() > 1e-3


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_function_changes_the_graph(name: str):
    before, after = (graph_of(*make()) for make in CHANGES[name])
    assert digest(before) != digest(after)
    assert differences(before, after)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_function_changes_the_prediction(name: str, metanetwork: nn.Module):
    before, after = (judged(metanetwork, [graph_of(*make())]) for make in CHANGES[name])
    assert np.abs(before - after).max() > MOVES


def lowered(network: Network) -> Network:
    """The same network in whole-tensor operators, as it comes from a file that our layers are not all of."""
    structure, tensors = network
    if isinstance(structure, Dataflow):
        return network
    checkpoint = checkpoint_of(tensors)
    dataflow = lower(structure, lambda parameter: parameter_shape(parameter, checkpoint))
    return normalise(dataflow, shapes(dataflow, lambda name: tensors[name].shape)), tensors


@pytest.mark.parametrize("judging", ["edges", "products"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_function_is_seen_in_operators_too(name: str, judging: str):
    graphs = [graph_of(*lowered(make())) for make in CHANGES[name]]
    assert digest(graphs[0]) != digest(graphs[1])
    assert differences(*graphs)
    metanetwork = judge(judging).double()
    before, after = (judged(metanetwork, [graph]) for graph in graphs)
    assert np.abs(before - after).max() > MOVES


def equal(one: ParameterGraph, other: ParameterGraph) -> bool:
    return same_structure(one, other) and all(
        np.array_equal(mine.weight, its.weight) for mine, its in zip(one.blocks, other.blocks, strict=True)
    )


@pytest.mark.parametrize("make", [convolutional, residual, transformer, perceptron])
def test_other_names_change_nothing(make: Callable[[], Network], metanetwork: nn.Module):
    before, after = graph_of(*make()), graph_of(*renamed(make()))
    assert equal(before, after)
    assert digest(before) == digest(after)
    assert np.array_equal(judged(metanetwork, [before]), judged(metanetwork, [after]))


def renamed(network: Network) -> Network:
    """Every tensor and every operation under another name."""
    architecture, tensors = network
    operations = tuple(
        replace(
            each,
            name=f"other.{each.name}",
            inputs=tuple(given if given == architecture.input_name else f"other.{given}" for given in each.inputs),
        )
        for each in architecture.operations
    )
    text = to_json(replace(architecture, operations=operations))
    others = from_json(text.replace('"tensor":"', '"tensor":"other.'))
    return others, {f"other.{name}": array for name, array in tensors.items()}
