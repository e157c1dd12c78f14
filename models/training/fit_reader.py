"""Fits a reader: all snapshots are rows of one table."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from models.metanetworks.reader import Reader, ReaderConfig
from models.metanetworks.targets import Measured, loss
from models.training.networks import JobNetworks
from models.training.rounded import rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderFitConfig:
    """How long and how fast."""

    steps: int = 3500
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 3e-2


def fit_reader(
    numbers: Float[Tensor, "snapshots numbers"],
    networks: Sequence[JobNetworks],
    model: ReaderConfig,
    config: ReaderFitConfig,
    seed: int,
) -> Reader:
    """A trained reader, in evaluation mode. numbers: about each snapshot of the networks, in order."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    reader, measured = Reader(model, numbers.shape[1]), Measured.joined([job.measured for job in networks])
    reader.scale.fit(numbers)
    scaled = reader.scale(numbers)
    optimizer = torch.optim.AdamW(reader.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=config.steps, pct_start=0.15
    )
    for _ in tqdm(range(config.steps), desc="training a reader", unit="step"):
        rows = torch.randint(len(scaled), (config.batch,), generator=generator)
        value = loss(reader.read(scaled[rows]), measured.of(rows))
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        rates.step()
    return rounded(reader).eval()
