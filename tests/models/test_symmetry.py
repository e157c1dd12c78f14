"""The order of hidden neurons changes neither what a network computes nor what we say about it; anything else does."""

from dataclasses import replace

import numpy as np
import pytest

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.layers import Activation, Attention
from models.metanetworks.config import AnyMetanetwork
from models.predictor import Predictor
from tests.exported import images, onnx_outputs
from tests.judges import JUDGES, judge, judged
from tests.permutation import Tensors, moved, permute
from tests.predictors import PREDICTORS, executed, predictor, subject_of
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of

SAME = 1e-5
"""Bound on rounding in predictions; predictions are fractions of one."""
SAME_ANSWERS = 2e-3
"""The same for what is said of networks that are executed in float32, and their answers on a scale of logarithms."""
SEEDS = (1, 2)


@pytest.fixture(scope="module", params=JUDGES)
def metanetwork(request: pytest.FixtureRequest) -> AnyMetanetwork:
    return judge(request.param)


@pytest.fixture(scope="module", params=PREDICTORS)
def judging(request: pytest.FixtureRequest) -> Predictor:
    return predictor(request.param)


def say(metanetwork: AnyMetanetwork, architecture: Architecture, tensors: Tensors) -> np.ndarray:
    return judged(metanetwork, [graph_of(architecture, tensors)])[0]


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_permuted_hidden_neurons_compute_the_same(family: str):
    architecture, tensors = drawn(family, 2)
    permuted = permute(architecture, tensors, np.random.default_rng(1))
    assert moved(tensors, permuted) > 0.5
    before, after = (onnx_outputs(architecture, each, images()) for each in (tensors, permuted))
    assert distance(before, after) < 1e-5 * max(1.0, float(np.abs(before).max()))


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_neurons_permuted_on_one_side_compute_something_else(family: str):
    architecture, tensors = drawn(family, 2)
    broken = permute(architecture, tensors, np.random.default_rng(1), one_side=True)
    assert distance(*(onnx_outputs(architecture, each, images()) for each in (tensors, broken))) > 0.1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_permuted_hidden_neurons_are_judged_the_same(family: str, seed: int, metanetwork: AnyMetanetwork):
    architecture, tensors = drawn(family, seed)
    permuted = permute(architecture, tensors, np.random.default_rng(seed))
    assert distance(say(metanetwork, architecture, tensors), say(metanetwork, architecture, permuted)) < SAME


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_neurons_permuted_on_one_side_are_judged_otherwise(family: str, seed: int, metanetwork: AnyMetanetwork):
    architecture, tensors = drawn(family, seed)
    broken = permute(architecture, tensors, np.random.default_rng(seed), one_side=True)
    assert distance(say(metanetwork, architecture, tensors), say(metanetwork, architecture, broken)) > SAME


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_an_executed_network_is_judged_the_same_in_any_order(family: str, judging: Predictor):
    architecture, tensors = drawn(family, 2)
    orders = [permute(architecture, tensors, np.random.default_rng(1), one_side=broken) for broken in (False, True)]
    before, same, other = (executed(judging, subject_of(architecture, each)).numpy() for each in (tensors, *orders))
    assert distance(before, same) < SAME_ANSWERS
    assert distance(before, other) > SAME_ANSWERS


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_one_changed_weight_is_noticed(family: str, metanetwork: AnyMetanetwork):
    architecture, tensors = drawn(family)
    name = "head.weight"
    changed = {**tensors, name: tensors[name].copy()}
    changed[name][0, 0] += 1
    assert distance(say(metanetwork, architecture, tensors), say(metanetwork, architecture, changed)) > SAME


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_another_activation_is_noticed(family: str, metanetwork: AnyMetanetwork):
    architecture, tensors = drawn(family)
    changed = replace_layers(architecture, Activation, lambda layer: replace(layer, function="mish", slope=0.0))
    assert changed != architecture
    assert distance(say(metanetwork, architecture, tensors), say(metanetwork, changed, tensors)) > SAME


def test_another_number_of_heads_is_noticed(metanetwork: AnyMetanetwork):
    architecture, tensors = drawn("vit")
    changed = replace_layers(architecture, Attention, lambda layer: replace(layer, heads=8 if layer.heads != 8 else 4))
    assert distance(say(metanetwork, architecture, tensors), say(metanetwork, changed, tensors)) > SAME


def replace_layers(architecture: Architecture, kind: type, change) -> Architecture:
    operations = tuple(
        replace(each, layer=change(each.layer)) if isinstance(each.layer, kind) else each
        for each in architecture.operations
    )
    return replace(architecture, operations=operations)
