"""The networks of a zoo as training data: graphs of one job stacked, beside the labels."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from metagauge.architecture.codec import to_json
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.tensor import Tensor as CheckpointTensor
from metagauge.graph.build import build
from models.graph_tensors import GraphTensors, stack
from models.zoo.store import Entry, ZooStore


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNetworks:
    """The snapshots of one job. Row i of everything belongs to `entries[i]`."""

    job: int
    architecture: str
    """Digest of the architecture; jobs that drew the same one share it."""
    family: str
    graphs: GraphTensors
    entries: tuple[Entry, ...]

    @property
    def accuracy(self) -> Tensor:
        """Measured test accuracy: (networks,)."""
        return torch.tensor([entry.test_accuracy for entry in self.entries])

    @property
    def gap(self) -> Tensor:
        """Measured train accuracy minus test accuracy: (networks,)."""
        return torch.tensor([entry.train_accuracy - entry.test_accuracy for entry in self.entries])

    def where(self, chosen: np.ndarray) -> "JobNetworks":
        """Some of the snapshots. chosen: a mask, (networks,)."""
        entries = tuple(entry for entry, is_chosen in zip(self.entries, chosen, strict=True) if is_chosen)
        return replace(self, graphs=self.graphs.select(torch.from_numpy(chosen)), entries=entries)


def load_networks(store: ZooStore) -> list[JobNetworks]:
    """All complete jobs of a zoo, in order."""
    by_job: dict[int, list[Entry]] = {}
    for entry in store.entries():
        by_job.setdefault(entry.job, []).append(entry)
    jobs = tqdm(sorted(by_job.items()), desc="building graphs", unit="job")
    return [_load_job(store, job, entries) for job, entries in jobs]


def checkpoint_of(tensors: Mapping[str, np.ndarray]) -> Checkpoint:
    """A checkpoint of float32 arrays in memory."""
    return Checkpoint(
        format=Format.SAFETENSORS,
        size_bytes=sum(array.nbytes for array in tensors.values()),
        tensors=dict(_tensors(tensors)),
        metadata={},
    )


def _tensors(arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[str, CheckpointTensor]]:
    for name, array in arrays.items():
        yield name, CheckpointTensor(name=name, dtype="F32", shape=array.shape, load=lambda array=array: array)


def _load_job(store: ZooStore, job: int, entries: list[Entry]) -> JobNetworks:
    architecture, networks = store.networks(job)
    labels = {(entry.member, entry.step): entry for entry in entries}
    found = [(labels[member, step], build(architecture, checkpoint_of(tensors))) for member, step, tensors in networks]
    return JobNetworks(
        job=job,
        architecture=hashlib.sha256(to_json(architecture).encode()).hexdigest()[:16],
        family=entries[0].family,
        graphs=stack([graph for _, graph in found]),
        entries=tuple(entry for entry, _ in found),
    )
