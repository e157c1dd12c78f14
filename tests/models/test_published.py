"""What ships: every published predictor judges one network alike in every form, and knows the sample."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from metagauge.architecture.infer import infer
from metagauge.architecture.network import Network as Structure
from metagauge.architecture.onnx.lift import lift
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.graph.build import build
from models.prediction import Prediction
from models.predictor import PRETRAINED, Predictor, available
from models.subject import Subject
from tests.architecture.onnx_export import Exporter, exported
from tests.blindness.dataflows import gated
from tests.declare.saved import through_file
from tests.judges import judged
from tests.networks import networks
from tests.sketches import Network, convolutional, perceptron, residual, transformer
from tests.zoo_networks import graph_of

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"


def subject(network: Structure, checkpoint: Checkpoint) -> Subject:
    """As it comes from a file."""
    graph = build(network, checkpoint)
    tensors = {name: each.array() for name, each in checkpoint.tensors.items()}
    return Subject(graph=graph, network=network, tensors=tensors)


def sample(name: str) -> Subject:
    checkpoint = read(SAMPLES / name, Limits())
    return subject(infer(checkpoint, None), checkpoint)


def metrics(predictor: str) -> dict:
    return json.loads((PRETRAINED / predictor / "metrics.json").read_text())


def predicted(predictor: str, subject: Subject) -> Prediction:
    (prediction,) = Predictor.load(predictor).predict([subject])
    return prediction


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
@pytest.mark.parametrize("name", networks())
@pytest.mark.parametrize("predictor", available())
def test_one_network_is_judged_alike_in_both_formats(predictor: str, name: str, exporter: Exporter):
    from_file, declared = through_file(name)
    from_onnx = exported(name, exporter, "dynamic")
    graphs = [build(declared, from_file), build(lift(from_onnx), from_onnx)]
    one, other = judged(Predictor.load(predictor).weights.metanetwork, graphs)
    assert abs(one - other).max() < 0.01


@pytest.mark.parametrize("predictor", available())
def test_the_sample_is_judged_alike_in_both_formats(predictor: str):
    onnx, safetensors = (predicted(predictor, sample(f"resnet.{kind}")) for kind in ("onnx", "safetensors"))
    assert onnx.basis == safetensors.basis == "weights and probes"
    assert onnx.test_accuracy is not None and safetensors.test_accuracy is not None
    assert abs(onnx.test_accuracy.value - safetensors.test_accuracy.value) < 0.01


@pytest.mark.parametrize("predictor", available())
def test_the_sample_is_like_networks_of_the_zoo_and_its_prediction_is_stable(predictor: str):
    found = predicted(predictor, sample("resnet.onnx"))
    assert found.nearest
    assert found.stability is not None
    assert all(move is not None and move < 0.01 for move in (found.stability.permutation, found.stability.rescale))


@pytest.mark.parametrize("name", ["test_accuracy", "generalization_gap"])
@pytest.mark.parametrize("predictor", available())
def test_intervals_cover_what_they_say_on_unseen_architectures(predictor: str, name: str):
    found = metrics(predictor)["intervals"][name]
    assert abs(found["measured"] - found["nominal"]) < 0.03
    if "served" in found:
        assert abs(found["served"] - found["measured"]) < 0.03, "what is served is what was counted"


@pytest.mark.parametrize("predictor", available())
def test_on_unseen_architectures_it_beats_what_is_cheaper(predictor: str):
    """Weights only beats weight statistics, and executing the network beats both."""
    measured = metrics(predictor)
    served = {part["part"]: part["everything"] for part in measured["test_accuracy"]}
    beside = [line for line in measured["scorecard"] if (line["arm"], line["method"]) == ("full", "statnn")]
    for score in ("r2", "tau"):
        assert served["test"][score] > served["test, weights only"][score]
        assert all(served["test, weights only"][score] > line["everything"][score]["mean"] for line in beside)


@pytest.mark.parametrize("make", [convolutional, residual, transformer, perceptron])
@pytest.mark.parametrize("predictor", available())
def test_nothing_is_said_against_networks_made_like_the_zoos(predictor: str, make: Callable[[], Network]):
    assert Predictor.load(predictor).config.task.objections(graph_of(*make())) == ()


@pytest.mark.parametrize("predictor", available())
def test_an_operation_that_no_zoo_has_is_outside(predictor: str):
    (reason,) = Predictor.load(predictor).config.task.objections(graph_of(*gated()))
    assert "no network had that" in reason
