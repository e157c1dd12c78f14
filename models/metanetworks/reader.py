"""What stands beside the graph: an MLP that reads numbers about a whole network, and no neuron.

It sees less than a metanetwork and errs otherwise, so that both together are right more often than either.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.metanetworks.targets import TARGETS

_TAILS = (0.1, 0.5, 0.9)
_NORMAL = 2.563
"""Distance of a normal distribution's outer _TAILS, in standard deviations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderConfig:
    """How many readers speak beside a metanetwork, how much they count, and their sizes."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    count: int = 2
    share: float = 0.5
    """What the mean of the readers counts; the mean of the metanetworks counts the rest."""
    width: int = 160
    summary: bool = False
    """Whether they read `models.metanetworks.summary`, too."""
    dropout: float = 0.1
    sets: int = 1
    """Sets of learned probe images; reader k reads the answers to set k mod sets, metanetworks those to the first."""


class Squash(nn.Module):
    """Numbers in units of their spread on training networks; far ones count by their logarithm, so none runs away."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def fit(self, rows: Float[Tensor, "rows width"]) -> None:
        """Measures the median, and the spread without the tails."""
        low, middle, high = np.quantile(rows.double().numpy(), _TAILS, axis=0)
        spread = np.maximum((high - low) / _NORMAL, 0.1 * rows.double().std(0, correction=0).numpy())
        self.middle = torch.from_numpy(middle).to(rows)
        self.spread = torch.from_numpy(spread.clip(1e-3)).to(rows)

    def forward(self, rows: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
        """asinh((x - middle) / spread)."""
        return torch.asinh((rows - self.middle) / self.spread)


class Reader(nn.Module):
    """Predicts properties of networks from `numbers` about each."""

    def __init__(self, config: ReaderConfig, numbers: int) -> None:
        super().__init__()
        width, half = config.width, config.width // 2
        self.scale = Squash(numbers)
        self.read = nn.Sequential(
            nn.Dropout(config.dropout / 2),
            nn.Linear(numbers, width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(width, half),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(half, TARGETS),
        )

    def forward(self, numbers: Float[Tensor, "networks numbers"]) -> Float[Tensor, "networks targets"]:
        """TARGETS numbers for each network."""
        return self.read(self.scale(numbers))
