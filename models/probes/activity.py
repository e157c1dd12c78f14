"""What every neuron of a network says to probe images, in a few numbers.

Each number is about one neuron, or about it in relation to all neurons of its group at once: permuted neurons have
permuted numbers. None changes when a neuron's values are scaled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.probes.images import DRAWN, VIEWS

ACTIVITY_NAMES = (
    "recorded",
    "mean",
    "spread between images",
    "spread within images",
    "share above zero",
    *(f"mean on {kind}" for kind in DRAWN),
    *(f"change under {view}" for view in VIEWS),
)
"""The columns. Means and spreads are in units of a neuron's root mean square over images and positions. The mean
on a kind of images is less the mean on all. Changes are of the mean over an image, in units of what two images differ
by. A group that was not recorded has zeros."""
ACTIVITY_FEATURES = len(ACTIVITY_NAMES)

_CLIP = 20.0
_HUGE = 1e15
"""Bounds what a neuron of an exploding network is said to say; its square is far from overflow."""
_FLOOR = 1e-6
"""Of a group's size: neurons that say less are as good as silent, and rounding is not made large."""
_TINY = 1e-12


@dataclass(slots=True, kw_only=True)
class _Sums:
    """Over images, for each network and neuron of one group."""

    kind_mean: Float[Tensor, "networks kinds neurons"]
    square: Float[Tensor, "networks neurons"]
    within: Float[Tensor, "networks neurons"]
    above: Float[Tensor, "networks neurons"]
    change: Float[Tensor, "networks views neurons"]


class ActivityMeter:
    """Adds up what neurons say, tile by tile. Images of a tile are units: each image, and after all of them the views
    of each, in the order of VIEWS, where there are any."""

    def __init__(self, networks: int, sizes: Sequence[int], counts: Sequence[int], viewed: int) -> None:
        """For groups of `sizes` neurons, `counts` images of each drawn kind, and views of `viewed` of them."""
        self._networks, self._sizes = networks, sizes
        self._counts = torch.tensor(counts, dtype=torch.float64)
        self._viewed = viewed
        self._sums: dict[int, _Sums] = {}

    def add(
        self,
        group: int,
        values: Float[Tensor, "some images neurons positions"],
        networks: slice,
        kinds: Sequence[int],
    ) -> None:
        """Adds a group's values of some networks. kinds: of each unit of the tile."""
        sums = self._of(group)
        variance, mean = _moments(values)
        units = len(kinds)
        own, its_variance = mean[:, :units], variance[:, :units]
        is_kind = torch.from_numpy(np.equal.outer(np.arange(len(DRAWN)), np.array(kinds))).double()
        sums.kind_mean[networks] += torch.einsum("ku,nui->nki", is_kind, own)
        sums.square[networks] += own.square().sum(1)
        sums.within[networks] += its_variance.sum(1)
        above = torch.count_nonzero(values[:, :units] > 0, dim=(1, 3))
        sums.above[networks] += above.double() / values.shape[3]
        for number in range(mean.shape[1] // units - 1):
            view = mean[:, (number + 1) * units : (number + 2) * units]
            sums.change[networks, number] += (view - own).square().sum(1)

    def read(self) -> tuple[Float[Tensor, "networks neurons activity_features"], ...]:
        """The numbers of every group."""
        return tuple(self._read(group) for group in range(len(self._sizes)))

    def _of(self, group: int) -> _Sums:
        if group not in self._sums:
            networks, size = self._networks, self._sizes[group]
            self._sums[group] = _Sums(
                kind_mean=_zeros(networks, len(DRAWN), size),
                square=_zeros(networks, size),
                within=_zeros(networks, size),
                above=_zeros(networks, size),
                change=_zeros(networks, len(VIEWS), size),
            )
        return self._sums[group]

    def _read(self, group: int) -> Float[Tensor, "networks neurons activity_features"]:
        if group not in self._sums:
            return torch.zeros(self._networks, self._sizes[group], ACTIVITY_FEATURES)
        sums, images = self._sums[group], float(self._counts.sum())
        mean = sums.kind_mean.sum(1) / images
        between = (sums.square / images - mean.square()).clamp_min(0).sqrt()
        within = (sums.within / images).sqrt()
        size = ((sums.square + sums.within) / images).sqrt()
        group_size = size.square().mean(1, keepdim=True).sqrt()
        unit = size + _FLOOR * group_size + _TINY
        by_kind = sums.kind_mean / self._counts.clamp_min(1).view(-1, 1) - mean.unsqueeze(1)
        by_kind = by_kind * (self._counts > 0).view(-1, 1)
        change = (sums.change / max(self._viewed, 1)).sqrt() / (sqrt(2) * between + 0.01 * unit).unsqueeze(1)
        columns = [
            torch.ones_like(size),
            mean / unit,
            between / unit,
            within / unit,
            sums.above / images,
            *(by_kind / unit.unsqueeze(1)).unbind(1),
            *change.unbind(1),
        ]
        return torch.stack(columns, dim=2).clamp(-_CLIP, _CLIP).float()


def _moments(values: Float[Tensor, "networks images neurons positions"]) -> tuple[Tensor, Tensor]:
    """Variance and mean over positions, finite whatever the values: (networks, images, neurons) each."""
    if values.shape[3] == 1:
        mean = values[..., 0].double()
        variance = torch.zeros_like(mean)
    else:
        variance, mean = (each.double() for each in torch.var_mean(values, dim=3, correction=0))
    bounded = (torch.nan_to_num(each, 0.0, _HUGE, -_HUGE) for each in (variance, mean))
    variance, mean = bounded
    return variance.clamp(0, _HUGE**2), mean.clamp(-_HUGE, _HUGE)


def _zeros(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.float64)
