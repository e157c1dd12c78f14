"""Scores of predicted against measured values."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped
from scipy.stats import kendalltau

MIN_STRATUM = 8
"""Fewest snapshots of a stratum whose order says anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """R2, Kendall's tau-b with the tau-b of a perfect ranker (labels tie, so it is below one), mean absolute error.

    A method that only ranks has neither R2 nor an error.
    """

    r2: float | None
    tau: float
    tau_ceiling: float
    mae: float | None
    count: int
    """How many snapshots were scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrataScores:
    """Kendall's tau-b inside each stratum and its ceiling, averaged with the strata's numbers of snapshots."""

    tau: float
    tau_ceiling: float
    strata: int
    count: int
    """How many snapshots are in those strata."""


def score(
    predicted: Float[np.ndarray, " snapshots"], measured: Float[np.ndarray, " snapshots"], *, ranked_only: bool = False
) -> Scores:
    """Scores of predictions. R2 is relative to the measured mean of these same snapshots."""
    residual = np.square(measured - predicted).sum()
    total = np.square(measured - measured.mean()).sum()
    return Scores(
        r2=None if ranked_only or total == 0 else float(1 - residual / total),
        tau=_tau(predicted, measured),
        tau_ceiling=_ceiling(measured),
        mae=None if ranked_only else float(np.abs(measured - predicted).mean()),
        count=len(measured),
    )


def score_strata(
    predicted: Float[np.ndarray, " snapshots"],
    measured: Float[np.ndarray, " snapshots"],
    strata: Shaped[np.ndarray, " snapshots"],
) -> StrataScores | None:
    """Order inside strata, where the training step does not tell networks apart; None where all are too small."""
    taus, ceilings, counts = [], [], []
    for stratum in np.unique(strata):
        mine = strata == stratum
        if mine.sum() >= MIN_STRATUM:
            taus.append(_tau(predicted[mine], measured[mine]))
            ceilings.append(_ceiling(measured[mine]))
            counts.append(int(mine.sum()))
    if not counts:
        return None
    return StrataScores(
        tau=float(np.average(taus, weights=counts)),
        tau_ceiling=float(np.average(ceilings, weights=counts)),
        strata=len(counts),
        count=sum(counts),
    )


def _ceiling(measured: np.ndarray) -> float:
    rng = np.random.default_rng(0)
    return _tau(measured + 1e-9 * rng.permutation(len(measured)), measured)


def _tau(one: np.ndarray, other: np.ndarray) -> float:
    """Kendall's tau-b; zero where either side has one value only, which orders nothing."""
    if one.min() == one.max() or other.min() == other.max():
        return 0.0
    return float(np.asarray(kendalltau(one, other))[0])
