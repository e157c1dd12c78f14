"""From a zoo to a published predictor: fitted, calibrated, measured beside its baselines, and served."""

import json
from pathlib import Path

import pytest
import torch

import models.training.__main__ as training
from models.evaluation.__main__ import card
from models.metanetworks.edges_v2 import GmnConfig, loss
from models.predictor import Predictor
from models.training.fit import FitConfig, apply, fit
from models.training.networks import JobNetworks, load_networks
from tests.models.conftest import Zoo
from tests.zoo_networks import graph_of

SMALL = GmnConfig(node_width=12, edge_width=4, global_width=6, rounds=1, dropout=0.0)


@pytest.fixture(scope="module")
def networks(mlp_zoo: Zoo) -> list[JobNetworks]:
    return load_networks(mlp_zoo.store)


def test_a_fitted_metanetwork_fits(networks: list[JobNetworks]):
    jobs = networks[:3]
    accuracy, gap = (torch.cat(values) for values in ([job.accuracy for job in jobs], [job.gap for job in jobs]))
    short, long = (fit(jobs, SMALL, FitConfig(epochs=epochs), seed=0) for epochs in (1, 10))
    before, after = (float(loss(apply(each, jobs), accuracy, gap)) for each in (short, long))
    assert after < before


def test_a_fit_repeats(networks: list[JobNetworks]):
    one, again, other = (fit(networks[:2], SMALL, FitConfig(epochs=1), seed=seed) for seed in (0, 0, 1))
    outputs = [apply(each, networks[:2]) for each in (one, again, other)]
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.allclose(outputs[0], outputs[2])


def test_a_predictor_is_trained_measured_and_served(
    mlp_zoo: Zoo, networks: list[JobNetworks], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(training, "GmnConfig", lambda: SMALL)
    by_architecture = tmp_path / "small-v3"
    training.train(mlp_zoo.folder, by_architecture, by="architecture", epochs=2)
    card([mlp_zoo.folder], by_architecture, tmp_path / "scores")
    metrics = json.loads((by_architecture / "metrics.json").read_text())
    assert 0 <= metrics["intervals"]["test_accuracy"]["measured"] <= 1
    whole, *parts = (part["architectures"] for part in metrics["networks"])
    assert sum(parts) == whole
    assert "small" in (by_architecture / "card.md").read_text()
    predictor = Predictor.load(by_architecture)
    assert (predictor.name, predictor.version) == ("small", 3)
    architecture, stored = mlp_zoo.store.networks(0)
    _, _, tensors = next(stored)
    (prediction,) = predictor.predict([graph_of(architecture, tensors)])
    row = float(apply(predictor.metanetwork, networks[:1])[0, 0].sigmoid())
    assert prediction.test_accuracy is not None
    assert prediction.test_accuracy.value == pytest.approx(row, abs=1e-5)
    assert prediction.test_accuracy.low <= row <= prediction.test_accuracy.high
