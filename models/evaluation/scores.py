"""Scores of predicted against measured values."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """R2, Kendall's tau-b with the tau-b of a perfect ranker (labels tie, so it is below one), mean absolute error."""

    r2: float
    tau: float
    tau_ceiling: float
    mae: float
    count: int


def score(predicted: np.ndarray, measured: np.ndarray) -> Scores:
    """Scores of (networks,) predictions. R2 is relative to the measured mean of these same networks."""
    residual = np.square(measured - predicted).sum()
    total = np.square(measured - measured.mean()).sum()
    rng = np.random.default_rng(0)
    untied = measured + 1e-9 * rng.permutation(len(measured))
    return Scores(
        r2=float(1 - residual / total),
        tau=_tau(predicted, measured),
        tau_ceiling=_tau(untied, measured),
        mae=float(np.abs(measured - predicted).mean()),
        count=len(measured),
    )


def _tau(one: np.ndarray, other: np.ndarray) -> float:
    """Kendall's tau-b; zero where either side has one value only, which orders nothing."""
    if one.min() == one.max() or other.min() == other.max():
        return 0.0
    return float(np.asarray(kendalltau(one, other))[0])
