"""DeepSets over parameters: a network as the set of its parameters."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models import features
from models.baselines.flat import ELEMENT_FEATURES, PLACE_FEATURES, FlatNetworks


class DeepSets(nn.Module):
    """DeepSets (Zaheer et al. 2017, sec. 3.1): `rho(pool of phi(parameter, its place))`, with mean and maximum.

    An element is a parameter's value with its position in the kernel and the structure of its tensor. A tensor shows at
    most SHOWN of its parameters, drawn anew each time, so that large tensors neither cost much nor drown small ones.

    Shapes:
        in: FlatNetworks of (networks, parameters)
        out: (networks,) logits of test accuracies
    """

    SHOWN = 128
    DRAWS = 4
    """In evaluation mode, outputs for so many draws are averaged."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self._element = nn.Linear(ELEMENT_FEATURES, width)
        self._place = nn.Sequential(nn.Linear(PLACE_FEATURES, width), nn.GELU(), nn.Linear(width, width))
        self._position = nn.Linear(features.POSITION_FEATURES, width, bias=False)
        self._phi = nn.Sequential(nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self._rho = nn.Sequential(
            nn.Linear(2 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 1)
        )

    def forward(self, networks: FlatNetworks, generator: torch.Generator) -> Float[Tensor, " networks"]:
        """Logits. `generator` draws the parameters that are shown, on the CPU."""
        draws = 1 if self.training or max(networks.counts) <= self.SHOWN else self.DRAWS
        return torch.stack([self._drawn(networks, generator) for _ in range(draws)]).mean(0)

    def _drawn(self, networks: FlatNetworks, generator: torch.Generator) -> Float[Tensor, " networks"]:
        chosen, start = [], 0
        for count in networks.counts:
            if count <= self.SHOWN:
                chosen.append(torch.arange(start, start + count))
            else:
                chosen.append(torch.randint(start, start + count, (self.SHOWN,), generator=generator))
            start += count
        shown = torch.cat(chosen)
        places = self._place(networks.places)[networks.tensor_of[shown]] + self._position(networks.positions[shown])
        elements = self._phi(self._element(networks.elements(shown)) + places)  # (networks, shown, width)
        return self._rho(torch.cat([elements.mean(1), elements.amax(1)], dim=1)).squeeze(1)
