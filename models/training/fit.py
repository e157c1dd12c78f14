"""Fits a metanetwork to the networks of a split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from models.metanetworks.config import AnyConfig, AnyMetanetwork, OneMetanetwork, make, standardise
from models.metanetworks.targets import Measured, loss
from models.training.networks import JobNetworks
from models.training.rounded import rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """How long and how fast. A step takes `snapshots` networks of each of `jobs` jobs."""

    epochs: int = 30
    jobs: int = 6
    snapshots: int = 6
    learning_rate: float = 3e-3
    weight_decay: float = 3e-2
    clip: float = 1.0


def fit(networks: Sequence[JobNetworks], model: AnyConfig, config: FitConfig, seed: int) -> OneMetanetwork:
    """A trained metanetwork, in evaluation mode. AdamW, one cycle of the learning rate."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 5])
    metanetwork = make(model)
    prepared = [metanetwork.prepare(job.graphs) for job in networks]
    standardise(metanetwork, [job.graphs for job in networks], prepared)
    measured = [job.measured for job in networks]
    optimizer = torch.optim.AdamW(metanetwork.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * -(-len(networks) // config.jobs)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=steps, pct_start=0.15)
    metanetwork.train()
    with tqdm(total=steps, desc="training", unit="step") as bar:
        for _ in range(config.epochs):
            order = rng.permutation(len(networks))
            for start in range(0, len(order), config.jobs):
                chosen = order[start : start + config.jobs]
                rows = [
                    torch.from_numpy(rng.permutation(len(networks[job].entries))[: config.snapshots]) for job in chosen
                ]
                outputs = metanetwork([prepared[job].select(mine) for job, mine in zip(chosen, rows, strict=True)])
                known = [measured[job].of(mine) for job, mine in zip(chosen, rows, strict=True)]
                value = loss(outputs, Measured.joined(known))
                value.backward()
                torch.nn.utils.clip_grad_norm_(metanetwork.parameters(), config.clip)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
                bar.set_postfix(loss=f"{value.detach():.4f}", refresh=False)
                bar.update()
    return rounded(metanetwork).eval()


@torch.no_grad()
def apply(metanetwork: AnyMetanetwork, networks: Sequence[JobNetworks]) -> Tensor:
    """The metanetwork's outputs for all snapshots, in order: (snapshots, targets)."""
    return torch.cat([metanetwork([job.graphs]) for job in tqdm(networks, desc="predicting", unit="job", leave=False)])
