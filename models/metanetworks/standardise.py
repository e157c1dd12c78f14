"""Rows of statistics on a common scale."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

_CLIP = 10.0


class Standardise(nn.Module):
    """Subtracts a mean and divides by a spread that were measured on training networks."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def fit(self, rows: Float[Tensor, "rows width"]) -> None:
        """Measures on rows of statistics."""
        self.mean = rows.mean(0)
        self.spread = rows.std(0).clamp_min(1e-3)

    def forward(self, rows: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
        """Standardised rows, no further than ten spreads out."""
        return ((rows - self.mean) / self.spread).clamp(-_CLIP, _CLIP)
