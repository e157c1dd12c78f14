"""What a published predictor says about the networks of a zoo, through the same door that uploads come through."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from math import inf
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float
from tqdm import tqdm

from models.evaluation.moves import Judge, subject_of
from models.evaluation.snapshots import Snapshots, snapshots_of
from models.prediction import Interval, Prediction
from models.predictor import Predictor
from models.subject import Subject
from models.training.networks import JobNetworks

_NO_BOUND = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """One property's predictions with their intervals; NaN where the predictor abstains."""

    value: Float[np.ndarray, " snapshots"]
    low: Float[np.ndarray, " snapshots"]
    high: Float[np.ndarray, " snapshots"]
    coverage: float
    """The chance with which intervals are meant to hold the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Predictions of all snapshots."""

    snapshots: Snapshots
    accuracy: Estimates
    gap: Estimates
    is_answered: Bool[np.ndarray, " snapshots"]


class Predicts(Protocol):
    """What a published predictor is, seen from here."""

    def predict(self, subjects: Sequence[Subject], /) -> list[Prediction]:
        """One prediction for each network."""
        ...


def values_only(predictor: Predictor) -> Predictor:
    """The predictor without the stability of what it says, which takes most of its time."""
    quick = copy(predictor)
    quick.tries_symmetries = False
    return quick


def knowing_pixels(predictor: Predictor) -> Predictor:
    """The predictor for networks that read pixels as its convention says: no other ways are tried."""
    sure = copy(predictor)
    sure.other_pixels = ()
    return sure


def without_bounds(predictor: Predictor) -> Predictor:
    """The predictor without its limits on size and distance: how far its value moves is asked of any network."""
    unbounded, config = values_only(predictor), predictor.config
    unbounded.config = replace(config, task=replace(config.task, edges=_NO_BOUND, blocks=_NO_BOUND))
    unbounded.hybrid, unbounded.weights = (
        replace(each, config=replace(each.config, threshold=inf)) for each in (predictor.hybrid, predictor.weights)
    )
    return unbounded


def judge(predictor: Predicts, networks: Sequence[JobNetworks], *, executed: bool = True) -> Judged:
    """Judges all snapshots one by one. Not `executed` ones come without the network: only weights can be judged."""
    found = [
        prediction
        for job in tqdm(networks, desc="judging", unit="job")
        for prediction in predictor.predict(_subjects(job, executed=executed))
    ]
    return Judged(
        snapshots=snapshots_of(networks),
        accuracy=_estimates([each.test_accuracy for each in found]),
        gap=_estimates([each.generalization_gap for each in found]),
        is_answered=np.array([each.in_domain for each in found]),
    )


def judge_of(predictor: Predicts) -> Judge:
    """The predictor's value of one network; NaN where it abstains."""

    def value(subject: Subject) -> float:
        (prediction,) = predictor.predict([subject])
        return float("nan") if prediction.test_accuracy is None else prediction.test_accuracy.value

    return value


def _subjects(job: JobNetworks, *, executed: bool) -> list[Subject]:
    subjects = []
    for row in range(len(job.entries)):
        subject = subject_of(job.network, {name: tensor[row].numpy() for name, tensor in job.tensors.items()})
        subjects.append(subject if executed else Subject(graph=subject.graph))
    return subjects


def _estimates(intervals: Sequence[Interval | None]) -> Estimates:
    nothing = float("nan")
    rows = [(nothing, nothing, nothing) if each is None else (each.value, each.low, each.high) for each in intervals]
    value, low, high = np.array(rows).T
    return Estimates(
        value=value, low=low, high=high, coverage=next((each.coverage for each in intervals if each), nothing)
    )
