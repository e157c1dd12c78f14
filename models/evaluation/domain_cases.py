"""Networks inside and outside of what a predictor knows, each with the test accuracy that it really has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from metagauge.graph.build import build
from models.in_memory import checkpoint_of
from models.interpreter.layers import run_population
from models.subject import Subject
from models.training.damage import TRUNCATED, damage
from models.training.networks import JobNetworks
from models.transforms.registry import DAMAGING
from models.transforms.transform import NotApplicableError, Tensors
from models.zoo.images import Images, normalise

INSIDE = "inside"
GOOD = 0.2
"""Test accuracy from which on a network has something to lose by damage."""
BATCH = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One network to be judged."""

    arm: str
    """`inside`, or how it came to be outside."""
    family: str
    subject: Subject
    test_accuracy: float
    was_good: bool
    """Whether it, or what it was damaged from, had learned CIFAR-10 at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestImages:
    """Images that accuracies are measured on, evenly spread over the test set, which may be sorted by class."""

    pixels: Tensor
    labels: Tensor

    @classmethod
    def of(cls, images: Images, count: int) -> "TestImages":
        """So many of the test images."""
        chosen = torch.linspace(0, len(images.test_labels) - 1, count).long()
        return cls(pixels=images.test_pixels[chosen], labels=images.test_labels[chosen])


def inside(jobs: Sequence[JobNetworks], per_job: int, seed: int) -> Iterator[Case]:
    """Snapshots of networks whose architecture was not trained on, as they are."""
    for job in jobs:
        for row in _rows(job, per_job, seed):
            tensors = {name: tensor[row].numpy() for name, tensor in job.tensors.items()}
            accuracy = job.entries[row].test_accuracy
            yield _case(job, INSIDE, tensors, accuracy, was_good=accuracy >= GOOD)


def damaged_cases(jobs: Sequence[JobNetworks], images: TestImages, per_job: int, seed: int) -> Iterator[Case]:
    """The same snapshots, damaged in every way there is."""
    for job in jobs:
        found: list[tuple[str, Tensors, bool]] = []
        for row in _rows(job, per_job, seed):
            rng = np.random.default_rng([seed, job.job, row])
            for name in (*DAMAGING, TRUNCATED):
                try:
                    tensors = damage(job, row, name, DAMAGING, rng)
                except NotApplicableError:
                    continue
                found.append((name, tensors, job.entries[row].test_accuracy >= GOOD))
        accuracies = measure(job, [tensors for _, tensors, _ in found], images)
        for (name, tensors, was_good), accuracy in zip(found, accuracies, strict=True):
            yield _case(job, name, tensors, accuracy, was_good=was_good)


def of_other_task(task: str, jobs: Sequence[JobNetworks], images: TestImages) -> Iterator[Case]:
    """The ends of runs that learned something else than CIFAR-10; their accuracy is on CIFAR-10 nevertheless."""
    for job in jobs:
        ends = [row for row, entry in enumerate(job.entries) if entry.is_final]
        found = [{name: tensor[row].numpy() for name, tensor in job.tensors.items()} for row in ends]
        for tensors, accuracy in zip(found, measure(job, found, images), strict=True):
            yield _case(job, task, tensors, accuracy, was_good=True)


@torch.inference_mode()
def measure(job: JobNetworks, networks: Sequence[Mapping[str, np.ndarray]], images: TestImages) -> list[float]:
    """Test accuracies of networks of a job's architecture."""
    right = torch.zeros(len(networks))
    tensors = {name: torch.from_numpy(np.stack([each[name] for each in networks])) for name in networks[0]}
    for start in range(0, len(images.labels), BATCH):
        pixels, labels = images.pixels[start : start + BATCH], images.labels[start : start + BATCH]
        side_by_side = normalise(pixels).repeat(1, len(networks), 1, 1).contiguous(memory_format=torch.channels_last)
        logits, _ = run_population(job.network, tensors, side_by_side, training=False)
        right += (logits.argmax(2) == labels).sum(1)
    return (right / len(images.labels)).tolist()


def _rows(job: JobNetworks, count: int, seed: int) -> list[int]:
    """Snapshots drawn at random, the same ones for every arm."""
    return np.random.default_rng([seed, job.job]).permutation(len(job.entries))[:count].tolist()


def _case(job: JobNetworks, arm: str, tensors: Tensors, test_accuracy: float, *, was_good: bool) -> Case:
    graph = build(job.network, checkpoint_of(tensors))
    return Case(
        arm=arm,
        family=graph.family,
        subject=Subject(graph=graph, network=job.network, tensors=tensors),
        test_accuracy=test_accuracy,
        was_good=was_good,
    )
