"""Function-preserving transforms change the weights and not what is computed; the like of them do change that."""

from dataclasses import replace

import numpy as np
import pytest

from metagauge.architecture.layers import Activation, BatchNorm
from models.transforms.orbits import Orbits
from models.transforms.permute import permute
from models.transforms.registry import PRESERVING
from models.transforms.rescale import LEAST, MOST, rescale
from models.transforms.rounding import round_to
from models.transforms.transform import NotApplicableError
from models.transforms.widen import widen
from tests.models.transforms.examples import EXAMPLES, chain, conv, depthwise, distance, example, filled, linear

EXACT = 1e-5
"""Of float32 weights whose products were rounded once more."""
TOLERANCES = {"bfloat16": 0.05, "float16": 0.01, "int8": 0.15}
SOMETIMES = ("rescale", "fold")
"""Transforms that some networks have nothing for."""


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("transform", PRESERVING)
def test_the_function_stays(transform: str, name: str):
    before = example(name)
    kept = {key: array.copy() for key, array in before[1].items()}
    try:
        after = PRESERVING[transform](*before, np.random.default_rng(1))
    except NotApplicableError:
        assert transform in SOMETIMES
        return
    assert distance(before, after) < TOLERANCES.get(transform, EXACT)
    assert any(after[1].get(key) is None or not np.array_equal(after[1][key], kept[key]) for key in kept)
    assert all(np.array_equal(before[1][key], kept[key]) for key in kept), "the given arrays were changed"
    assert all(array.dtype == np.float32 for array in after[1].values())


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("transform", [permute, rescale])
def test_what_reads_the_neurons_has_to_change_with_them(transform, name: str):
    architecture, tensors = example(name)
    try:
        _, changed = transform(architecture, tensors, np.random.default_rng(1))
    except NotApplicableError:
        assert transform is rescale
        return
    moved = [key for key in tensors if not np.array_equal(changed[key], tensors[key])]
    assert distance((architecture, tensors), (architecture, changed | {moved[-1]: tensors[moved[-1]]})) > 100 * EXACT


@pytest.mark.parametrize("name", EXAMPLES)
def test_copies_that_do_not_share_compute_something_else(name: str):
    architecture, tensors = example(name)
    wider, changed = widen(architecture, tensors, np.random.default_rng(1))
    reader = [use.tensor for use in Orbits(architecture, tensors).uses if use.reads][-1]
    assert distance((architecture, tensors), (wider, changed | {reader: 2 * changed[reader]})) > 100 * EXACT


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_every_hidden_neuron_gets_as_many_copies(factor: int):
    architecture, tensors = depthwise()
    wider, changed = widen(architecture, tensors, np.random.default_rng(1), factor=factor)
    shapes = {key: array.shape for key, array in changed.items() if key.endswith(".w")}
    assert shapes["a.w"] == (8 * factor, 3, 3, 3)
    assert shapes["b.w"] == (8 * factor, 1, 3, 3)
    assert shapes["c.w"] == (6 * factor, 8 * factor, 1, 1)
    assert shapes["d.w"] == (10, 24 * factor)
    assert getattr(wider.operations[2].layer, "groups", 0) == 8 * factor


def test_factors_are_in_their_range():
    architecture, tensors = depthwise()
    _, changed = rescale(architecture, tensors, np.random.default_rng(1))
    factors = changed["a.b"] / tensors["a.b"]
    assert LEAST <= factors.min() < 0.5 < 2 < factors.max() <= MOST


def test_nothing_is_scaled_before_a_function_that_is_not_homogeneous():
    layers = (linear("a"), Activation(function="tanh"), linear("b"))
    tensors = filled({"a.w": (5, 4), "a.b": (5,), "b.w": (3, 5), "b.b": (3,)})
    architecture = replace(chain((4,), layers), input_layout="vector")
    with pytest.raises(NotApplicableError):
        rescale(architecture, tensors, np.random.default_rng(1))
    permute(architecture, tensors, np.random.default_rng(1))


def test_neurons_under_a_softmax_are_not_copied():
    layers = (linear("a"), Activation(function="softmax"), linear("b"))
    tensors = filled({"a.w": (5, 4), "a.b": (5,), "b.w": (3, 5), "b.b": (3,)})
    with pytest.raises(NotApplicableError):
        widen(replace(chain((4,), layers), input_layout="vector"), tensors, np.random.default_rng(1))


def test_a_shared_tensor_is_refused():
    layers = (linear("a"), Activation(function="relu"), linear("a"))
    tensors = filled({"a.w": (4, 4), "a.b": (4,)})
    with pytest.raises(NotApplicableError, match=r"a\.w"):
        permute(replace(chain((4,), layers), input_layout="vector"), tensors, np.random.default_rng(1))


def test_folding_leaves_no_batch_norm():
    found = 0
    for name in EXAMPLES:
        try:
            architecture, tensors = PRESERVING["fold"](*example(name), np.random.default_rng(1))
        except NotApplicableError:
            continue
        found += 1
        is_left = any(isinstance(operation.layer, BatchNorm) for operation in architecture.operations)
        assert not is_left or name.startswith("resnet") or name == "flattened_norm"
        assert not any("running" in key for key in tensors) or is_left
    assert found > 3


def test_a_number_too_large_for_a_type_is_refused():
    architecture = chain((3, 8, 8), (conv("a"),))
    tensors = filled({"a.w": (4, 3, 3, 3), "a.b": (4,)}) | {"a.b": np.full(4, 1e6, np.float32)}
    with pytest.raises(NotApplicableError, match=r"a\.b"):
        round_to(architecture, tensors, np.random.default_rng(1), precision="float16")
