"""The nearest networks of the zoo, in words."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from metagauge.graph.parameter_graph import NodeGroup, ParameterGraph
from models.neighbourhood.landmarks import Landmarks, choose
from models.neighbourhood.words import describe
from tests.sketches import residual
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of

LANDMARKS = Landmarks(
    places=torch.tensor([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0], [0.5, 0.0]]),
    test_accuracies=torch.tensor([0.1, 0.2, 0.3, 0.4]),
    families=("cnn", "mlp", "vit", "cnn"),
    descriptions=("a", "b", "c", "a"),
)


def test_the_nearest_come_first_and_each_once():
    found = LANDMARKS.nearest(torch.tensor([0.1, 0.0]))
    assert [(each.family, each.description) for each in found] == [("cnn", "a"), ("vit", "c"), ("mlp", "b")]
    assert [each.distance for each in found] == sorted(each.distance for each in found)
    assert found[0].test_accuracy == pytest.approx(0.1)


def test_another_place_has_other_neighbours():
    (nearest,) = LANDMARKS.nearest(torch.tensor([3.0, 3.0]), count=1)
    assert nearest.description == "b"


def test_landmarks_are_what_they_were_saved_as(tmp_path: Path):
    save_file(LANDMARKS.tensors(), tmp_path / "landmarks.safetensors")
    again = Landmarks.from_tensors(load_file(tmp_path / "landmarks.safetensors"))
    place = torch.tensor([0.7, 0.1])
    assert again.nearest(place) == LANDMARKS.nearest(place)


def test_words_that_do_not_fit_the_places_are_refused():
    with pytest.raises(ValueError, match="as many words"):
        Landmarks.from_tensors(replace(LANDMARKS, families=("cnn",)).tensors())


def test_every_architecture_has_a_landmark_before_one_has_two():
    architectures = ["a"] * 50 + ["b"] * 3 + ["c"] * 10
    chosen = [architectures[number] for number in choose(architectures, 0, most=8)]
    assert Counter(chosen) == {"a": 3, "b": 2, "c": 3} or Counter(chosen) == {"a": 3, "b": 3, "c": 2}
    assert len(choose(architectures, 0, most=2)) == 2


def test_a_residual_network_is_described():
    assert "channels" in describe(graph_of(*residual()))


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_every_family_is_described(family: str):
    words = describe(graph_of(*drawn(family)))
    assert words[0].isdigit()
    assert len(words) < 100


def test_a_network_without_hidden_layers_is_described():
    ends = (NodeGroup(name="x", kind="input", size=3), NodeGroup(name="y", kind="output", size=10))
    assert describe(ParameterGraph(groups=ends, blocks=(), family="mlp")) == "no hidden layer"
