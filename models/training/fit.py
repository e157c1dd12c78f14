"""Fits a graph metanetwork to the networks of a split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from models.graph_tensors import GraphTensors
from models.metanetworks.edges import GmnConfig, GraphMetanetwork, loss
from models.training.networks import JobNetworks


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """How long and how fast. A step takes `snapshots` networks of each of `jobs` jobs."""

    epochs: int = 50
    jobs: int = 4
    snapshots: int = 6
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    clip: float = 1.0


def fit(networks: Sequence[JobNetworks], model: GmnConfig, config: FitConfig, seed: int) -> GraphMetanetwork:
    """A trained metanetwork, in evaluation mode. AdamW, one cycle of the learning rate."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 5])
    metanetwork = GraphMetanetwork(model)
    standardise(metanetwork, [job.graphs for job in networks])
    optimizer = torch.optim.AdamW(metanetwork.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * -(-len(networks) // config.jobs)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=steps, pct_start=0.15)
    metanetwork.train()
    with tqdm(total=steps, desc="training", unit="step") as bar:
        for _ in range(config.epochs):
            order = rng.permutation(len(networks))
            for start in range(0, len(order), config.jobs):
                chosen = [networks[number] for number in order[start : start + config.jobs]]
                value = _step(metanetwork, chosen, config, rng)
                torch.nn.utils.clip_grad_norm_(metanetwork.parameters(), config.clip)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
                bar.set_postfix(loss=f"{value:.4f}", refresh=False)
                bar.update()
    return metanetwork.eval()


def standardise(metanetwork: GraphMetanetwork, graphs: Sequence[GraphTensors]) -> None:
    """Measures the means and spreads of weight statistics on the training networks."""
    nodes = torch.cat([group.statistics.flatten(0, 1) for each in graphs for group in each.groups])
    blocks = torch.cat([block.statistics for each in graphs for block in each.blocks])
    metanetwork.node_scale.fit(nodes)
    metanetwork.block_scale.fit(blocks)


def _step(
    metanetwork: GraphMetanetwork, chosen: Sequence[JobNetworks], config: FitConfig, rng: np.random.Generator
) -> float:
    """Adds up the gradients of several jobs, so that a step sees several architectures."""
    total = 0.0
    for job in chosen:
        rows = torch.from_numpy(rng.permutation(len(job.entries))[: config.snapshots])
        value = loss(metanetwork(job.graphs.select(rows)), job.accuracy[rows], job.gap[rows]) / len(chosen)
        value.backward()
        total += float(value.detach())
    return total


@torch.no_grad()
def apply(metanetwork: GraphMetanetwork, networks: Sequence[JobNetworks]) -> Tensor:
    """The metanetwork's outputs for all snapshots, in order: (snapshots, targets)."""
    return torch.cat([metanetwork(job.graphs) for job in tqdm(networks, desc="predicting", unit="job", leave=False)])
