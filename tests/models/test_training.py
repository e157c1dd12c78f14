"""From a zoo to a published predictor: fitted, calibrated, measured, and served."""

import json
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

import models.training.__main__ as training
from models.evaluation.__main__ import card
from models.evaluation.judged import values_only, without_bounds
from models.metanetworks.ensemble import ProductEnsemble, read_of
from models.metanetworks.products import ProductConfig, ProductMetanetwork
from models.metanetworks.reader import ReaderConfig
from models.metanetworks.targets import Measured, loss
from models.predictor import Predictor
from models.probes.activity import ACTIVITY_FEATURES
from models.probes.images import LEARNED, ProbeSet, draw_probes
from models.probes.responses import response_features, response_names
from models.training import method
from models.training.damage import damaged
from models.training.fit import FitConfig, apply, fit
from models.training.fit_reader import ReaderFitConfig, fit_reader
from models.training.fit_store import FitStore
from models.training.judging import ANSWERED, judge
from models.training.method import Fitted, fit_method
from models.training.networks import JobNetworks, load_networks
from models.training.probe_images import ProbeFitConfig, ProbeReader, learn_probes
from models.training.probing import ask_anew, ask_drawn, ask_learned
from models.transforms.registry import DAMAGING
from tests.models.conftest import Zoo
from tests.predictors import executed, subject_of
from tests.product_networks import random_ensemble, random_products

SMALL = ProductConfig(node_width=12, message_width=4, global_width=6, rounds=1, dropout=0.0)
FEW = ProbeFitConfig(images=4, grid=4, epochs=1)
BRIEF = ReaderFitConfig(steps=4)
BESIDE = ReaderConfig(count=2, width=8)


@pytest.fixture(scope="module")
def networks(mlp_zoo: Zoo) -> list[JobNetworks]:
    return load_networks([mlp_zoo.folder])


@cache
def drawn() -> ProbeSet:
    return draw_probes(2, seed=0)


@pytest.fixture(scope="module")
def asked(networks: list[JobNetworks]) -> list[JobNetworks]:
    return ask_drawn(networks, drawn())


def responses(networks: list[JobNetworks]) -> torch.Tensor:
    found = [job.graphs.responses for job in networks]
    return torch.cat([each for each in found if each is not None])


def test_a_fitted_metanetwork_fits(networks: list[JobNetworks]):
    jobs = networks[:3]
    measured = Measured.joined([job.measured for job in jobs])
    short, long = (fit(jobs, SMALL, FitConfig(epochs=epochs), seed=0) for epochs in (1, 15))
    before, after = (float(loss(apply(each, jobs), measured)) for each in (short, long))
    assert after < before


def test_a_fit_repeats(networks: list[JobNetworks]):
    one, again, other = (fit(networks[:2], SMALL, FitConfig(epochs=1), seed=seed) for seed in (0, 0, 1))
    outputs = [apply(each, networks[:2]) for each in (one, again, other)]
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.allclose(outputs[0], outputs[2])


def test_learned_images_are_images_and_repeat(networks: list[JobNetworks]):
    one, again, other = (learn_probes(networks[:2], FEW, seed) for seed in (0, 0, 1))
    assert one.images.shape == (FEW.images, 3, 32, 32)
    assert one.images.dtype == np.uint8
    assert (one.kind_of == LEARNED).all()
    assert np.array_equal(one.images, again.images)
    assert not np.array_equal(one.images, other.images)


def test_learning_lowers_the_loss(networks: list[JobNetworks], monkeypatch: pytest.MonkeyPatch):
    """Of images and reader together, on the networks that they are learned from."""
    kept: list[ProbeReader] = []

    class Kept(ProbeReader):
        def __init__(self, config: ProbeFitConfig) -> None:
            super().__init__(config)
            kept.append(self)

    monkeypatch.setattr("models.training.probe_images.ProbeReader", Kept)
    canvases = []
    for epochs in (1, 25):
        learn_probes(networks[:3], ProbeFitConfig(images=4, grid=4, epochs=epochs), seed=0)
        canvases.append(kept[-1].canvas.detach())
    before, after = (reading_loss(reader.eval(), networks[:3]) for reader in kept)
    assert after < before
    assert (canvases[1] - canvases[0]).abs().max() > 0.01


@torch.no_grad()
def reading_loss(reader: ProbeReader, networks: list[JobNetworks]) -> float:
    values = [loss(reader(job, torch.arange(len(job.entries))), job.measured) for job in networks]
    return float(torch.stack(values).mean())


def test_answers_that_were_kept_are_those_that_are_asked_anew(networks: list[JobNetworks], asked: list[JobNetworks]):
    folder = networks[0].zoo / "probed"
    kept = sorted(folder.rglob("*.safetensors"))
    assert len([path for path in kept if path.parent == kept[0].parent]) == len(networks)
    from_file, anew = ask_drawn(networks[:2], drawn()), ask_anew(networks[:2], drawn())
    for each in (from_file, anew):
        torch.testing.assert_close(responses(each), responses(asked[:2]), rtol=0, atol=1e-5)
        for job, other in zip(each, asked[:2], strict=True):
            for group, its in zip(job.graphs.groups, other.graphs.groups, strict=True):
                torch.testing.assert_close(group.activity, its.activity, rtol=0, atol=1e-5)
    other_images = ask_anew(networks[:2], draw_probes(2, seed=1))
    assert (responses(other_images) - responses(asked[:2])).abs().max() > 1e-2


def test_what_is_said_to_learned_images_comes_behind_what_is_said_to_drawn_ones(asked: list[JobNetworks]):
    learned = learn_probes(asked[:2], FEW, seed=0)
    told = ask_learned(asked[:2], learned)
    before, after = responses(asked[:2]), responses(told)
    assert after.shape[1] == len(response_names(FEW.images))
    assert torch.equal(after[:, : before.shape[1]], before)
    both = ask_anew(asked[:2], drawn().joined(learned))
    torch.testing.assert_close(after, responses(both), rtol=0, atol=1e-5)


def test_a_hybrid_learns_what_to_ask_and_reads_the_answers(asked: list[JobNetworks], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(method, "load_config", lambda _: hybrid())
    fitted = fit_method("hybrid", asked[:3], 0, FitConfig(epochs=1), FEW, reading=BRIEF)
    assert fitted.learned is not None and (fitted.learned.kind_of == LEARNED).all()
    said = fitted.outputs(asked)
    assert said.shape == (sum(len(job.entries) for job in asked), 4)
    other = Fitted(metanetwork=fitted.metanetwork, learned=learn_probes(asked[:3], FEW, 1))
    assert (said - other.outputs(asked)).abs().max() > 1e-5


def test_a_hybrid_learns_as_many_sets_of_images_as_its_readers_read(
    asked: list[JobNetworks], monkeypatch: pytest.MonkeyPatch
):
    one = hybrid()
    several = replace(one, readers=replace(BESIDE, count=2, sets=2))
    monkeypatch.setattr(method, "load_config", lambda _: several)
    readers = Mock(side_effect=lambda *given: fit_reader(*given))
    monkeypatch.setattr(method, "fit_reader", readers)
    fitted = fit_method("hybrid", asked[:3], 0, FitConfig(epochs=1), FEW, reading=BRIEF)
    sets = [learn_probes(asked[:3], FEW, seed) for seed in (0, 1)]
    assert fitted.learned is not None
    assert np.array_equal(fitted.learned.images, sets[0].joined(sets[1]).images)
    for images, call in zip(sets, readers.call_args_list, strict=True):
        alone = torch.cat([read_of(one, job.graphs) for job in ask_learned(asked[:3], images)])
        torch.testing.assert_close(call.args[0], alone)
    assert fitted.outputs(asked).isfinite().all()


@pytest.mark.parametrize("name", ["hybrid", "weights"])
def test_what_was_fitted_is_kept(
    name: method.Name, asked: list[JobNetworks], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(method, "load_config", lambda each: hybrid() if each == "hybrid" else SMALL)
    store = FitStore(tmp_path)
    refit = partial(fit_method, name, store=store, probes=FEW, reading=BRIEF)
    one = refit(asked[:3], 0, FitConfig(epochs=1))
    for wanted in ("fit", "fit_reader", "learn_probes"):
        monkeypatch.setattr(method, wanted, Mock(side_effect=InterruptedError(wanted)))
    again = refit(asked[:3], 0, FitConfig(epochs=1))
    assert torch.equal(one.outputs(asked), again.outputs(asked))
    for networks, seed, epochs in ((asked[:2], 0, 1), (asked[:3], 1, 1), (asked[:3], 0, 2)):
        with pytest.raises(InterruptedError):
            refit(networks, seed, FitConfig(epochs=epochs))
    assert not list(tmp_path.glob("*.partial"))


def test_an_ensemble_says_what_its_members_say_on_average(networks: list[JobNetworks], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(method, "load_config", lambda _: replace(SMALL, members=2))
    fitted = fit_method("weights", networks[:2], 0, FitConfig(epochs=1))
    assert isinstance(fitted.metanetwork, ProductEnsemble)
    members = [each for each in fitted.metanetwork.members if isinstance(each, ProductMetanetwork)]
    one, other = (apply(each, networks[2:4]) for each in members)
    assert (one - other).abs().max() > 1e-3
    torch.testing.assert_close(fitted.outputs(networks[2:4]), (one + other) / 2)
    monkeypatch.setattr(method, "load_config", lambda _: SMALL)
    alone, last = (fit_method("weights", networks[:2], seed, FitConfig(epochs=1)) for seed in (0, 1))
    torch.testing.assert_close(alone.outputs(networks[2:4]), one)
    torch.testing.assert_close(last.outputs(networks[2:4]), other)


def test_ensembles_of_two_seeds_share_no_member(networks: list[JobNetworks], monkeypatch: pytest.MonkeyPatch):
    members, readers = Mock(side_effect=lambda *given: fit(*given)), Mock(side_effect=lambda *given: fit_reader(*given))
    monkeypatch.setattr(method, "fit", members)
    monkeypatch.setattr(method, "fit_reader", readers)
    monkeypatch.setattr(method, "load_config", lambda _: replace(SMALL, shape=True, members=2, readers=BESIDE))
    for seed in (0, 1):
        fit_method("weights", networks[:1], seed, FitConfig(epochs=1), reading=BRIEF)
    assert [call.args[-1] for call in members.call_args_list] == [0, 1, 2, 3]
    assert [call.args[-1] for call in readers.call_args_list] == [0, 1, 2, 3]


def hybrid(learned: int = FEW.images) -> ProductConfig:
    """A small one that reads the answers to so many learned images."""
    return replace(
        SMALL,
        activity=ACTIVITY_FEATURES,
        responses=response_features(learned),
        shape=True,
        told_width=16,
        readers=BESIDE,
    )


@pytest.mark.parametrize("asks", [False, True])
def test_a_judge_answers_most_and_knows_networks_of_the_zoo(
    asks: bool, asked: list[JobNetworks], monkeypatch: pytest.MonkeyPatch
):
    learned = learn_probes(asked[:2], FEW, seed=0)
    weights = Fitted(metanetwork=random_products())
    asking = Fitted(metanetwork=random_ensemble(hybrid()), learned=learned) if asks else None
    seen, unseen = (ask_learned(part, learned) for part in (asked[:8], asked[8:]))
    monkeypatch.setattr("models.neighbourhood.neighbourhood.STEPS", 20)
    broken = ask_anew(damaged([job.where(first(job)) for job in seen], DAMAGING, 0), drawn().joined(learned))
    found = judge(weights, asking, seen, unseen, broken, unseen)
    assert found.config.metanetwork == (asking or weights).metanetwork.config
    assert ANSWERED <= found.config.threshold <= 1.01
    assert set(found.landmarks.families) == {"mlp"}
    assert len(found.landmarks.places) == sum(len(job.entries) for job in seen)
    assert all("neurons" in words or "hidden" in words for words in found.landmarks.descriptions)


def first(job: JobNetworks) -> np.ndarray:
    return np.arange(len(job.entries)) == 0


def test_a_predictor_is_trained_measured_and_served(mlp_zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("models.neighbourhood.neighbourhood.STEPS", 20)
    monkeypatch.setattr(training, "drawn_probes", drawn)
    shipped = {"hybrid": hybrid(64), "weights": replace(SMALL, members=2)}
    monkeypatch.setattr(method, "load_config", shipped.get)
    out = tmp_path / "small-v3"
    training.train(out, [mlp_zoo.folder], epochs=1, probe_epochs=1)
    card([mlp_zoo.folder], out, tmp_path / "scores")
    metrics = json.loads((out / "metrics.json").read_text())
    assert 0 <= metrics["intervals"]["test_accuracy"]["measured"] <= 1
    whole, *parts = (part["architectures"] for part in metrics["networks"])
    assert sum(parts) == whole
    assert "small" in (out / "card.md").read_text()
    predictor = Predictor.load(out)
    assert (predictor.name, predictor.version) == ("small", 3)
    assert "MLPs" in predictor.config.domain
    architecture, stored = mlp_zoo.store.networks(0)
    _, _, tensors = next(stored)
    subject = subject_of(architecture, tensors)
    (prediction,) = values_only(without_bounds(predictor)).predict([subject])
    assert prediction.test_accuracy is not None
    assert prediction.test_accuracy.value == pytest.approx(float(executed(predictor, subject)[0].sigmoid()), abs=1e-5)
    assert prediction.nearest[0].family == "mlp"
