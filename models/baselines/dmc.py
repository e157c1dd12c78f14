"""DMC: a one-dimensional convolutional network over the flattened weights."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from models.baselines.flat import ELEMENT_FEATURES, FlatNetworks


class Dmc(nn.Module):
    """The deep meta-classifier of Eilertsen et al. 2020, sec. 4, for networks of any size.

    All parameters, one after the other, go through strided convolutions. Eilertsen et al. cut them into pieces of fixed
    length; here means over BINS stretches and the maximum over all make the length fixed, so that whole networks are
    seen. It is told nothing of the architecture.

    Shapes:
        in: FlatNetworks of (networks, parameters)
        out: (networks,) logits of test accuracies
    """

    WIDTHS = (16, 32, 64, 128)
    KERNEL = 8
    STRIDE = 4
    BINS = 8

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = ELEMENT_FEATURES
        for width in self.WIDTHS:
            layers += [nn.Conv1d(before, width, self.KERNEL, self.STRIDE, padding=self.KERNEL // 2), nn.GELU()]
            before = width
        self._convolutions = nn.Sequential(*layers)
        self._head = nn.Sequential(
            nn.Linear((self.BINS + 1) * before, 128), nn.GELU(), nn.Linear(128, 64), nn.GELU(), nn.Linear(64, 1)
        )

    def forward(self, networks: FlatNetworks, generator: torch.Generator) -> Float[Tensor, " networks"]:
        """Logits; nothing is drawn from `generator`."""
        del generator
        maps = self._convolutions(networks.elements(slice(None)).transpose(1, 2))  # (networks, width, length)
        means = functional.adaptive_avg_pool1d(maps, self.BINS).flatten(1)
        return self._head(torch.cat([means, maps.amax(2)], dim=1)).squeeze(1)
