"""Asks the networks of zoos about probe images; what they say to those that are drawn is kept beside the zoo."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from metagauge.graph.build import build
from models.in_memory import checkpoint_of
from models.predictor import told_answers
from models.probes.activity import ACTIVITY_NAMES
from models.probes.convention import Convention
from models.probes.images import ProbeSet
from models.probes.probe import Probed, probe
from models.probes.responses import response_names
from models.training.networks import JobNetworks
from models.zoo.images import MEAN, SPREAD


def ask_drawn(networks: Sequence[JobNetworks], probes: ProbeSet) -> list[JobNetworks]:
    """The networks with what their neurons and they themselves say to drawn images."""
    folder = Path("probed") / _digest(probes)
    bar = tqdm(networks, desc="asking about drawn images", unit="job")
    return [_with(job, _kept(job, probes, job.zoo / folder / f"{job.job:05d}.safetensors")) for job in bar]


def ask_learned(networks: Sequence[JobNetworks], probes: ProbeSet) -> list[JobNetworks]:
    """The networks, with what they say to learned images behind what they said to drawn ones."""
    drawn = len(response_names())
    asked = []
    for job in tqdm(networks, desc="asking about learned images", unit="job"):
        before = job.graphs.responses
        if before is None:
            raise ValueError("learned images come after drawn ones")
        after = _probe(job, probes).responses[:, drawn:]
        asked.append(replace(job, graphs=replace(job.graphs, responses=torch.cat([before[:, :drawn], after], dim=1))))
    return asked


def ask_anew(networks: Sequence[JobNetworks], probes: ProbeSet) -> list[JobNetworks]:
    """The networks with what they say to all images, which is not kept: for networks that are in no zoo."""
    bar = tqdm(networks, desc="asking about all images", unit="job")
    return [_with(job, _probe(job, probes)) for job in bar]


def _with(job: JobNetworks, probed: Probed) -> JobNetworks:
    return replace(job, graphs=told_answers(job.graphs, probed))


def _kept(job: JobNetworks, probes: ProbeSet, path: Path) -> Probed:
    """From the file, or asked now and written there."""
    if path.exists():
        found = load_file(path)
        activity = (found[f"activity/{number}"] for number in range(len(job.graphs.groups)))
        return Probed(activity=tuple(activity), responses=found["responses"])
    probed = _probe(job, probes)
    tensors: dict[str, Tensor] = {f"activity/{number}": each for number, each in enumerate(probed.activity)}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{job.job}.partial")
    save_file({name: each.contiguous() for name, each in {**tensors, "responses": probed.responses}.items()}, partial)
    partial.rename(path)
    return probed


def _probe(job: JobNetworks, probes: ProbeSet) -> Probed:
    one = {name: tensor[0].numpy() for name, tensor in job.tensors.items()}
    graph = build(job.network, checkpoint_of(one))
    return probe(job.network, job.tensors, graph, probes, Convention(mean=MEAN, spread=SPREAD))


def _digest(probes: ProbeSet) -> str:
    """Names the images, and the numbers that are made of what is said to them."""
    names: Iterable[str] = (*ACTIVITY_NAMES, *response_names())
    parts = (probes.images.tobytes(), probes.kind_of.astype(np.int64).tobytes(), "\n".join(names).encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]
