"""A job in the worker: what the predictor is given, and what becomes of its answer."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from redis import Redis

from metagauge.architecture.architecture import Architecture
from metagauge.checkpoint.limits import Limits
from metagauge.contract import Declarations, JobStatus, Report
from metagauge.declarations import NOTHING, parse
from metagauge.service.blobs import BlobStore
from metagauge.service.record import Failure, JobRecord
from metagauge.service.settings import Settings
from models.prediction import Interval, Prediction
from models.subject import Declared, Subject
from tests.service import checkpoints
from tests.service.jobs import keep
from worker.aside import Aside
from worker.judging import Judging
from worker.predicting import Predictors
from worker.reading.sandbox import Sandbox
from worker.store import JobStore

DECLARED = parse(
    {"input_mean": "0.1,0.2,0.3", "input_std": "0.4,0.5,0.6", "class_order": "9,8,7,6,5,4,3,2,1,0"},
)
SAID = Interval(value=0.6, low=0.5, high=0.7, coverage=0.9)


class Curious:
    """A predictor that keeps what it is given."""

    name = "cifar10-accuracy"
    version = 1

    def __init__(self) -> None:
        self.seen: list[Subject] = []
        self.weights: list[np.ndarray] = []

    def predict(self, subjects: Sequence[Subject]) -> list[Prediction]:
        self.seen += subjects
        self.weights += [each.tensors["conv.weight"].copy() for each in subjects if each.tensors is not None]
        known = Prediction(
            test_accuracy=SAID,
            generalization_gap=SAID,
            score=0.1,
            threshold=0.9,
            basis="weights and probes",
            assumptions=("something",),
        )
        return [known for _ in subjects]


class Stubborn(Curious):
    """A predictor that fails."""

    def predict(self, subjects: Sequence[Subject]) -> list[Prediction]:
        raise ZeroDivisionError


class Endless(Curious):
    """A predictor that does not come back before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.release = threading.Event()

    def predict(self, subjects: Sequence[Subject]) -> list[Prediction]:
        self.begun.set()
        self.release.wait()
        return super().predict(subjects)


def judge(
    redis: Redis,
    settings: Settings,
    predictor: Curious,
    declared: Declarations = NOTHING,
    deadline_s: float = 60.0,
) -> JobRecord:
    """One job with the small network, done by `predictor`."""
    content = checkpoints.onnx_bytes()
    blobs = BlobStore(settings.blobs)
    writer = blobs.writer(limit_bytes=10**6, what="the checkpoint")
    writer.write(content)
    job = keep(redis, sha256=writer.commit().sha256, declared=declared)
    store = JobStore(redis, settings)
    predictors = Predictors(settings.pretrained_dir, lambda _: predictor)
    sandbox = Sandbox(limits=Limits(), deadline_s=60.0)
    judging = Judging(store, blobs, sandbox, predictors, Aside(most=1, deadline_s=deadline_s))
    judging.run(job.id, store.deliver(job.id))
    return store.get(job.id)


def test_the_predictor_gets_the_network_and_what_was_declared(redis: Redis, settings: Settings):
    predictor = Curious()
    assert judge(redis, settings, predictor, DECLARED).status is JobStatus.SUCCEEDED
    (subject,) = predictor.seen
    assert isinstance(subject.network, Architecture)
    assert np.array_equal(predictor.weights[0], checkpoints.tensors()["conv.weight"])
    assert subject.graph.coverage == 1.0
    assert subject.declared == Declared(
        mean=(0.1, 0.2, 0.3), spread=(0.4, 0.5, 0.6), classes=(9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
    )


def test_what_nobody_declared_is_left_to_the_predictor(redis: Redis, settings: Settings):
    predictor = Curious()
    judge(redis, settings, predictor)
    assert [subject.declared for subject in predictor.seen] == [Declared()]


@pytest.mark.parametrize("declared", [NOTHING, DECLARED])
def test_the_report_says_what_the_prediction_rests_on(redis: Redis, settings: Settings, declared: Declarations):
    job = judge(redis, settings, Curious(), declared)
    assert job.report is not None
    report = Report.model_validate_json(job.report)
    assert (report.basis, report.assumptions, report.declared) == ("weights and probes", ("something",), declared)


def test_a_prediction_that_takes_too_long_fails_the_job_with_a_reason(redis: Redis, settings: Settings):
    predictor = Endless()
    try:
        job = judge(redis, settings, predictor, deadline_s=0.1)
    finally:
        predictor.release.set()
    assert job.status is JobStatus.FAILED
    assert job.failure is not None
    assert job.failure.code == "predict_timeout"


def test_a_job_that_is_cancelled_is_let_go_of_during_its_prediction(redis: Redis, settings: Settings):
    predictor, store = Endless(), JobStore(redis, settings)

    def cancel() -> None:
        predictor.begun.wait()
        (job_id,) = store.unfinished()
        assert store.fail(job_id, None, JobStatus.CANCELED, Failure(code="canceled", detail="by a test"))

    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        job = judge(redis, settings, predictor)  # comes back although the prediction does not
    finally:
        predictor.release.set()
        canceller.join()
    assert job.status is JobStatus.CANCELED
    assert job.report is None


def test_a_fault_of_the_predictor_is_nobody_elses(redis: Redis, settings: Settings):
    with pytest.raises(ZeroDivisionError):
        judge(redis, settings, Stubborn())


def test_the_same_network_under_another_declaration_is_judged_again(redis: Redis, settings: Settings):
    predictor = Curious()
    for declared in (NOTHING, NOTHING, DECLARED, DECLARED):
        judge(redis, settings, predictor, declared)
    assert [subject.declared.mean for subject in predictor.seen] == [None, (0.1, 0.2, 0.3)]
