"""The scorecard: every method's scores on every arm, with their mean and spread over the seeds of fitting."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.evaluation.arms import FAMILY
from models.evaluation.scores import Scores, StrataScores, score, score_strata
from models.evaluation.snapshots import together
from models.evaluation.units import Facts, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number over the seeds. The spread is a standard deviation, zero for one seed."""

    mean: float
    spread: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Scores of one set of snapshots over the seeds. See `Scores` for what can be missing."""

    r2: Figure | None
    tau: Figure
    tau_ceiling: float
    mae: Figure | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StrataFigures:
    """Order among snapshots of the same step and length of training, over the seeds."""

    tau: Figure
    tau_ceiling: float
    strata: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One method on one arm of one zoo. Everything but `gap` is of the test accuracy."""

    zoo: str
    arm: str
    method: str
    words: str
    kind: str
    seeds: tuple[int, ...]
    everything: Figures
    finals: Figures
    strata: StrataFigures | None
    families: Mapping[str, Figures]
    gap: Figures | None
    train_snapshots: int
    train_architectures: int
    test_architectures: int
    parameters: int | None
    cpu_s: Figure
    """Of fitting and predicting, for one seed."""


Key = tuple[str, str, str]
"""Zoo, arm and method."""


def current(results: Iterable[Result]) -> tuple[list[Result], list[Result]]:
    """Results of what each zoo and each method are now, by the newest unit; and those that are out of date."""
    ordered = sorted(results, key=lambda each: each.facts.measured_at)
    networks = {each.facts.unit.zoo: each.facts.fingerprint for each in ordered}
    settings = {(each.facts.unit.zoo, each.facts.unit.method): each.facts.settings for each in ordered}
    kept, stale = [], []
    for each in ordered:
        unit, facts = each.facts.unit, each.facts
        known = networks[unit.zoo], settings[unit.zoo, unit.method]
        (kept if known == (facts.fingerprint, facts.settings) else stale).append(each)
    return kept, stale


def lines_of(results: Iterable[Result]) -> list[Line]:
    """One line for each zoo, arm and method; left-out families come together in an arm `family`, too."""
    by_key: dict[Key, list[Result]] = defaultdict(list)
    for result in results:
        unit = result.facts.unit
        by_key[unit.zoo, unit.arm, unit.method].append(result)
    for (zoo, arm, method), mine in list(by_key.items()):
        if arm.startswith(f"{FAMILY}:"):
            by_key[zoo, FAMILY, method] += mine
    by_seed = {key: _by_seed(mine) for key, mine in sorted(by_key.items(), key=lambda each: each[0])}
    return [_line(key, mine) for key, mine in by_seed.items() if mine]


def _by_seed(results: Sequence[Result]) -> list[Result]:
    """One result for each seed; the families that were left out in turn are put together."""
    seeds = sorted({result.facts.unit.seed for result in results})
    arms = {result.facts.unit.arm for result in results}
    mine = {seed: [result for result in results if result.facts.unit.seed == seed] for seed in seeds}
    complete = [seed for seed in seeds if {each.facts.unit.arm for each in mine[seed]} == arms]
    return [_join(mine[seed]) for seed in complete]


def _join(results: Sequence[Result]) -> Result:
    if len(results) == 1:
        return results[0]
    gaps = [result.gap for result in results if result.gap is not None]
    return Result(
        facts=replace(
            results[0].facts,
            train_snapshots=min(result.facts.train_snapshots for result in results),
            train_architectures=min(result.facts.train_architectures for result in results),
            test_architectures=sum(result.facts.test_architectures for result in results),
            cpu_s=sum(result.facts.cpu_s for result in results),
        ),
        snapshots=together([result.snapshots for result in results]),
        accuracy=np.concatenate([result.accuracy for result in results]),
        gap=np.concatenate(gaps) if len(gaps) == len(results) else None,
    )


def _line(key: Key, results: Sequence[Result]) -> Line:
    facts: Facts = results[0].facts
    snapshots = results[0].snapshots
    everywhere, ranked = np.ones(len(snapshots.accuracy), bool), facts.ranked_only
    zoo, arm, method = key
    gaps = [score(each.gap, each.snapshots.gap) for each in results if each.gap is not None]
    return Line(
        zoo=zoo,
        arm=arm,
        method=method,
        words=facts.words,
        kind=facts.kind,
        seeds=tuple(result.facts.unit.seed for result in results),
        everything=_accuracy(results, everywhere, ranked_only=ranked),
        finals=_accuracy(results, snapshots.is_final, ranked_only=ranked),
        strata=_strata(results),
        families={
            str(name): _accuracy(results, snapshots.family == name, ranked_only=ranked)
            for name in np.unique(snapshots.family)
        },
        gap=_figures(gaps) if gaps else None,
        train_snapshots=facts.train_snapshots,
        train_architectures=facts.train_architectures,
        test_architectures=facts.test_architectures,
        parameters=facts.parameters,
        cpu_s=figure([result.facts.cpu_s for result in results]),
    )


def _accuracy(results: Sequence[Result], chosen: np.ndarray, *, ranked_only: bool) -> Figures:
    return _figures(
        [score(each.accuracy[chosen], each.snapshots.accuracy[chosen], ranked_only=ranked_only) for each in results]
    )


def _strata(results: Sequence[Result]) -> StrataFigures | None:
    found = [score_strata(each.accuracy, each.snapshots.accuracy, each.snapshots.stratum) for each in results]
    known: list[StrataScores] = [each for each in found if each is not None]
    if not known:
        return None
    first = known[0]
    return StrataFigures(
        tau=figure([each.tau for each in known]),
        tau_ceiling=first.tau_ceiling,
        strata=first.strata,
        count=first.count,
    )


def _figures(scores: Sequence[Scores]) -> Figures:
    first = scores[0]
    r2s = [each.r2 for each in scores if each.r2 is not None]
    errors = [each.mae for each in scores if each.mae is not None]
    return Figures(
        r2=figure(r2s) if r2s else None,
        tau=figure([each.tau for each in scores]),
        tau_ceiling=first.tau_ceiling,
        mae=figure(errors) if errors else None,
        count=first.count,
    )


def figure(numbers: Sequence[float]) -> Figure:
    """Mean and spread of what several seeds gave."""
    return Figure(mean=float(np.mean(numbers)), spread=float(np.std(numbers, ddof=1)) if len(numbers) > 1 else 0.0)
