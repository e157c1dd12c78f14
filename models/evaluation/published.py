"""What is measured of a published predictor: `metrics.json`, from which the card is written."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from safetensors import safe_open

from metagauge.graph.build import family_of
from models.evaluation.intervals import Errors, cross_calibrated, holds_of, intervals_of
from models.evaluation.judged import Judged, Predicts, judge
from models.evaluation.moves import Moves
from models.evaluation.scorecard import Line
from models.evaluation.scores import Scores, StrataScores, score, score_strata
from models.training.networks import JobNetworks
from models.training.split import Split
from models.zoo.store import ZooStore

FOLDS = 10
_WEIGHTS_ONLY = "test_accuracy_of_weights_only"
_QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZooFacts:
    """Where the networks are from."""

    name: str
    recipe: str
    """Digest of the recipe."""
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The predictor's own size, all that is stored with it included."""

    numbers: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """How many networks there are in the zoos, or in a part of their split."""

    part: str
    snapshots: int
    runs: int
    architectures: int
    families: Mapping[str, int]
    """Architectures of each family."""
    test_images: int
    """How many images test accuracies were measured on."""
    train_images: int
    """How many images train accuracies were measured on, at most: a network may have been trained on fewer."""
    test_accuracy_quantiles: tuple[float, ...]
    """Quantiles 0, 10, 25, 50, 75, 90 and 100 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Scores of the predictor's values, on the networks of one part of the split that it answers."""

    part: str
    answered: float
    """Share of the networks."""
    everything: Scores
    finals: Scores
    strata: StrataScores | None
    families: Mapping[str, Scores]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often one property's intervals hold, on architectures that were neither fitted to nor calibrated on.

    The predictor is calibrated on all architectures that it was not fitted to. To count, they are dealt into FOLDS
    folds, and the networks of each are covered by intervals that were calibrated on the other folds.
    """

    nominal: float
    measured: float
    mean_width: float
    test_alone: float
    """Calibrated on the calibration part of the split, counted on its test part: one split of many."""
    served: float
    """Of the intervals as they are served, on the networks that they were calibrated on."""
    families: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Everything a card says in numbers. `scores` is what the list of predictors shows."""

    scores: Mapping[str, float]
    zoos: tuple[ZooFacts, ...]
    networks: tuple[NetworkFacts, ...]
    """All of the zoos, then the parts of the split by architecture."""
    weights: Weights
    test_accuracy: tuple[Served, ...]
    """On each part; the last is of test networks as they are served."""
    generalization_gap: tuple[Served, ...]
    intervals: Mapping[str, Coverage]
    answered_in_domain: float
    scorecard: tuple[Line, ...]
    """Other methods on the same zoos, refitted; see `python -m models.evaluation run`."""
    moves: tuple[Moves, ...]
    """Under changes that keep the function; see `python -m models.evaluation moves`."""


def measure(
    predictor: Predicts, parts: Split, weights: Path, lines: Sequence[Line], moves: Sequence[Moves]
) -> Measures:
    """Judges all parts of the split that the predictor was fitted to.

    Args:
        predictor: As it is served.
        parts: The split by architecture that it was fitted to.
        weights: The file of its tensors.
        lines: Of the scorecard, to stand beside it.
        moves: What `models.evaluation.moves` found.

    Raises:
        ValueError: it answers none of the test networks.
    """
    named = {"train": parts.train, "calibration": parts.calibration, "test": parts.test}
    test = judge(predictor, parts.test)
    judged = {
        "train, a sample": judge(predictor, _sample(parts.train, len(parts.test))),
        "calibration": judge(predictor, parts.calibration),
        "test, weights only": judge(predictor, parts.test, executed=False),
        "test": test,
    }
    if not test.is_answered.any():
        raise ValueError("the predictor answers none of the test networks: was it fitted to other zoos?")
    served = tuple(_served(part, each, gap=False) for part, each in judged.items() if each.is_answered.any())
    gaps = (_served("test", test, gap=True),)
    held_out = (judged["calibration"], parts.calibration), (test, parts.test)
    plain = judge(predictor, parts.calibration, executed=False)
    of_weights = (plain, parts.calibration), (judged["test, weights only"], parts.test)
    intervals = {
        "test_accuracy": _coverage(*held_out, gap=False),
        "generalization_gap": _coverage(*held_out, gap=True),
        **({_WEIGHTS_ONLY: _coverage(*of_weights, gap=False)} if plain.is_answered.any() else {}),
    }
    everything = [job for networks in named.values() for job in networks]
    return Measures(
        scores=_scores(served[-1], gaps[0], intervals),
        zoos=tuple(_zoo(zoo) for zoo in sorted({job.zoo for job in everything})),
        networks=tuple(_networks(part, each) for part, each in {"zoos": everything, **named}.items()),
        weights=_weights(weights),
        test_accuracy=served,
        generalization_gap=gaps,
        intervals=intervals,
        answered_in_domain=served[-1].answered,
        scorecard=tuple(lines),
        moves=tuple(moves),
    )


def _sample(jobs: Sequence[JobNetworks], count: int) -> list[JobNetworks]:
    """As many jobs, evenly taken."""
    return [jobs[number] for number in np.linspace(0, len(jobs) - 1, min(count, len(jobs))).astype(int)]


def _scores(accuracy: Served, gap: Served, intervals: Mapping[str, Coverage]) -> dict[str, float]:
    """Flat, for lists of predictors."""
    found = {
        **{f"test_accuracy_{name}": value for name, value in asdict(accuracy.everything).items()},
        **{f"test_accuracy_finals_{name}": value for name, value in asdict(accuracy.finals).items()},
        **{f"generalization_gap_{name}": value for name, value in asdict(gap.everything).items()},
    }
    wanted = {name: float(value) for name, value in found.items() if value is not None and not name.endswith("count")}
    return wanted | {f"{name}_interval_coverage": each.measured for name, each in intervals.items()}


def _served(part: str, judged: Judged, *, gap: bool) -> Served:
    answered = judged.is_answered
    snapshots = judged.snapshots.where(answered)
    predicted = (judged.gap if gap else judged.accuracy).value[answered]
    measured = snapshots.gap if gap else snapshots.accuracy
    return Served(
        part=part,
        answered=float(answered.mean()),
        everything=score(predicted, measured),
        finals=score(predicted[snapshots.is_final], measured[snapshots.is_final]),
        strata=score_strata(predicted, measured, snapshots.stratum),
        families={
            str(name): score(predicted[snapshots.family == name], measured[snapshots.family == name])
            for name in np.unique(snapshots.family)
        },
    )


_Part = tuple[Judged, Sequence[JobNetworks]]


def _coverage(calibration: _Part, test: _Part, *, gap: bool) -> Coverage:
    said = test[0].gap if gap else test[0].accuracy
    bounds = (-1.0, 1.0) if gap else (0.0, 1.0)
    calibrating, testing = _errors(*calibration, gap=gap), _errors(*test, gap=gap)
    held_out = calibrating.joined(testing)
    told = cross_calibrated(held_out, FOLDS, 0, coverage=said.coverage, bounds=bounds)
    holds = holds_of(told, held_out)
    alone = holds_of(intervals_of(calibrating, testing, coverage=said.coverage, bounds=bounds), testing)
    served = np.concatenate([_inside(judged, gap=gap) for judged, _ in (calibration, test)])
    return Coverage(
        nominal=said.coverage,
        measured=float(holds.mean()),
        mean_width=float(np.mean([each.high - each.low for each in told])),
        test_alone=float(alone.mean()),
        served=float(served.mean()),
        families={str(name): float(holds[held_out.families == name].mean()) for name in np.unique(held_out.families)},
    )


def _errors(judged: Judged, networks: Sequence[JobNetworks], *, gap: bool) -> Errors:
    """Of the networks that are answered."""
    return Errors(
        predicted=(judged.gap if gap else judged.accuracy).value,
        measured=judged.snapshots.gap if gap else judged.snapshots.accuracy,
        families=judged.snapshots.family,
        kinds=np.array([family_of(job.network) for job in networks for _ in job.entries]),
        architectures=judged.snapshots.architecture,
    ).where(judged.is_answered)


def _inside(judged: Judged, *, gap: bool) -> Bool[np.ndarray, " answered"]:
    """Whether what was measured is inside the interval that was served, of networks that are answered."""
    said = judged.gap if gap else judged.accuracy
    measured = judged.snapshots.gap if gap else judged.snapshots.accuracy
    return ((said.low <= measured) & (measured <= said.high))[judged.is_answered]


def _weights(path: Path) -> Weights:
    with safe_open(path, framework="numpy") as file:
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 - no mapping
    return Weights(numbers=sum(prod(shape) for shape in shapes), size_bytes=path.stat().st_size)


def _zoo(folder: Path) -> ZooFacts:
    recipe = ZooStore(folder).recipe()
    return ZooFacts(
        name=recipe.name,
        recipe=recipe.digest(),
        jobs=recipe.jobs,
    )


def _networks(part: str, networks: Sequence[JobNetworks]) -> NetworkFacts:
    entries = [entry for job in networks for entry in job.entries]
    runs = {run for job in networks for run in job.runs}
    families = {job.architecture: job.family for job in networks}
    accuracies = [entry.test_accuracy for entry in entries]
    return NetworkFacts(
        part=part,
        snapshots=len(entries),
        runs=len(runs),
        architectures=len(families),
        families={name: list(families.values()).count(name) for name in sorted(set(families.values()))},
        test_images=min(entry.test_images for entry in entries),
        train_images=max(entry.train_images for entry in entries),
        test_accuracy_quantiles=tuple(round(float(value), 4) for value in np.quantile(accuracies, _QUANTILES)),
    )
