"""Intervals that hold the truth with a known chance: split conformal prediction (Vovk et al. 2005)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.prediction import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Half-widths by the predicted value: bin i holds predictions up to `edges[i]`, the last bin the rest.

    In each bin the half-width is the conformal quantile of the absolute residuals of calibration networks, whose
    architectures were not trained on.
    """

    coverage: float
    edges: tuple[float, ...]
    half_widths: tuple[float, ...]
    bounds: tuple[float, float]
    """Values the property can have; intervals are cut there."""

    def interval(self, value: float) -> Interval:
        """The interval around a prediction."""
        width = self.half_widths[int(np.searchsorted(self.edges, value))]
        low, high = self.bounds
        value = min(max(value, low), high)
        return Interval(value=value, low=max(low, value - width), high=min(high, value + width), coverage=self.coverage)


def calibrate(
    predicted: np.ndarray, measured: np.ndarray, coverage: float, bounds: tuple[float, float], bins: int = 4
) -> Calibration:
    """Calibration from (networks,) predictions and measurements, in bins of equally many networks."""
    edges = np.quantile(predicted, np.arange(1, bins) / bins)
    bin_of = np.searchsorted(edges, predicted)
    residuals = np.abs(measured - predicted)
    widest = bounds[1] - bounds[0]
    widths = [_conformal_quantile(residuals[bin_of == number], coverage, widest) for number in range(bins)]
    return Calibration(coverage=coverage, edges=tuple(map(float, edges)), half_widths=tuple(widths), bounds=bounds)


def covered(calibration: Calibration, predicted: np.ndarray, measured: np.ndarray) -> float:
    """The share of networks whose measured value is inside its interval."""
    intervals: Sequence[Interval] = [calibration.interval(float(value)) for value in predicted]
    inside = [each.low <= value <= each.high for each, value in zip(intervals, measured, strict=True)]
    return float(np.mean(inside))


def _conformal_quantile(residuals: np.ndarray, coverage: float, widest: float) -> float:
    """The smallest residual that at least coverage * (n + 1) of n + 1 exchangeable ones do not exceed.

    With too few residuals for that coverage nothing bounds the next one but `widest`.
    """
    rank = int(np.ceil(coverage * (len(residuals) + 1)))
    return float(np.sort(residuals)[rank - 1]) if rank <= len(residuals) else widest
