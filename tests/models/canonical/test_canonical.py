"""Networks that differ in copies and scales of neurons alone have one canonical graph, and others have others."""

from dataclasses import replace

import numpy as np
import pytest

from metagauge.architecture.infer import infer
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.graph.build import build
from metagauge.graph.digest import differences
from metagauge.graph.parameter_graph import ParameterGraph
from models.canonical.canonical import canonical
from models.canonical.merge import merge
from models.canonical.rescale import rescale
from models.transforms import rescale as rescaling
from models.transforms.permute import permute
from models.transforms.transform import NotApplicableError
from models.transforms.widen import widen
from models.zoo.export import to_onnx
from tests.exported import shapes_unchecked
from tests.models.canonical.written_back import foldless, rebuilt, written_back
from tests.models.transforms.examples import EXAMPLES, Example, distance, example
from tests.zoo_networks import graph_of

SAME = 2e-5
"""Share of a block's largest weight: float32 rounds each of a few products."""
EXACT = 1e-4
WIDENED = tuple(name for name in EXAMPLES if name != "flattened_norm")
"""Channels that are normalised at each flattened position by itself are not merged."""


def scaled_apart(network: Example, seed: int) -> Example:
    try:
        return rescaling.rescale(*network, np.random.default_rng(seed))
    except NotApplicableError:
        return network


def scales_matter(name: str) -> bool:
    return bool(differences(graph_of(*example(name)), graph_of(*scaled_apart(example(name), 1)), 0.01))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_canonical_graph_computes_the_same(name: str):
    architecture, graph = rebuilt(example(name))
    assert distance(foldless(example(name)), written_back(architecture, canonical(graph))) < EXACT


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_canonical_graph_of_a_widened_network_computes_the_same(name: str):
    wide = scaled_apart(widen(*example(name), np.random.default_rng(1), factor=3), 2)
    architecture, graph = rebuilt(wide)
    made = canonical(graph)
    assert made.edges < graph.edges
    assert distance(foldless(example(name)), written_back(architecture, made)) < EXACT


@pytest.mark.parametrize("name", EXAMPLES)
def test_another_scale_of_neurons_is_the_same_graph(name: str):
    network = example(name)
    one, other = (canonical(graph_of(*each)) for each in (network, scaled_apart(network, 1)))
    assert not differences(one, other, SAME)


def test_scales_are_another_graph_before():
    assert sum(scales_matter(name) for name in EXAMPLES) > 15


@pytest.mark.parametrize("factor", [2, 8])
@pytest.mark.parametrize("name", WIDENED)
def test_copies_of_neurons_are_the_same_graph(name: str, factor: int):
    narrow, wide = (
        graph_of(*each) for each in (example(name), widen(*example(name), np.random.default_rng(1), factor=factor))
    )
    assert not differences(narrow, merge(wide), SAME)
    assert differences(narrow, wide, SAME)


@pytest.mark.parametrize("name", WIDENED)
def test_copies_that_were_scaled_apart_are_the_same_graph(name: str):
    wide = scaled_apart(widen(*example(name), np.random.default_rng(1), factor=4), 2)
    assert not differences(canonical(graph_of(*example(name))), canonical(graph_of(*wide)), SAME)


@pytest.mark.parametrize("name", WIDENED)
def test_copies_are_found_in_any_order(name: str):
    rng = np.random.default_rng(3)
    wide = permute(*widen(*example(name), rng, factor=2), rng)
    made, narrow = canonical(graph_of(*wide)), canonical(graph_of(*example(name)))
    assert [group.size for group in made.groups] == [group.size for group in narrow.groups]
    assert np.allclose(order_free(made), order_free(narrow), rtol=1e-3, atol=1e-5)
    assert not np.allclose(order_free(made), order_free(graph_of(*wide)), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_canonical_graph_stays_the_very_same(name: str):
    made = canonical(graph_of(*example(name)))
    assert canonical(made) is made


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_changed_weight_is_another_graph(name: str):
    architecture, tensors = example(name)
    head = next(key for key in reversed(tensors) if tensors[key].ndim == 2)
    changed = tensors | {head: tensors[head].copy()}
    changed[head][0, 0] += 0.1
    assert differences(canonical(graph_of(architecture, tensors)), canonical(graph_of(architecture, changed)), SAME)


@pytest.mark.parametrize("share", [0.5, -1.0])
def test_neurons_that_are_nearly_copies_stay(share: float):
    architecture, tensors = example("mlp-0")
    wide, changed = widen(architecture, tensors, np.random.default_rng(1))
    assert merge(graph_of(wide, changed)).nodes == graph_of(architecture, tensors).nodes
    name = next(iter(changed))
    changed[name] = changed[name].copy()
    changed[name][::2] *= 1 + 1e-3 * share
    assert merge(graph_of(wide, changed)).nodes > graph_of(architecture, tensors).nodes


def test_unequal_numbers_of_copies_stay_under_a_norm_that_would_see_them():
    """A layer norm of a, a, b is not one of a, b."""
    architecture, tensors = example("flattened_norm")
    changed = dict(tensors)
    for name in ("d.w", "d.b", "m.scale", "m.shift"):
        changed[name] = tensors[name].copy()
        changed[name][1] = changed[name][0]
    graph = graph_of(architecture, changed)
    assert merge(graph) is graph
    bare = tuple(each for each in architecture.operations if each.layer.kind != "layer_norm")
    names = ("input", *(each.name for each in bare))
    chained = tuple(replace(each, inputs=(name,)) for each, name in zip(bare, names, strict=False))
    assert merge(graph_of(replace(architecture, operations=chained), changed)).nodes == 8 + graph_nodes(
        chained, changed
    )


def graph_nodes(operations, tensors) -> int:
    """Nodes of the chain but for its hidden layer of nine."""
    architecture, _ = example("flattened_norm")
    return graph_of(replace(architecture, operations=operations), tensors).nodes - 9


@pytest.mark.parametrize("name", ["resnet-0", "cnn-0", "deepsets-1"])
def test_an_export_has_the_canonical_graph_of_its_network(name: str, tmp_path):
    network = scaled_apart(example(name), 1)
    path = tmp_path / "network.onnx"
    with shapes_unchecked():
        path.write_bytes(to_onnx(*network))
    checkpoint = read(path, Limits())
    exported = build(infer(checkpoint, None), checkpoint)
    assert not differences(canonical(exported), canonical(graph_of(*example(name))), SAME)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e30, 1e-30, 0.0])
@pytest.mark.filterwarnings("error")
def test_numbers_of_any_kind_are_taken_as_they_are(number: float):
    """Neurons without a usable norm keep their scale; what is no number is no copy of anything."""
    architecture, tensors = example("depthwise")
    changed = {key: array.copy() for key, array in tensors.items()}
    changed["a.w"][:2] = number
    changed["a.b"][0] = number
    graph = graph_of(architecture, changed)
    made = canonical(graph)
    assert made.nodes == graph.nodes
    kept = next(block for block in made.blocks if block.name == "a.w").weight
    assert np.array_equal(np.isfinite(kept).ravel(), np.isfinite(changed["a.w"]).ravel())


def test_blocks_that_nothing_changes_are_not_copied():
    graph = graph_of(*example("vit-0"))
    made = rescale(graph)
    same = [new is old for new, old in zip(made.blocks, graph.blocks, strict=True)]
    assert any(same)
    assert not all(same)


def order_free(graph: ParameterGraph) -> np.ndarray:
    """For each block the sums of its weights' powers: what no order of neurons changes."""
    weights = [np.asarray(block.weight, np.float64) for block in graph.blocks]
    return np.array([[(np.abs(weight) ** power).sum() for power in (1, 2, 3)] for weight in weights])
