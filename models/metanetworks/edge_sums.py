"""Means over the edges of a block: the one part of a graph metanetwork that grows with the number of parameters."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from models.features import EDGE_FEATURES
from models.graph_tensors import GraphTensors

TINY = 1e-8
FLOOR = 0.01
CLIP = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLayer:
    """The hidden layer of a block's edge MLP, `relu(own phi(w) + at_target + at_source + at_place)`.

    A linear layer of concatenated inputs is the sum of linear maps of each; those of what an edge shares with others
    are computed once for all that share it. phi: `edge_features`.
    """

    own: Float[Tensor, "hidden edge_features"]
    at_target: Float[Tensor, "networks targets hidden"]
    at_source: Float[Tensor, "networks sources hidden"]
    at_place: Float[Tensor, "positions hidden"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeMeans:
    """Means over the edges of one block that meet at a node."""

    at_targets: Float[Tensor, "networks targets features"]
    at_sources: Float[Tensor, "networks sources features"]


class EdgeSums(ABC):
    """Reads the weights of a graph's blocks, whose number is `block`."""

    @abstractmethod
    def features(self, block: int) -> EdgeMeans:
        """Means of `edge_features`."""

    @abstractmethod
    def hidden(self, block: int, layer: EdgeLayer) -> EdgeMeans:
        """Means of a hidden layer."""


class DenseSums(EdgeSums):
    """Every edge of a block at once, differentiable: for training, and for many small networks."""

    def __init__(self, graphs: GraphTensors) -> None:
        self._edges = [edge_features(block.weight, block.fan_in) for block in graphs.blocks]

    def features(self, block: int) -> EdgeMeans:
        """See `EdgeSums`."""
        return _means(self._edges[block])

    def hidden(self, block: int, layer: EdgeLayer) -> EdgeMeans:
        """See `EdgeSums`."""
        edges = self._edges[block]
        groups = edges.shape[2]
        hidden = (layer.own @ edges.flatten(1)).view(-1, *edges.shape[1:])
        hidden = hidden.add_(_by_group(layer.at_target, groups)[..., :, None, None])
        hidden = hidden.add_(_by_group(layer.at_source, groups)[..., None, :, None])
        return _means(hidden.add_(layer.at_place.T[:, None, None, None, None, :]).relu_())


def edge_features(weight: Float[Tensor, "networks ..."], fan_in: int) -> Float[Tensor, "edge_features networks ..."]:
    """Elementwise functions of a block's weights.

    The weight times the root of its fan-in, and the weight, its size and the log of its size relative to the block.
    """
    size = weight.flatten(1).square().mean(1).sqrt().view(-1, *(1,) * (weight.dim() - 1))
    return relative_features(weight, size, fan_in)


def relative_features(
    weight: Float[Tensor, "..."],
    size: Float[Tensor, "..."],
    fan_in: int,
    out: Float[Tensor, "edge_features ..."] | None = None,
) -> Float[Tensor, "edge_features ..."]:
    """`edge_features` of some weights of blocks with these sizes, which are roots of the mean square."""
    features = weight.new_empty(EDGE_FEATURES, *weight.shape) if out is None else out
    torch.mul(weight, fan_in**0.5, out=features[0]).clamp_(-CLIP, CLIP)
    torch.div(weight, size.clamp_min(TINY), out=features[1]).clamp_(-CLIP, CLIP)
    torch.abs(features[1], out=features[2])
    torch.add(features[2], FLOOR, out=features[3]).log_()
    return features


def _by_group(rows: Tensor, groups: int) -> Tensor:
    """(networks, nodes, features) as (features, networks, groups, nodes of one)."""
    return rows.permute(2, 0, 1).unflatten(2, (groups, -1))


def _means(edges: Float[Tensor, "features networks groups outputs inputs positions"]) -> EdgeMeans:
    return EdgeMeans(
        at_targets=edges.mean((4, 5)).flatten(2).permute(1, 2, 0),
        at_sources=edges.mean((3, 5)).flatten(2).permute(1, 2, 0),
    )
