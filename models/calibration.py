"""Intervals that hold the truth with a known chance, on networks whose architecture was never seen.

Split conformal prediction (Vovk et al. 2005), with two changes. Snapshots of one architecture resemble each other, so
architectures count alike, and how far out the quantile must be is found by leaving each of them out in turn; Dunn,
Wasserman & Ramdas (2023, sec. 4) and Lee, Barber & Willett (2023) bound that for any data, which is too wide by up to
one part in their number. Each family has its own quantile (Mondrian) where it has enough architectures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from models.prediction import Interval

BINS = 6
"""Bins of predicted values in which the size of the error is measured."""
LEVELS = 80
"""Levels that a quantile can have, from half the chance to miss below the coverage up to the largest residual."""
_TINY = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Half-widths by the predicted value: bin i holds predictions up to `edges[i]`, the last bin the rest."""

    coverage: float
    edges: tuple[float, ...]
    half_widths: tuple[float, ...]
    """For families that `families` does not name."""
    bounds: tuple[float, float]
    """Values the property can have; intervals are cut there."""
    families: Mapping[str, float] = field(default_factory=dict)
    """By how much half-widths are longer or shorter, by the graph's family."""

    def interval(self, value: float, family: str = "") -> Interval:
        """The interval around a prediction. family: what `metagauge.graph.build.family_of` calls the network."""
        low, high = self.bounds
        width = self.half_widths[int(np.searchsorted(self.edges, value))] * self.families.get(family, 1.0)
        value = min(max(value, low), high)
        return Interval(value=value, low=max(low, value - width), high=min(high, value + width), coverage=self.coverage)


def calibrate(
    predicted: Float[np.ndarray, " networks"],
    measured: Float[np.ndarray, " networks"],
    families: Sequence[str],
    architectures: Sequence[str],
    coverage: float,
    bounds: tuple[float, float],
) -> Calibration:
    """Calibration from predictions of networks whose architectures were not trained on.

    Such predictions come from a part of the zoo that was set aside, or from folds of architectures, each predicted by
    a metanetwork that was fitted to the others (cross-conformal); then more architectures can be calibrated on.

    Args:
        predicted: What the metanetwork says.
        measured: What it should have said.
        families: Of each network, as the graph says it: that is what is known of a network that is uploaded.
        architectures: Of each network, its name; whatever shares one counts as one.
        coverage: How often the intervals of networks of a new architecture are to hold the measured value.
        bounds: Values the property can have.
    """
    widest = bounds[1] - bounds[0]
    kinds, names = np.asarray(families), np.asarray(architectures)
    residuals, weights = np.abs(measured - predicted), _one_for_each(names)
    edges = np.unique(np.quantile(predicted, np.arange(1, BINS) / BINS))
    bin_of = np.searchsorted(edges, predicted)
    sizes = _sizes(residuals, weights, bin_of, len(edges) + 1)
    relative = residuals / sizes[bin_of]
    everyone = honest_quantile(relative, names, coverage)
    own = {
        str(family): honest_quantile(relative[kinds == family], names[kinds == family], coverage)
        for family in set(kinds)
    }
    return Calibration(
        coverage=coverage,
        edges=tuple(map(float, edges)),
        half_widths=tuple(float(min(size * everyone, widest)) for size in sizes),
        bounds=bounds,
        families={
            family: quantile / everyone
            for family, quantile in sorted(own.items())
            if np.isfinite(quantile) and np.isfinite(everyone)
        },
    )


def honest_quantile(
    values: Float[np.ndarray, " networks"], architectures: Sequence[str] | np.ndarray, coverage: float
) -> float:
    """A bound that holds the values of a new architecture's networks with this chance, on average over architectures.

    Every architecture counts alike. It is the mean of the bounds that leave one architecture out: quantiles of the
    others' values, of the least level at which each holds the values of the one left out often enough, on average.
    Infinite where no level does, and for so few architectures that even their largest value bounds too little:
    coverage / (1 - coverage).
    """
    names, number_of = np.unique(np.asarray(architectures), return_inverse=True)
    if len(names) < coverage / (1 - coverage) - _TINY:
        return float("inf")
    weights = _one_for_each(np.asarray(architectures))
    levels = np.linspace(coverage - (1 - coverage) / 2, 1, LEVELS)
    bounds, held = np.zeros((len(names), LEVELS)), np.zeros(LEVELS)
    for number in range(len(names)):
        mine = number_of == number
        bounds[number] = _quantiles(values[~mine], weights[~mine], levels)
        held += (values[mine][:, None] <= bounds[number]).mean(0) / len(names)
    enough = np.flatnonzero(held >= coverage - _TINY)
    return float(bounds[:, enough[0]].mean()) if len(enough) else float("inf")


def covered(
    calibration: Calibration,
    predicted: Float[np.ndarray, " networks"],
    measured: Float[np.ndarray, " networks"],
    families: Sequence[str] = (),
) -> float:
    """The share of networks whose measured value is inside its interval. families: none says that they are unknown."""
    known = list(families) or [""] * len(predicted)
    intervals = [calibration.interval(float(value), family) for value, family in zip(predicted, known, strict=True)]
    inside = [each.low <= value <= each.high for each, value in zip(intervals, measured, strict=True)]
    return float(np.mean(inside))


def _one_for_each(architectures: np.ndarray) -> Float[np.ndarray, " networks"]:
    """Weights that add up to one for every architecture."""
    _, number_of, counts = np.unique(architectures, return_inverse=True, return_counts=True)
    return 1 / counts[number_of]


def _sizes(
    residuals: Float[np.ndarray, " networks"],
    weights: Float[np.ndarray, " networks"],
    bin_of: Int[np.ndarray, " networks"],
    bins: int,
) -> Float[np.ndarray, " bins"]:
    """Mean residual of each bin, of all networks where a bin is empty."""
    totals, shares = np.bincount(bin_of, weights * residuals, bins), np.bincount(bin_of, weights, bins)
    return np.maximum(np.where(shares > 0, totals / np.maximum(shares, _TINY), totals.sum() / shares.sum()), _TINY)


def _quantiles(
    values: Float[np.ndarray, " networks"],
    weights: Float[np.ndarray, " networks"],
    levels: Float[np.ndarray, " levels"],
) -> Float[np.ndarray, " levels"]:
    """The least value up to which a share `levels` of all weight lies."""
    order = np.argsort(values)
    shares = np.cumsum(weights[order]) / weights.sum()
    return values[order][np.minimum(np.searchsorted(shares, levels - _TINY), len(values) - 1)]
