"""What a zoo holds, in numbers, and a digest of all of it: what is committed of a zoo, which itself is not."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metagauge.architecture.codec import to_json
from models.zoo.store import Entry, ZooStore

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
"""The quantiles that are kept: least, deciles at the ends, quartiles, most."""
DIGITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Quantiles at SHARES of each label of some snapshots. Losses are mean cross-entropies in nats."""

    snapshots: int
    test_accuracy: tuple[float, ...]
    train_accuracy: tuple[float, ...]
    test_loss: tuple[float, ...]
    train_loss: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyStatistics:
    """One family of a zoo, or all of it."""

    jobs: int
    architectures: int
    """Different architectures; two jobs may have drawn the same one."""
    runs: int
    runs_of_steps: dict[int, int]
    """How many runs were trained for so many optimiser steps."""
    parameters: tuple[float, ...]
    """Quantiles at SHARES, over jobs, of the numbers in a network's tensors, running statistics included."""
    everything: Quantiles
    finals: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class ZooStatistics:
    """A zoo. `lost` counts the snapshots that were planned and left out, since their networks had diverged."""

    name: str
    recipe_digest: str
    content_digest: str
    """Of all labels and weights; see `describe`."""
    complete: bool
    lost: int
    test_images: int
    """On how many images test accuracies were measured, at least."""
    train_images: int
    """On how many images train accuracies were measured, at most: training sets may be smaller."""
    shares: tuple[float, ...]
    everything: FamilyStatistics
    families: dict[str, FamilyStatistics]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What is kept of a job while the zoo streams by."""

    architecture: str
    parameters: int
    entries: tuple[Entry, ...]


def describe(store: ZooStore) -> ZooStatistics:
    """Reads a zoo once, a network at a time.

    The content digest is SHA-256 over the complete jobs in order: the entries of the index, then for each network its
    member and step, and the name, type, shape and bytes of each tensor, by name. How an architecture is spelled is left
    out; tensors and labels say what it computes.

    Raises:
        ValueError: no job with snapshots is complete.
    """
    recipe, digest = store.recipe(), hashlib.sha256()
    jobs = [_read(store, job, digest) for job in range(recipe.jobs) if store.has(job)]
    named = [job for job in jobs if job.entries]
    if not named:
        raise ValueError(f"the zoo {recipe.name} holds no snapshots")
    families = sorted({job.entries[0].family for job in named})
    planned = len(jobs) * recipe.members * recipe.snapshots
    return ZooStatistics(
        name=recipe.name,
        recipe_digest=recipe.digest(),
        content_digest=digest.hexdigest(),
        complete=len(jobs) == recipe.jobs,
        lost=planned - sum(len(job.entries) for job in jobs),
        test_images=min(entry.test_images for job in named for entry in job.entries),
        train_images=max(entry.train_images for job in named for entry in job.entries),
        shares=SHARES,
        everything=_family(named),
        families={family: _family([job for job in named if job.entries[0].family == family]) for family in families},
    )


def _read(store: ZooStore, job: int, digest: "hashlib._Hash") -> _Job:
    """One job, added to the digest."""
    entries = store.job_entries(job)
    architecture, networks = store.networks(job)
    parameters = 0
    for entry in entries:
        digest.update(f"{entry}\n".encode())
    for member, step, tensors in networks:
        parameters = sum(array.size for array in tensors.values())
        for name, array in sorted(tensors.items()):
            digest.update(f"{member}/{step}/{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
    return _Job(architecture=to_json(architecture), parameters=parameters, entries=tuple(entries))


def _family(jobs: Sequence[_Job]) -> FamilyStatistics:
    entries = [entry for job in jobs for entry in job.entries]
    runs = {entry.run: entry.training.steps for entry in entries}
    return FamilyStatistics(
        jobs=len(jobs),
        architectures=len({job.architecture for job in jobs}),
        runs=len(runs),
        runs_of_steps={steps: list(runs.values()).count(steps) for steps in sorted(set(runs.values()))},
        parameters=_quantiles([job.parameters for job in jobs]),
        everything=_labels(entries),
        finals=_labels([entry for entry in entries if entry.is_final]),
    )


def _labels(entries: Sequence[Entry]) -> Quantiles:
    return Quantiles(
        snapshots=len(entries),
        test_accuracy=_quantiles([entry.test_accuracy for entry in entries]),
        train_accuracy=_quantiles([entry.train_accuracy for entry in entries]),
        test_loss=_quantiles([entry.test_loss for entry in entries]),
        train_loss=_quantiles([entry.train_loss for entry in entries]),
    )


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """Quantiles at SHARES; none of no values."""
    if not values:
        return ()
    return tuple(round(float(value), DIGITS) for value in np.quantile(np.array(values), SHARES))
