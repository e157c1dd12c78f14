"""Damaged copies of a zoo's networks: what a predictor's detector of damage learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from metagauge.graph.build import build
from models.canonical.rescale import rescale
from models.graph_tensors import stack
from models.in_memory import checkpoint_of
from models.training.networks import JobNetworks
from models.transforms.damage import truncated
from models.transforms.transform import NotApplicableError, Tensors, Transform

TRUNCATED = "truncated"
"""Half of the weights are those of another snapshot of the job, mostly of an earlier one or of another run."""


def damaged(networks: Sequence[JobNetworks], transforms: Mapping[str, Transform], seed: int) -> list[JobNetworks]:
    """A copy of every snapshot, damaged in one of these ways or by being mixed with another snapshot.

    Labels are those of what was damaged. The copies were not asked about probe images: what the originals answered is
    left out.
    """
    bar = tqdm(networks, desc="damaging networks", unit="job")
    return [_damaged(job, transforms, np.random.default_rng([seed, job.job, 31])) for job in bar]


def damage(
    job: JobNetworks, row: int, name: str, transforms: Mapping[str, Transform], rng: np.random.Generator
) -> Tensors:
    """The tensors of snapshot `row`, damaged in the way called `name`.

    Raises:
        NotApplicableError: they cannot be damaged in this way.
    """
    tensors = _tensors(job, row)
    other = _tensors(job, int(rng.integers(len(job.entries))))
    transform = truncated(other) if name == TRUNCATED else transforms[name]
    return transform(job.network, tensors, rng)[1]


def _damaged(job: JobNetworks, transforms: Mapping[str, Transform], rng: np.random.Generator) -> JobNetworks:
    copies = [_any(job, row, transforms, rng) for row in range(len(job.entries))]
    stacked: dict[str, Tensor] = {
        name: torch.from_numpy(np.stack([copy[name] for copy in copies])) for name in copies[0]
    }
    graphs = [build(job.network, checkpoint_of(copy)) for copy in copies]
    return replace(job, tensors=stacked, graphs=stack([rescale(graph) for graph in graphs]), written=stack(graphs))


def _any(job: JobNetworks, row: int, transforms: Mapping[str, Transform], rng: np.random.Generator) -> Tensors:
    """In the first of the ways, in random order, that can be done."""
    names = [*transforms, TRUNCATED]
    for number in rng.permutation(len(names)):
        try:
            return damage(job, row, names[number], transforms, rng)
        except NotApplicableError:
            continue
    raise NotApplicableError(f"job {job.job} of the zoo has no weights to damage")


def _tensors(job: JobNetworks, row: int) -> Tensors:
    return {name: tensor[row].numpy() for name, tensor in job.tensors.items()}
