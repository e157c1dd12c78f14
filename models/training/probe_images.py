"""Learns probe images: what to show networks so that their answers tell their accuracy (ProbeGen, Kahana et al. 2025).

Images are learned by gradient descent through the training networks themselves, together with a small reader of the
answers, which is thrown away. No photograph is seen: all that is known of CIFAR-10 comes from networks trained on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from models.interpreter.layers import run_population
from models.metanetworks.targets import TARGETS, loss
from models.probes.images import LEARNED, SIDE, ProbeSet
from models.training.networks import JobNetworks
from models.zoo.images import MEAN, SPREAD

CLASSES = 10
_BOUND = 1e4
"""Largest logit that counts."""
_LEAST_LOG = -12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFitConfig:
    """How many images are learned, on what grid of pixels, and how. A step sees `snapshots` networks of `jobs` jobs."""

    images: int = 64
    grid: int = 16
    """Images are smooth: learned on grid x grid pixels, and enlarged."""
    epochs: int = 24
    jobs: int = 4
    snapshots: int = 6
    learning_rate: float = 3e-3
    image_rate: float = 2e-2
    weight_decay: float = 5e-2


def learn_probes(networks: Sequence[JobNetworks], config: ProbeFitConfig, seed: int) -> ProbeSet:
    """Probe images that tell the accuracies of `networks` apart."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 11])
    reader = ProbeReader(config)
    groups = [
        {"params": [reader.canvas], "lr": config.image_rate, "weight_decay": 0.0},
        {"params": list(reader.read.parameters()), "lr": config.learning_rate, "weight_decay": config.weight_decay},
    ]
    optimizer = torch.optim.AdamW(groups)
    steps = config.epochs * -(-len(networks) // config.jobs)
    rates = [config.image_rate, config.learning_rate]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=0.15)
    with tqdm(total=steps, desc="learning probe images", unit="step") as bar:
        for _ in range(config.epochs):
            order = rng.permutation(len(networks))
            for start in range(0, len(order), config.jobs):
                chosen = [networks[number] for number in order[start : start + config.jobs]]
                for job in chosen:
                    (_value(reader, job, rng, config) / len(chosen)).backward()
                for group in groups:
                    torch.nn.utils.clip_grad_norm_(group["params"], 1.0)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
                bar.update()
    pixels = (255 * reader.pixels().detach()).round().to(torch.uint8).numpy()
    return ProbeSet(images=pixels, kind_of=np.full(config.images, LEARNED))


class ProbeReader(nn.Module):
    """Images, and an MLP from the answers to them, class by class, to the targets."""

    def __init__(self, config: ProbeFitConfig) -> None:
        super().__init__()
        self.canvas = nn.Parameter(torch.randn(config.images, 3, config.grid, config.grid))
        self.read = nn.Sequential(
            nn.Linear(config.images * CLASSES + 6, 128),
            nn.GELU(),
            nn.Dropout(0.1),
            nn.Linear(128, 64),
            nn.GELU(),
            nn.Linear(64, TARGETS),
        )

    def pixels(self) -> Float[Tensor, "images 3 32 32"]:
        """The images, from 0 to 1."""
        large = functional.interpolate(self.canvas, size=SIDE, mode="bilinear", align_corners=False)
        return torch.sigmoid(1.5 * large)

    def forward(self, job: JobNetworks, rows: Tensor) -> Float[Tensor, "networks targets"]:
        """The targets of some of a job's networks."""
        mean, spread = (torch.tensor(each).view(3, 1, 1) for each in (MEAN, SPREAD))
        images = ((self.pixels() - mean) / spread).repeat(1, len(rows), 1, 1)
        tensors = {name: tensor[rows] for name, tensor in job.tensors.items()}
        logits, _ = run_population(job.network, tensors, images, training=False)
        return self.read(_answers(logits.clamp(-_BOUND, _BOUND)))


def _answers(logits: Float[Tensor, "networks images classes"]) -> Float[Tensor, "networks answers"]:
    """Probabilities class by class, then the logits' scale and how sure and how different the answers are."""
    log_shares = functional.log_softmax(logits, dim=-1).clamp_min(_LEAST_LOG)
    shares = log_shares.exp()
    most, mean = shares.amax(-1), shares.mean(1)
    summary = torch.stack(
        [
            logits.flatten(1).std(1).clamp_min(1e-3).log(),
            (logits - logits.mean(1, keepdim=True)).flatten(1).std(1).clamp_min(1e-3).log(),
            -(shares * log_shares).sum(-1).mean(1),
            most.mean(1),
            most.std(1),
            -(mean * (mean + 1e-6).log()).sum(1),
        ],
        dim=1,
    )
    return torch.cat([3 * shares.flatten(1) - 0.3, summary], dim=1)


def _value(reader: ProbeReader, job: JobNetworks, rng: np.random.Generator, config: ProbeFitConfig) -> Tensor:
    rows = torch.from_numpy(rng.permutation(len(job.entries))[: config.snapshots])
    return loss(reader(job, rows), job.measured.of(rows))
