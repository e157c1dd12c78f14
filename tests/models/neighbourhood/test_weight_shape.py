"""What weights look like: the same for reordered neurons, another for what was shuffled or rounded."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from metagauge.architecture.architecture import Architecture
from models.graph_tensors import stack
from models.neighbourhood.weight_shape import WEIGHT_SHAPE, weight_shape
from models.transforms.damage import shuffle
from models.transforms.permute import permute
from models.transforms.rounding import quantise
from models.transforms.transform import Transform
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of


def shape_of(architecture: Architecture, tensors: Mapping[str, np.ndarray]) -> Tensor:
    return weight_shape(stack([graph_of(architecture, dict(tensors))]))[0]


def changed(transform: Transform, family: str) -> tuple[Tensor, Tensor]:
    """Of a network, and of the network changed."""
    architecture, tensors = drawn(family)
    return shape_of(architecture, tensors), shape_of(*transform(architecture, tensors, np.random.default_rng(0)))


def trained(outputs: int, inputs: int) -> np.ndarray:
    """A weight in which one direction is large."""
    rng = np.random.default_rng(0)
    return (
        rng.normal(size=(outputs, inputs)) + 2 * np.outer(rng.normal(size=outputs), rng.normal(size=inputs))
    ).astype(np.float32)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_there_is_a_finite_number_for_each_name(family: str):
    found = shape_of(*drawn(family))
    assert found.shape == (len(WEIGHT_SHAPE),)
    assert found.isfinite().all()
    assert len(set(WEIGHT_SHAPE)) == len(WEIGHT_SHAPE)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_the_order_of_hidden_neurons_does_not_matter(family: str):
    before, after = changed(permute, family)
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_the_order_of_weights_does_matter(family: str):
    before, after = changed(shuffle, family)
    assert (after - before).abs().max() > 0.05


def test_a_weight_of_one_direction_is_told_from_its_numbers_in_another_order():
    architecture, tensors = drawn("mlp")
    tensors |= {name: trained(*array.shape) for name, array in tensors.items() if array.ndim == 2}
    before = dict(zip(WEIGHT_SHAPE, shape_of(architecture, tensors), strict=True))
    shuffled = shuffle(architecture, tensors, np.random.default_rng(0))
    after = dict(zip(WEIGHT_SHAPE, shape_of(*shuffled), strict=True))
    direction = "how much of a layer is one direction on average"
    assert before[direction] > after[direction] + 0.3
    assert after["the size of weights on average"] == pytest.approx(before["the size of weights on average"])


@pytest.mark.parametrize(("bits", "coarse"), [(2, True), (3, True), (8, False)])
def test_only_coarse_rounding_leaves_few_values(bits: int, coarse: bool):
    _, after = changed(partial(quantise, bits=bits), "cnn")
    values = dict(zip(WEIGHT_SHAPE, after, strict=True))["how many different values weights have at least"]
    assert (float(values) < -1) == coarse


def test_networks_are_seen_together_as_alone():
    architecture, tensors = drawn("resnet")
    other = {name: array * 2 for name, array in tensors.items()}
    together = weight_shape(stack([graph_of(architecture, tensors), graph_of(architecture, other)]))
    torch.testing.assert_close(together, torch.stack([shape_of(architecture, tensors), shape_of(architecture, other)]))
    assert not torch.equal(together[0], together[1])
