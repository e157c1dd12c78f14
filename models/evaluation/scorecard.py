"""The scorecard of a predictor: its scores beside the baselines' on the same split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.calibration import Calibration, covered
from models.evaluation.baselines import BASELINES, boost
from models.evaluation.scores import Scores, score
from models.predictor import Predictor
from models.training.fit import apply
from models.training.networks import JobNetworks
from models.training.split import Split

METANETWORK = "metanetwork"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One method on one split."""

    method: str
    everything: Scores
    finals: Scores
    families: dict[str, Scores]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Measured coverage on test networks, and mean width, of one property."""

    nominal: float
    measured: float
    mean_width: float
    families: dict[str, float]


def lines(predictor: Predictor, parts: Split, seed: int) -> list[Line]:
    """The test accuracy's scores: baselines first, the metanetwork, and its mean with the best of them."""
    predicted = {name: boost(parts.train, parts.test, rows, seed) for name, rows in BASELINES.items()}
    predicted[METANETWORK] = accuracies(predictor, parts.test)
    predicted["mean of metanetwork and rich statistics"] = (predicted[METANETWORK] + predicted["rich statistics"]) / 2
    return [_line(name, values, parts.test) for name, values in predicted.items()]


def gap_line(predictor: Predictor, parts: Split) -> Line:
    """The generalization gap's scores."""
    outputs = apply(predictor.metanetwork, parts.test)[:, 1].numpy()
    return _line(METANETWORK, outputs, parts.test, gap=True)


def accuracies(predictor: Predictor, networks: Sequence[JobNetworks]) -> np.ndarray:
    """Predicted test accuracies, (snapshots,)."""
    return apply(predictor.metanetwork, networks)[:, 0].sigmoid().numpy()


def parts_lines(predictor: Predictor, parts: Split) -> list[Line]:
    """The metanetwork on all three parts of a split: how much better it knows what it was trained on."""
    named = (("train", parts.train), ("calibration", parts.calibration), ("test", parts.test))
    return [_line(name, accuracies(predictor, networks), networks) for name, networks in named]


def intervals(predictor: Predictor, parts: Split) -> dict[str, Intervals]:
    """Measured coverage of both properties' intervals on test networks."""
    outputs = apply(predictor.metanetwork, parts.test)
    config = predictor.config
    return {
        "test_accuracy": _coverage(config.test_accuracy, outputs[:, 0].sigmoid().numpy(), parts.test, gap=False),
        "generalization_gap": _coverage(config.generalization_gap, outputs[:, 1].numpy(), parts.test, gap=True),
    }


def answered(predictor: Predictor, networks: Sequence[JobNetworks]) -> float:
    """The share of networks which the domain score lets through."""
    inside = [predictor.domain_scores(job.graphs) < predictor.config.threshold for job in networks]
    return float(np.concatenate(inside).mean())


def _coverage(
    calibration: Calibration, predicted: np.ndarray, networks: Sequence[JobNetworks], *, gap: bool
) -> Intervals:
    measured, families, _ = _labels(networks, gap=gap)
    widths = [each.high - each.low for each in map(calibration.interval, predicted.tolist())]
    return Intervals(
        nominal=calibration.coverage,
        measured=covered(calibration, predicted, measured),
        mean_width=float(np.mean(widths)),
        families={
            name: covered(calibration, predicted[families == name], measured[families == name])
            for name in sorted(set(families))
        },
    )


def _line(method: str, predicted: np.ndarray, networks: Sequence[JobNetworks], *, gap: bool = False) -> Line:
    measured, families, finals = _labels(networks, gap=gap)
    return Line(
        method=method,
        everything=score(predicted, measured),
        finals=score(predicted[finals], measured[finals]),
        families={
            name: score(predicted[families == name], measured[families == name]) for name in sorted(set(families))
        },
    )


def _labels(networks: Sequence[JobNetworks], *, gap: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measured values, families and whether a snapshot is its run's last: each (snapshots,)."""
    measured = np.concatenate([(job.gap if gap else job.accuracy).numpy() for job in networks])
    families = np.concatenate([np.full(len(job.entries), job.family) for job in networks])
    finals = np.array([entry.is_final for job in networks for entry in job.entries])
    return measured, families, finals
