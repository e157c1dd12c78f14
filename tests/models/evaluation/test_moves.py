"""Moves of predictions under changes that keep the function."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from metagauge.architecture.architecture import Architecture
from models.evaluation.forms import forms
from models.evaluation.moves import Moves, Trained, moves_of, trained_of, transforms
from models.interpreter.layers import run
from models.subject import Subject
from models.transforms.transform import NotApplicableError
from tests.exported import shapes_unchecked
from tests.models.evaluation.fake_jobs import job

EXACT = ("permute", "widen-2", "rescale", "fold")


@pytest.fixture(scope="module")
def networks() -> list[Trained]:
    return trained_of([job(0, "cnn"), job(1, "mlp")], 2, seed=0)


def by_function(subject: Subject) -> float:
    """Sees what the network computes, and nothing else."""
    assert isinstance(subject.network, Architecture) and subject.tensors is not None
    images = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in subject.tensors.items()}
    return float(run(subject.network, tensors, images).softmax(-1)[0, 0])


def by_weights(subject: Subject) -> float:
    """Sees the sum of squares of all parameters, which no function is."""
    return float(sum(np.square(np.asarray(block.weight, np.float64)).sum() for block in subject.graph.blocks))


def changed(judge, networks: list[Trained], names: tuple[str, ...]) -> list[Moves]:
    known = {**transforms(), **forms()}
    return moves_of(judge, networks, {name: known[name] for name in names}, seed=0)


def test_a_judge_of_functions_does_not_move(networks: list[Trained]):
    for found in changed(by_function, networks, EXACT):
        assert found.largest is None or found.largest < 1e-4, found.change


def test_a_judge_of_weights_moves(networks: list[Trained]):
    (found,) = changed(by_weights, networks, ("widen-2",))
    assert found.networks == 2
    assert found.largest is not None and found.largest > 1e-2
    assert found.largest == max(found.families.values())


def test_files_of_one_network_compute_the_same(networks: list[Trained]):
    exact, rounded = changed(by_function, networks, ("safetensors, float32", "safetensors, bfloat16"))
    assert exact.largest is not None and exact.largest < 1e-6
    assert rounded.largest is not None and 0 < rounded.largest < 0.1


def test_an_onnx_file_of_a_network_computes_the_same(networks: list[Trained]):
    with shapes_unchecked():
        (found,) = changed(by_function, networks[:1], ("ONNX",))
    assert found.largest is not None and found.largest < 1e-4


def test_what_does_not_apply_is_counted(networks: list[Trained]):
    def never(architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator) -> Subject:
        raise NotApplicableError("nothing to change")

    (found,) = moves_of(by_function, networks, {"never": never}, seed=0)
    assert (found.networks, found.not_applicable, found.mean, found.largest) == (0, 2, None, None)


def test_abstentions_are_counted_and_not_averaged(networks: list[Trained]):
    (found,) = changed(lambda subject: float("nan"), networks, ("permute",))
    assert (found.networks, found.abstained) == (0, 2)


def test_networks_are_trained_ones():
    one = job(3)
    (found,) = trained_of([one], 5, seed=0)
    rows = [row for row, entry in enumerate(one.entries) if entry.is_final]
    name = next(iter(found.tensors))
    assert any(np.array_equal(found.tensors[name], one.tensors[name][row].numpy()) for row in rows)
