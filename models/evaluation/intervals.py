"""`python -m models.evaluation.intervals ZOO`: how often intervals hold on architectures they were not calibrated on.

Predictions are those of boosting on weight statistics, each network's by what was fitted to other architectures. Half
of the architectures (or --calibrate-on of them) calibrate, the others are covered or not, many times over: one split of
a zoo says little, since a family has few architectures and the snapshots of one err alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from jaxtyping import Bool, Float
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold

from metagauge.graph.build import family_of
from models.baselines.rows import rich_statistics
from models.calibration import calibrate
from models.prediction import Interval
from models.training.networks import load_networks

COVERAGE = 0.9
FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Predictions of networks whose architectures were not trained on, and what was measured."""

    predicted: Float[np.ndarray, " networks"]
    measured: Float[np.ndarray, " networks"]
    families: np.ndarray
    """As the zoo names them."""
    kinds: np.ndarray
    """As graphs tell them; intervals are calibrated by these."""
    architectures: np.ndarray

    def joined(self, other: "Errors") -> "Errors":
        """These networks, then the others."""
        return Errors(
            **{
                field.name: np.concatenate([getattr(self, field.name), getattr(other, field.name)])
                for field in fields(self)
            }
        )

    def where(self, chosen: np.ndarray) -> "Errors":
        """Some of the networks."""
        return Errors(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Shares of intervals that hold, over repeats: their mean, and how much one repeat differs."""

    mean: float
    spread: float
    width: float
    families: dict[str, float]
    """Means; a repeat in which none of a family is left to be covered does not count."""


def resample(errors: Errors, calibrate_on: float, repeats: int, seed: int, *, by_family: bool) -> Held:
    """Calibrates on a share of the architectures of each family and covers the rest, `repeats` times."""
    rng = np.random.default_rng(seed)
    names = sorted(set(errors.families.tolist()))
    shares: list[list[float]] = []
    widths: list[float] = []
    for _ in range(repeats):
        mine = _some_of_each(errors, calibrate_on, rng)
        seen, fresh = errors.where(mine), errors.where(~mine)
        told = intervals_of(seen, fresh, by_family=by_family)
        holds = holds_of(told, fresh)
        shares.append([float(holds.mean()), *(_mean(holds[fresh.families == name]) for name in names)])
        widths.append(float(np.mean([each.high - each.low for each in told])))
    columns = np.array(shares)
    means = np.nanmean(columns, axis=0)
    return Held(
        mean=float(means[0]),
        spread=float(columns[:, 0].std()),
        width=float(np.mean(widths)),
        families=dict(zip(names, map(float, means[1:]), strict=True)),
    )


def intervals_of(
    seen: Errors,
    fresh: Errors,
    *,
    by_family: bool = True,
    coverage: float = COVERAGE,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> list[Interval]:
    """The interval of each fresh network, calibrated on the seen ones."""
    kinds = seen.kinds.tolist() if by_family else [""] * len(seen.kinds)
    found = calibrate(seen.predicted, seen.measured, kinds, seen.architectures.tolist(), coverage, bounds)
    return [found.interval(value, kind) for value, kind in zip(fresh.predicted, fresh.kinds, strict=True)]


def holds_of(told: Sequence[Interval], errors: Errors) -> Bool[np.ndarray, " networks"]:
    """Whether each network's interval holds what was measured of it."""
    return np.array([each.low <= value <= each.high for each, value in zip(told, errors.measured, strict=True)])


def cross_calibrated(
    errors: Errors, folds: int, seed: int, *, coverage: float, bounds: tuple[float, float]
) -> list[Interval]:
    """The interval of each network, calibrated on the architectures of the other folds."""
    fold_of = _dealt(errors, folds, seed)
    found: dict[int, Interval] = {}
    for fold in range(folds):
        mine = fold_of == fold
        told = intervals_of(errors.where(~mine), errors.where(mine), coverage=coverage, bounds=bounds)
        found.update(zip(np.flatnonzero(mine).tolist(), told, strict=True))
    return [found[number] for number in range(len(fold_of))]


def errors_of(zoos: Sequence[Path]) -> Errors:
    """Out-of-fold predictions of all networks of some zoos."""
    jobs = load_networks(zoos)
    rows = np.concatenate([rich_statistics(job) for job in jobs])
    measured = np.concatenate([job.accuracy.numpy() for job in jobs])
    architectures = np.concatenate([np.full(len(job.entries), job.architecture) for job in jobs])
    predicted = np.zeros(len(measured))
    for train, test in GroupKFold(FOLDS).split(rows, measured, architectures):
        booster = HistGradientBoostingRegressor(random_state=0, min_samples_leaf=10, max_iter=200, learning_rate=0.06)
        predicted[test] = booster.fit(rows[train], measured[train]).predict(rows[test])
    families = np.concatenate([np.full(len(job.entries), job.family) for job in jobs])
    kinds = np.concatenate([np.full(len(job.entries), family_of(job.network)) for job in jobs])
    return Errors(predicted=predicted, measured=measured, families=families, kinds=kinds, architectures=architectures)


def measure(
    zoos: Annotated[list[Path], typer.Argument(help="Folders of zoos")],
    calibrate_on: Annotated[float, typer.Option(help="Share of the architectures that calibrate")] = 0.5,
    repeats: int = 60,
    seed: int = 0,
) -> None:
    """Print how often intervals hold, with one quantile for all families and with one for each."""
    errors = errors_of(zoos)
    found = {
        words: resample(errors, calibrate_on, repeats, seed, by_family=by_family)
        for words, by_family in (("all alike", False), ("by family", True))
    }
    names = list(found["by family"].families)
    table = Table("calibrated", "held", "spread", "width", *names, title=f"{COVERAGE:.0%} intervals")
    for words, held in found.items():
        numbers = (held.mean, held.spread, held.width, *(held.families[name] for name in names))
        table.add_row(words, *(f"{number:.3f}" for number in numbers))
    Console(width=120).print(table)


def _some_of_each(errors: Errors, share: float, rng: np.random.Generator) -> np.ndarray:
    """Whether a network's architecture is among a share of those of its family: (networks,)."""
    chosen: list[str] = []
    for family in sorted(set(errors.families.tolist())):
        mine = np.unique(errors.architectures[errors.families == family])
        chosen += rng.permutation(mine)[: round(share * len(mine))].tolist()
    return np.isin(errors.architectures, chosen)


def _dealt(errors: Errors, folds: int, seed: int) -> np.ndarray:
    """The fold of each network: architectures are dealt in turn, family by family."""
    rng, fold_of = np.random.default_rng(seed), {}
    for family in sorted(set(errors.families.tolist())):
        for name in rng.permutation(np.unique(errors.architectures[errors.families == family])):
            fold_of[str(name)] = len(fold_of) % folds
    return np.array([fold_of[str(name)] for name in errors.architectures])


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


if __name__ == "__main__":
    typer.run(measure)
