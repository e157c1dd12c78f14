"""Networks inside and outside of what a predictor knows, each with the test accuracy that it really has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from metagauge.architecture.architecture import Architecture
from models.evaluation.moves import subject_of
from models.interpreter.layers import run_population
from models.subject import Subject
from models.training.damage import TRUNCATED, damage
from models.training.networks import JobNetworks
from models.transforms.registry import DAMAGING
from models.transforms.transform import NotApplicableError, Tensors
from models.zoo.families import CLASSES, draw
from models.zoo.images import Images, normalise
from models.zoo.population import train_population
from models.zoo.recipe import ZooRecipe, draw_training

Kind = Literal["inside", "other task", "other architecture", "random or damaged", "control"]
"""What is strange about a network; a control is like those inside, and was made in another way."""

INSIDE = "inside"
FRESH = "fresh"
GOOD = 0.2
"""Test accuracy from which on a network has something to lose by damage: twice chance."""
CHANCE = 1 / CLASSES
BATCH = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One network to be judged."""

    kind: Kind
    arm: str
    """`inside`, or how it came to be outside."""
    subject: Subject
    test_accuracy: float | None
    """On CIFAR-10, measured; None where the network is no classifier of ten classes that reads such images."""
    was_good: bool
    """False where it, or what it was damaged from, had learned too little to look trained."""
    before: float | None = None
    """Test accuracy of what it was damaged from."""

    @property
    def is_spared(self) -> bool:
        """Whether damage left at least half of what had been learned: then the network is still what it was."""
        if self.before is None or self.test_accuracy is None:
            return False
        return self.test_accuracy - CHANCE >= (self.before - CHANCE) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Images that accuracies are measured on, evenly spread over the test set, which may be sorted by class."""

    pixels: Tensor
    labels: Tensor

    @classmethod
    def of(cls, images: Images, count: int) -> "HeldOut":
        """So many of the test images."""
        chosen = torch.linspace(0, len(images.test_labels) - 1, count).long()
        return cls(pixels=images.test_pixels[chosen], labels=images.test_labels[chosen])


def inside(jobs: Sequence[JobNetworks], per_job: int, seed: int) -> Iterator[Case]:
    """Snapshots of networks whose architecture was not trained on, as they are."""
    for job in jobs:
        for row in _rows(job, per_job, seed):
            accuracy = job.entries[row].test_accuracy
            yield Case(
                kind="inside",
                arm=INSIDE,
                subject=subject_of(job.network, _tensors(job, row)),
                test_accuracy=accuracy,
                was_good=accuracy >= GOOD,
            )


def damaged_cases(jobs: Sequence[JobNetworks], images: HeldOut, per_job: int, seed: int) -> Iterator[Case]:
    """The same snapshots, damaged in every way there is."""
    for job in jobs:
        found: list[tuple[str, Tensors, float]] = []
        for row in _rows(job, per_job, seed):
            rng = np.random.default_rng([seed, job.job, row])
            for name in (*DAMAGING, TRUNCATED):
                try:
                    tensors = damage(job, row, name, DAMAGING, rng)
                except NotApplicableError:
                    continue
                found.append((name, tensors, job.entries[row].test_accuracy))
        accuracies = measure(job.network, [tensors for _, tensors, _ in found], images)
        for (name, tensors, before), accuracy in zip(found, accuracies, strict=True):
            yield Case(
                kind="random or damaged",
                arm=name,
                subject=subject_of(job.network, tensors),
                test_accuracy=accuracy,
                was_good=before >= GOOD,
                before=before,
            )


def fresh_cases(
    families: Sequence[str], recipe: ZooRecipe, images: Images, count: int, per_job: int, seed: int
) -> Iterator[Case]:
    """Networks as they are before the first step of training, of new architectures of each family.

    Args:
        families: One architecture is drawn for each; of a family that is named twice, two.
        recipe: Of a zoo: how its networks start.
        images: To measure them on.
        count: Of test images.
        per_job: Networks of each architecture.
        seed: Of the architectures and of how they start.
    """
    start = replace(recipe, members=per_job, snapshots=2, test_images=count, train_images=1)
    for number, family in enumerate(families):
        rng = np.random.default_rng([seed, number, 53])
        plan = draw(family, rng)
        training = [replace(each, steps=0) for each in draw_training(rng, start)]
        for snapshot in train_population(plan, training, start, images, (seed, number, 54)):
            yield Case(
                kind="random or damaged",
                arm=FRESH,
                subject=subject_of(plan.architecture, snapshot.tensors),
                test_accuracy=snapshot.test.accuracy,
                was_good=True,  # so that it is compared with those that did learn something
            )


def of_other_task(task: str, jobs: Sequence[JobNetworks], images: HeldOut) -> Iterator[Case]:
    """The ends of runs that learned something else than CIFAR-10; their accuracy is on CIFAR-10 nevertheless.

    Good are those that did learn it: they get twice chance on what they were trained on.
    """
    for job in jobs:
        ends = [row for row, entry in enumerate(job.entries) if entry.is_final]
        found = [_tensors(job, row) for row in ends]
        for row, tensors, accuracy in zip(ends, found, measure(job.network, found, images), strict=True):
            yield Case(
                kind="other task",
                arm=task,
                subject=subject_of(job.network, tensors),
                test_accuracy=accuracy,
                was_good=job.entries[row].train_accuracy >= GOOD,
            )


@torch.inference_mode()
def measure(architecture: Architecture, networks: Sequence[Mapping[str, np.ndarray]], images: HeldOut) -> list[float]:
    """Test accuracies of networks of an architecture."""
    right = torch.zeros(len(networks))
    tensors = {name: torch.from_numpy(np.stack([each[name] for each in networks])) for name in networks[0]}
    for start in range(0, len(images.labels), BATCH):
        pixels, labels = images.pixels[start : start + BATCH], images.labels[start : start + BATCH]
        side_by_side = normalise(pixels).repeat(1, len(networks), 1, 1).contiguous(memory_format=torch.channels_last)
        logits, _ = run_population(architecture, tensors, side_by_side, training=False)
        right += (logits.argmax(2) == labels).sum(1)
    return (right / len(images.labels)).tolist()


def _rows(job: JobNetworks, count: int, seed: int) -> list[int]:
    """Snapshots drawn at random, the same ones for every arm."""
    return np.random.default_rng([seed, job.job]).permutation(len(job.entries))[:count].tolist()


def _tensors(job: JobNetworks, row: int) -> Tensors:
    return {name: tensor[row].numpy() for name, tensor in job.tensors.items()}
