"""The report: what of a job reaches the user."""

from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pytest

from metagauge.checkpoint.limits import Limits
from metagauge.contract import Declarations, PredictorRef, Report
from models.prediction import Interval, NearestNetwork, Prediction, Stability
from tests.service import checkpoints
from worker.reading.sandbox import Sandbox
from worker.report import Judged, report

KNOWN = Prediction(
    test_accuracy=Interval(value=0.6, low=0.5, high=0.7, coverage=0.9),
    generalization_gap=Interval(value=0.1, low=0.0, high=0.2, coverage=0.8),
    score=0.1,
    threshold=0.9,
    basis="weights and probes",
    assumptions=("classes in the usual order",),
    nearest=(NearestNetwork(family="cnn", description="3 convolutions", test_accuracy=0.58, distance=1.5),),
    stability=Stability(permutation=1e-7, rescale=2e-3),
)
UNKNOWN = Prediction(
    test_accuracy=None, generalization_gap=None, score=0.95, threshold=0.9, reasons=("too far from the zoo",)
)


DECLARED = Declarations(input_mean=(0.5, 0.5, 0.5), input_std=(0.25, 0.25, 0.25))


def reported(prediction: Prediction, tmp_path: Path) -> Report:
    upload = tmp_path / "upload"
    upload.write_bytes(checkpoints.onnx_bytes())
    sandbox = Sandbox(limits=Limits(), deadline_s=60.0)
    with sandbox.read({"net.onnx": upload}, None, lambda _: None) as read:
        reference = PredictorRef(name="cifar10-accuracy", version=1)
        judged = Judged(
            predictor=reference,
            reading=read.reading,
            prediction=prediction,
            declared=DECLARED,
            timings_s={"predict": 0.5},
        )
        return report(judged)


def test_predictions_keep_their_values_intervals_and_coverages(tmp_path: Path):
    predictions = reported(KNOWN, tmp_path).predictions
    assert predictions is not None
    assert predictions.test_accuracy.model_dump() == {"value": 0.6, "interval": (0.5, 0.7), "coverage": 0.9}
    assert predictions.generalization_gap.model_dump() == {"value": 0.1, "interval": (0.0, 0.2), "coverage": 0.8}


def test_an_abstention_has_no_predictions_and_says_why(tmp_path: Path):
    found = reported(UNKNOWN, tmp_path)
    assert found.predictions is None
    assert not found.domain.in_domain
    assert found.domain.reasons == ("too far from the zoo",)
    assert (found.domain.score, found.domain.threshold) == (0.95, 0.9)


def test_what_a_prediction_rests_on_reaches_the_user(tmp_path: Path):
    found = reported(KNOWN, tmp_path)
    assert found.declared == DECLARED
    assert (found.basis, found.assumptions) == ("weights and probes", ("classes in the usual order",))
    assert found.stability is not None
    assert found.stability.model_dump() == {"permutation": 1e-7, "rescale": 2e-3}
    (nearest,) = found.domain.nearest
    assert nearest.model_dump() == {
        "family": "cnn",
        "description": "3 convolutions",
        "test_accuracy": 0.58,
        "distance": 1.5,
    }


def test_what_a_prediction_does_not_say_is_not_made_up(tmp_path: Path):
    found = reported(UNKNOWN, tmp_path)
    assert (found.basis, found.assumptions, found.stability, found.domain.nearest) == (None, (), None, ())


@pytest.mark.parametrize("prediction", [KNOWN, UNKNOWN])
def test_the_checkpoint_is_described_either_way(tmp_path: Path, prediction: Prediction):
    found = reported(prediction, tmp_path)
    total = sum(array.size for array in checkpoints.tensors().values())
    assert found.checkpoint.parameters == total
    assert sum(layer.parameters for layer in found.architecture.layers) == total
    kinds = [layer.kind for layer in found.architecture.layers]
    assert (kinds[0], kinds[-1]) == ("conv", "linear")
    assert found.architecture.layers[0].shape == (8, 3, 3, 3)
    assert found.architecture.layers[0].settings["kernel"] == (3, 3)
    assert found.architecture.provenance == "graph"
    assert found.architecture.layer_count == len(found.architecture.layers)
    assert found.architecture.digest
    assert set(found.timings_s) == {"read", "infer", "build", "predict"}


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_what_is_no_number_is_not_reported(tmp_path: Path, number: float):
    assert KNOWN.test_accuracy is not None
    broken = replace(
        KNOWN,
        test_accuracy=replace(KNOWN.test_accuracy, high=number),
        score=number,
        nearest=(*KNOWN.nearest, replace(KNOWN.nearest[0], distance=number)),
        stability=Stability(permutation=number, rescale=0.5),
    )
    found = Report.model_validate_json(reported(broken, tmp_path).model_dump_json())
    assert found.predictions is None
    assert not found.domain.in_domain
    assert found.domain.reasons == ("what was computed for this network is no finite number",)
    assert found.domain.score is None
    assert [each.distance for each in found.domain.nearest] == [1.5]
    assert found.stability is not None
    assert found.stability.model_dump() == {"permutation": None, "rescale": 0.5}


def test_a_report_survives_its_json(tmp_path: Path):
    found = reported(KNOWN, tmp_path)
    assert Report.model_validate_json(found.model_dump_json()) == found
