"""Where the values of neurons are found: every group's place holds as many neurons at as many positions as it has."""

from math import prod

import numpy as np
import pytest
import torch

from metagauge.architecture.architecture import Architecture
from metagauge.graph.parameter_graph import NodeGroup
from metagauge.graph.places import Place, places
from models.interpreter.layers import Part, run_population
from tests.zoo_networks import FAMILY_NAMES, Tensors, drawn, graph_of

SEEDS = range(4)


def found(architecture: Architecture, tensors: Tensors) -> list[tuple[NodeGroup, Place | None]]:
    shapes = {name: array.shape for name, array in tensors.items()}
    return list(zip(graph_of(architecture, tensors).groups, places(architecture, shapes), strict=True))


def elements(architecture: Architecture, tensors: Tensors) -> dict[tuple[str, Part], int]:
    """How many numbers every value has, as the network is run on one image."""
    sizes: dict[tuple[str, Part], int] = {}
    stacked = {name: torch.from_numpy(array)[None] for name, array in tensors.items()}
    image = torch.zeros(1, *architecture.input_shape)
    run_population(
        architecture,
        stacked,
        image,
        training=False,
        observe=lambda name, part, _, tensor: sizes.update({(name, part): tensor.numel()}),
    )
    return sizes


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_place_has_the_size_of_its_group(family: str, seed: int):
    architecture, tensors = drawn(family, seed)
    sizes = elements(architecture, tensors)
    known = [(group, place) for group, place in found(architecture, tensors) if place is not None]
    assert len(known) > 2
    for group, place in known:
        assert sizes[place.value, place.part] == group.size * group.positions, group


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_only_heads_and_runs_of_norms_have_no_place(family: str, seed: int):
    architecture, tensors = drawn(family, seed)
    for group, place in found(architecture, tensors):
        is_extra = group.kind == "parameter" or group.operation == "standardise" or group.activation == "softmax"
        assert (place is None) == is_extra, group


def test_a_place_is_after_norm_and_activation():
    architecture, tensors = drawn("resnet", 1)
    layers = {operation.name: operation.layer.kind for operation in architecture.operations}
    seen = set()
    for group, place in found(architecture, tensors):
        if place is not None and group.kind == "hidden" and not place.flattened:
            last = "activation" if group.activation != "identity" else "group_norm" if group.norm == "group" else None
            assert last is None or layers[place.value] == last, group
            seen.add(last)
    assert seen >= {"activation"}


def test_a_flattened_place_keeps_positions_apart_from_neurons():
    flattened = [
        (group, place)
        for seed in range(12)
        for group, place in found(*drawn("cnn1d", seed))
        if place is not None and place.flattened
    ]
    assert flattened
    assert all(prod(place.flattened) == group.positions for group, place in flattened)


def test_shapes_are_enough():
    architecture, tensors = drawn("vit", 1)
    shapes = {name: array.shape for name, array in tensors.items()}
    other = {name: np.zeros_like(array) for name, array in tensors.items()}
    assert found(architecture, other) == found(architecture, tensors)
    assert len(places(architecture, shapes)) == len(graph_of(architecture, tensors).groups)
