"""Damaging transforms change what is computed, and keep what they say that they keep."""

import numpy as np
import pytest

from models.transforms.damage import add_noise, reinitialise, shuffle, swap_layers, truncated
from models.transforms.registry import DAMAGING
from models.transforms.rounding import quantise
from models.transforms.transform import NotApplicableError
from models.transforms.weights import weight_names
from tests.models.transforms.examples import EXAMPLES, chain, depthwise, distance, example, linear


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("transform", DAMAGING)
def test_damage_changes_the_function_and_no_shape(transform: str, name: str):
    before = example(name)
    kept = {key: array.copy() for key, array in before[1].items()}
    try:
        after = DAMAGING[transform](*before, np.random.default_rng(1))
    except NotApplicableError:
        assert transform == "swap-layers"
        return
    assert distance(before, after) > 0.3
    assert after[0] == before[0]
    assert {key: array.shape for key, array in after[1].items()} == {key: each.shape for key, each in kept.items()}
    assert all(np.array_equal(before[1][key], kept[key]) for key in kept), "the given arrays were changed"


def test_biases_norms_and_tables_are_left_alone():
    architecture, tensors = example("vit-1")
    _, changed = reinitialise(architecture, tensors, np.random.default_rng(1))
    weights = set(weight_names(architecture))
    assert {key for key in tensors if not np.array_equal(tensors[key], changed[key])} == weights
    assert len(weights) < len(tensors)


def test_noise_has_the_size_it_was_asked_for():
    architecture, tensors = example("mlp-0")
    _, changed = add_noise(architecture, tensors, np.random.default_rng(1), sigma=0.3)
    name = max(weight_names(architecture), key=lambda key: tensors[key].size)
    ratio = np.std(changed[name] - tensors[name]) / np.sqrt(np.mean(tensors[name] ** 2))
    assert ratio == pytest.approx(0.3, rel=0.1)


def test_shuffling_keeps_the_elements_and_moves_them():
    architecture, tensors = depthwise()
    _, changed = shuffle(architecture, tensors, np.random.default_rng(1))
    for name in weight_names(architecture):
        assert np.array_equal(np.sort(changed[name], axis=None), np.sort(tensors[name], axis=None))
        assert not np.array_equal(changed[name], tensors[name])


def test_two_bits_leave_three_levels():
    architecture, tensors = depthwise()
    _, changed = quantise(architecture, tensors, np.random.default_rng(1), bits=2)
    assert all(len(np.unique(changed[name])) <= 3 for name in weight_names(architecture))
    assert any(len(np.unique(tensors[name])) > 3 for name in weight_names(architecture))


def test_layers_of_one_shape_change_places():
    architecture = chain((4,), (linear("a"), linear("b")))
    tensors = {"a.w": np.eye(4), "b.w": np.ones((4, 4)), "a.b": np.zeros(4), "b.b": np.ones(4)}
    _, changed = swap_layers(architecture, tensors, np.random.default_rng(1))
    assert np.array_equal(changed["a.w"], tensors["b.w"])
    assert np.array_equal(changed["b.w"], tensors["a.w"])
    assert np.array_equal(changed["a.b"], tensors["a.b"])


def test_truncated_training_takes_some_weights_of_an_earlier_step():
    architecture, tensors = depthwise()
    early = {name: array + 1 for name, array in tensors.items()}
    _, changed = truncated(early, share=0.5)(architecture, tensors, np.random.default_rng(1))
    is_early = [changed[name] is early[name] for name in weight_names(architecture)]
    assert sum(is_early) == 2
    assert all(changed[name] is tensors[name] for name in tensors if name.endswith(".b"))
