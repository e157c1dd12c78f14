"""How far a prediction moves when a network is changed in ways that keep its function."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from tqdm import tqdm

from metagauge.architecture.architecture import Architecture
from metagauge.graph.build import build
from models.in_memory import checkpoint_of
from models.subject import Subject
from models.training.networks import JobNetworks
from models.transforms.registry import PRESERVING
from models.transforms.transform import NotApplicableError, Transform

Judge = Callable[[Subject], float]
"""The predicted test accuracy of a network; NaN where there is no prediction."""
Change = Callable[[Architecture, Mapping[str, np.ndarray], np.random.Generator], Subject]
"""Makes a network again, in another way.

Raises:
    NotApplicableError: nothing of this network can be changed in this way.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained network of a zoo."""

    family: str
    architecture: Architecture
    tensors: Mapping[str, np.ndarray]
    accuracy: float
    """As measured on test images."""

    @property
    def subject(self) -> Subject:
        """As it came out of training."""
        return subject_of(self.architecture, self.tensors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Moves of the predicted test accuracy under one change, over the networks that it applies to."""

    change: str
    networks: int
    """Judged before and after."""
    not_applicable: int
    """Networks with nothing that could be changed in this way."""
    abstained: int
    """Networks without a prediction before the change or after it."""
    mean: float | None
    largest: float | None
    families: Mapping[str, float]
    """Largest move of each family."""


def trained_of(jobs: Sequence[JobNetworks], count: int, seed: int) -> list[Trained]:
    """One final snapshot of each of `count` of these jobs, or of all if there are fewer; drawn by the seed."""
    rng = np.random.default_rng([seed, 21])
    found = []
    for number in rng.permutation(len(jobs))[:count].tolist():
        job = jobs[number]
        row = int(rng.choice([row for row, entry in enumerate(job.entries) if entry.is_final]))
        tensors = {name: tensor[row].numpy() for name, tensor in job.tensors.items()}
        accuracy = job.entries[row].test_accuracy
        found.append(Trained(family=job.family, architecture=job.network, tensors=tensors, accuracy=accuracy))
    return found


def subject_of(architecture: Architecture, tensors: Mapping[str, np.ndarray]) -> Subject:
    """What a predictor judges, of arrays in memory."""
    return Subject(graph=build(architecture, checkpoint_of(tensors)), network=architecture, tensors=tensors)


def transforms() -> dict[str, Change]:
    """The function-preserving transforms as changes."""
    return {name: partial(_transformed, transform) for name, transform in PRESERVING.items()}


def moves_of(judge: Judge, networks: Sequence[Trained], changes: Mapping[str, Change], seed: int) -> list[Moves]:
    """Judges every network before and after every change."""
    before = [judge(network.subject) for network in tqdm(networks, desc="as trained", unit="network")]
    cases = list(zip(networks, before, strict=True))
    return [_moves(name, change, judge, cases, seed) for name, change in changes.items()]


def _transformed(
    transform: Transform, architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator
) -> Subject:
    return subject_of(*transform(architecture, tensors, rng))


def _moves(name: str, change: Change, judge: Judge, cases: Sequence[tuple[Trained, float]], seed: int) -> Moves:
    found: dict[str, list[float]] = defaultdict(list)
    not_applicable = abstained = 0
    for number, (network, before) in enumerate(tqdm(cases, desc=name, unit="network")):
        try:
            changed = change(network.architecture, network.tensors, np.random.default_rng([seed, number]))
        except NotApplicableError:
            not_applicable += 1
            continue
        move = abs(judge(changed) - before)
        if np.isfinite(move):
            found[network.family].append(move)
        else:
            abstained += 1
    moves = [move for each in found.values() for move in each]
    return Moves(
        change=name,
        networks=len(moves),
        not_applicable=not_applicable,
        abstained=abstained,
        mean=float(np.mean(moves)) if moves else None,
        largest=max(moves, default=None),
        families={family: max(each) for family, each in sorted(found.items())},
    )
