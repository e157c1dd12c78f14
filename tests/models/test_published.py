"""What ships: every published predictor judges one network alike in every form, and knows the sample."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from metagauge.architecture.infer import infer
from metagauge.architecture.onnx.lift import lift
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import ParameterGraph
from models.prediction import Prediction
from models.predictor import PRETRAINED, Predictor, available
from tests.architecture.onnx_export import Exporter, exported
from tests.blindness.dataflows import gated
from tests.declare.saved import through_file
from tests.judges import judged
from tests.networks import networks
from tests.sketches import Network, convolutional, perceptron, residual, transformer
from tests.zoo_networks import graph_of

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"


def sample(name: str) -> ParameterGraph:
    checkpoint = read(SAMPLES / name, Limits())
    return build(infer(checkpoint, None), checkpoint)


def predicted(predictor: str, graph: ParameterGraph) -> Prediction:
    (prediction,) = Predictor.load(predictor).predict([graph])
    return prediction


def test_a_predictor_is_published():
    assert available() == ["cifar10-accuracy-v2"]


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
@pytest.mark.parametrize("name", networks())
@pytest.mark.parametrize("predictor", available())
def test_one_network_is_judged_alike_in_both_formats(predictor: str, name: str, exporter: Exporter):
    from_file, declared = through_file(name)
    from_onnx = exported(name, exporter, "dynamic")
    graphs = [build(declared, from_file), build(lift(from_onnx), from_onnx)]
    one, other = judged(Predictor.load(predictor).metanetwork, graphs)
    assert abs(one - other).max() < 0.01


@pytest.mark.parametrize("predictor", available())
def test_the_sample_is_judged_alike_in_both_formats(predictor: str):
    onnx, safetensors = (predicted(predictor, sample(f"resnet.{kind}")) for kind in ("onnx", "safetensors"))
    assert onnx.test_accuracy is not None and safetensors.test_accuracy is not None
    assert abs(onnx.test_accuracy.value - safetensors.test_accuracy.value) < 0.01


@pytest.mark.parametrize("predictor", available())
def test_intervals_cover_what_they_say_on_unseen_architectures(predictor: str):
    """Of one network, such as the sample, that says little: one in ten is outside, and the sample is."""
    intervals = json.loads((PRETRAINED / predictor / "metrics.json").read_text())["intervals"]
    for name in ("test_accuracy", "generalization_gap"):
        assert abs(intervals[name]["measured"] - intervals[name]["nominal"]) < 0.03
    found = predicted(predictor, sample("resnet.onnx")).test_accuracy
    assert found is not None
    assert found.high - found.low > 0.1


@pytest.mark.parametrize("predictor", available())
def test_the_metanetwork_beats_weight_statistics_on_unseen_architectures(predictor: str):
    metrics = json.loads((PRETRAINED / predictor / "metrics.json").read_text())
    lines = {line["method"]: line["everything"] for line in metrics["test_accuracy"]["unseen_architectures"]}
    for score in ("r2", "tau"):
        assert lines["metanetwork"][score] > lines["weight statistics (StatNN)"][score]


@pytest.mark.parametrize("make", [convolutional, residual, transformer, perceptron])
@pytest.mark.parametrize("predictor", available())
def test_nothing_is_said_against_networks_made_like_the_zoos(predictor: str, make: Callable[[], Network]):
    assert Predictor.load(predictor).config.task.objections(graph_of(*make())) == ()


@pytest.mark.parametrize("predictor", available())
def test_an_operation_that_no_zoo_has_is_outside(predictor: str):
    (reason,) = Predictor.load(predictor).config.task.objections(graph_of(*gated()))
    assert "no network had that" in reason
