"""The networks of zoos as training data: graphs of one job stacked, beside the labels."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.codec import to_json
from metagauge.graph.build import build
from models.canonical.rescale import rescale
from models.graph_tensors import GraphTensors, stack
from models.in_memory import checkpoint_of
from models.metanetworks.targets import Measured
from models.zoo.store import Entry, ZooStore


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNetworks:
    """The snapshots of one job. Row i of everything belongs to `entries[i]`."""

    zoo: Path
    job: int
    architecture: str
    """Digest of the architecture; jobs that drew the same one share it, in whichever zoo."""
    family: str
    network: Architecture
    tensors: Mapping[str, Tensor]
    """(networks, *shape) by name."""
    graphs: GraphTensors
    """In the scales of `models.canonical`, with what the networks answered where they were asked."""
    written: GraphTensors
    """With the weights as they are in the files."""
    entries: tuple[Entry, ...]

    @property
    def accuracy(self) -> Tensor:
        """Measured test accuracy: (networks,)."""
        return torch.tensor([entry.test_accuracy for entry in self.entries])

    @property
    def gap(self) -> Tensor:
        """Measured train accuracy minus test accuracy: (networks,)."""
        return torch.tensor([entry.train_accuracy - entry.test_accuracy for entry in self.entries])

    @property
    def measured(self) -> Measured:
        """All that was measured: (networks,) each."""
        return Measured(
            test_accuracy=self.accuracy,
            gap=self.gap,
            train_accuracy=torch.tensor([entry.train_accuracy for entry in self.entries]),
            test_loss=torch.tensor([entry.test_loss for entry in self.entries]),
        )

    @property
    def runs(self) -> list[tuple[str, int, int]]:
        """Names the run of each snapshot, among those of all zoos."""
        return [(str(self.zoo), *entry.run) for entry in self.entries]

    def where(self, chosen: np.ndarray) -> "JobNetworks":
        """Some of the snapshots. chosen: a mask, (networks,)."""
        rows = torch.from_numpy(chosen)
        return replace(
            self,
            tensors={name: tensor[rows] for name, tensor in self.tensors.items()},
            graphs=self.graphs.select(rows),
            written=self.written.select(rows),
            entries=tuple(entry for entry, is_chosen in zip(self.entries, chosen, strict=True) if is_chosen),
        )


def load_networks(zoos: Sequence[Path]) -> list[JobNetworks]:
    """All complete jobs of some zoos, in order."""
    found = [(zoo, job, entries) for zoo in zoos for job, entries in sorted(_by_job(ZooStore(zoo)).items())]
    return [_load_job(*each) for each in tqdm(found, desc="building graphs", unit="job")]


def _by_job(store: ZooStore) -> dict[int, list[Entry]]:
    by_job: dict[int, list[Entry]] = {}
    for entry in store.entries():
        by_job.setdefault(entry.job, []).append(entry)
    return by_job


def _load_job(zoo: Path, job: int, entries: list[Entry]) -> JobNetworks:
    architecture, networks = ZooStore(zoo).networks(job)
    labels = {(entry.member, entry.step): entry for entry in entries}
    found = [(labels[member, step], tensors) for member, step, tensors in networks]
    graphs = [build(architecture, checkpoint_of(tensors)) for _, tensors in found]
    return JobNetworks(
        zoo=zoo,
        job=job,
        architecture=hashlib.sha256(to_json(architecture).encode()).hexdigest()[:16],
        family=entries[0].family,
        network=architecture,
        tensors={name: torch.from_numpy(np.stack([tensors[name] for _, tensors in found])) for name in found[0][1]},
        graphs=stack([rescale(graph) for graph in graphs]),
        written=stack(graphs),
        entries=tuple(entry for entry, _ in found),
    )
