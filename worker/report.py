"""The report: what a job found out, as the user sees it."""

from dataclasses import dataclass, replace
from math import isfinite

from metagauge.checkpoint.finding import Finding
from metagauge.contract import (
    Declarations,
    Domain,
    Estimate,
    FindingMessage,
    NearestNetwork,
    Predictions,
    PredictorRef,
    Report,
    Stability,
)
from models import prediction as predicted
from models.prediction import Interval, Prediction
from worker.reading.outcome import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One checkpoint, all the way through."""

    predictor: PredictorRef
    reading: Reading
    prediction: Prediction
    declared: Declarations
    timings_s: dict[str, float]


def report(judged: Judged) -> Report:
    """The report on `judged`."""
    reading, prediction = judged.reading, _checked(judged.prediction)
    return Report(
        predictor=judged.predictor,
        predictions=_predictions(prediction),
        basis=prediction.basis,
        assumptions=prediction.assumptions,
        declared=judged.declared,
        domain=_domain(prediction),
        stability=None if prediction.stability is None else _stability(prediction.stability),
        checkpoint=reading.summary,
        architecture=reading.architecture,
        findings=tuple(_finding(finding) for finding in reading.findings),
        timings_s={**reading.timings_s, **judged.timings_s},
    )


def _checked(prediction: Prediction) -> Prediction:
    """`prediction` without numbers that are none: JSON has no word for them, and they would mean nothing."""
    intervals = (prediction.test_accuracy, prediction.generalization_gap)
    numbers = [number for each in intervals if each is not None for number in (each.value, each.low, each.high)]
    nearest = tuple(each for each in prediction.nearest if isfinite(each.test_accuracy) and isfinite(each.distance))
    prediction = replace(prediction, nearest=nearest)
    if all(isfinite(number) for number in numbers):
        return prediction
    reasons = (*prediction.reasons, "what was computed for this network is no finite number")
    return replace(prediction, test_accuracy=None, generalization_gap=None, reasons=reasons)


def _domain(prediction: Prediction) -> Domain:
    return Domain(
        in_domain=prediction.in_domain,
        score=prediction.score,
        threshold=prediction.threshold,
        reasons=prediction.reasons,
        nearest=tuple(_nearest(network) for network in prediction.nearest),
    )


def _nearest(network: predicted.NearestNetwork) -> NearestNetwork:
    return NearestNetwork(
        family=network.family,
        description=network.description,
        test_accuracy=network.test_accuracy,
        distance=network.distance,
    )


def _stability(stability: predicted.Stability) -> Stability:
    return Stability(permutation=stability.permutation, rescale=stability.rescale)


def _predictions(prediction: Prediction) -> Predictions | None:
    accuracy, gap = prediction.test_accuracy, prediction.generalization_gap
    if accuracy is None or gap is None:
        return None
    return Predictions(test_accuracy=_estimate(accuracy), generalization_gap=_estimate(gap))


def _estimate(interval: Interval) -> Estimate:
    return Estimate(value=interval.value, interval=(interval.low, interval.high), coverage=interval.coverage)


def _finding(finding: Finding) -> FindingMessage:
    return FindingMessage(
        rule=finding.rule, level=finding.level, message=finding.message, layer=finding.layer, value=finding.value
    )
