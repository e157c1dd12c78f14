"""What is measured of a published predictor, and the card that is written of it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from models.evaluation.card import card
from models.evaluation.intervals import Errors, cross_calibrated, intervals_of
from models.evaluation.judged import judge
from models.evaluation.moves import Moves
from models.evaluation.published import FOLDS, Measures, measure
from models.evaluation.scorecard import lines_of
from models.prediction import Interval, Prediction
from models.subject import Subject
from models.training.networks import JobNetworks
from models.training.split import split
from models.zoo.store import ZooStore
from tests.models.evaluation.fake_jobs import jobs
from tests.models.evaluation.fake_results import result
from tests.models.small_zoo import MLPS
from tests.predictors import random_predictor

MOVED = Moves(change="widen-8", networks=7, not_applicable=1, abstained=2, mean=0.001, largest=0.0123, families={})


class Constant:
    """Says the same of every network, and nothing of one that cannot be executed."""

    def predict(self, subjects: Sequence[Subject], /) -> list[Prediction]:
        accuracy = Interval(value=0.2, low=0.1, high=0.25, coverage=0.9)
        gap = Interval(value=0.1, low=-1.0, high=1.0, coverage=0.9)
        abstained = Prediction(test_accuracy=None, generalization_gap=None, score=1.0, threshold=0.5)
        answered = Prediction(test_accuracy=accuracy, generalization_gap=gap, score=0.1, threshold=0.5)
        return [abstained if subject.network is None else answered for subject in subjects]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[JobNetworks]:
    zoo = tmp_path_factory.mktemp("zoo")
    ZooStore(zoo).prepare(MLPS)
    return [replace(job, zoo=zoo) for job in jobs(25)]


@pytest.fixture(scope="module")
def measures(networks: list[JobNetworks], tmp_path_factory: pytest.TempPathFactory) -> Measures:
    weights = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_file({"a": np.zeros((3, 4), np.float32), "domain.b": np.zeros(5, np.float32)}, weights)
    lines = lines_of([result(), result(method="gmn", off=0.01), result(arm="run")])
    return measure(Constant(), split(networks, "architecture", 0), weights, lines, [MOVED])


def test_coverage_is_counted_on_architectures_that_did_not_calibrate(networks: list[JobNetworks], measures: Measures):
    parts = split(networks, "architecture", 0)
    calibration, test = (errors(part) for part in (parts.calibration, parts.test))
    accuracy, gap = (measures.intervals[name] for name in ("test_accuracy", "generalization_gap"))
    told = cross_calibrated(calibration.joined(test), FOLDS, 0, coverage=0.9, bounds=(0.0, 1.0))
    assert accuracy.measured == pytest.approx(np.mean(inside(told, calibration.joined(test))))
    assert accuracy.mean_width == pytest.approx(np.mean([each.high - each.low for each in told]))
    assert accuracy.test_alone == pytest.approx(np.mean(inside(intervals_of(calibration, test), test)))
    assert set(accuracy.families) == {"cnn", "mlp"}
    held_out = calibration.joined(test).measured
    assert accuracy.served == pytest.approx(np.mean((held_out >= 0.1) & (held_out <= 0.25)))
    assert 0 < accuracy.served < 1 == gap.served
    assert gap.mean_width < 0.5, "what was calibrated is measured, and not what the predictor happens to say"
    assert measures.scores["test_accuracy_interval_coverage"] == accuracy.measured


def inside(told: Sequence[Interval], errors: Errors) -> list[bool]:
    return [each.low <= value <= each.high for each, value in zip(told, errors.measured, strict=True)]


def errors(part: Sequence[JobNetworks]) -> Errors:
    """Of what `Constant` says."""
    names = [(job.family, job.architecture) for job in part for _ in job.entries]
    measured = np.concatenate([job.accuracy.numpy() for job in part]).astype(np.float64)
    return Errors(
        predicted=np.full(len(measured), 0.2),
        measured=measured,
        families=np.array([family for family, _ in names]),
        kinds=np.array([family for family, _ in names]),
        architectures=np.array([architecture for _, architecture in names]),
    )


def test_what_is_not_answered_is_not_scored(networks: list[JobNetworks]):
    judged = judge(Constant(), networks[:2], executed=False)
    assert not judged.is_answered.any()
    assert np.isnan(judged.accuracy.value).all()
    assert judge(Constant(), networks[:2]).is_answered.all()


def test_parts_and_zoos_are_counted(networks: list[JobNetworks], measures: Measures):
    whole, *parts = measures.networks
    assert whole.architectures == len(networks) == sum(part.architectures for part in parts)
    assert whole.families == {"cnn": 25, "mlp": 25}
    assert (whole.test_images, whole.train_images) == (100, 100)
    assert [zoo.name for zoo in measures.zoos] == [MLPS.name]
    assert measures.weights.numbers == 17


def test_the_card_says_what_was_measured(measures: Measures):
    text = card(random_predictor().config, measures)
    for said in (
        "the gmn one",
        "0.0123",
        f"python -m models.zoo make {MLPS.name}",
        f"{measures.intervals['test_accuracy'].measured:.3f}",
        "unseen runs of known architectures",
        "The scores above took 3 CPU minutes",
        f"--out scores --as {result().facts.unit.zoo}",
    ):
        assert said in text, said
    alone = replace(measures, scorecard=tuple(replace(line, zoo=MLPS.name) for line in measures.scorecard))
    assert "--as" not in card(random_predictor().config, alone)
