"""Whether a network is of the kind a predictor was trained on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from metagauge.graph.parameter_graph import ParameterGraph

DIRECTIONS = 24
"""Principal directions of the embedding in which distance is measured."""
QUANTILES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a network must look like from outside to be judged: the task of the zoo."""

    channels: int
    positions: int
    classes: int
    coverage: float
    """Least share of a checkpoint's parameters that the graph must stand for."""
    edges: int
    """Most edges of a graph: what the zoo's largest networks have."""
    blocks: int
    """Most blocks of a graph, likewise."""

    def objections(self, graph: ParameterGraph) -> tuple[str, ...]:
        """Why a graph is outside; empty if nothing speaks against it. Weights are looked at last."""
        objections = self._objections_to_structure(graph)
        if not objections and not all(
            np.isfinite(np.asarray(block.weight, np.float32)).all() for block in graph.blocks
        ):
            return ("some weights are NaN or infinite",)
        return objections

    def _objections_to_structure(self, graph: ParameterGraph) -> tuple[str, ...]:
        source, output = graph.groups[0], graph.output
        found = []
        if (source.size, source.positions) != (self.channels, self.positions):
            found.append(
                f"the input has {source.size} channels of {source.positions} positions; this predictor knows networks"
                f" that read {self.channels} channels of {self.positions} positions (CIFAR-10 images)"
            )
        if output.size != self.classes:
            found.append(f"the output has {output.size} values; this predictor knows {self.classes} classes")
        if graph.coverage < self.coverage:
            found.append(
                f"only {graph.coverage:.1%} of the checkpoint's parameters are in the graph, and at least"
                f" {self.coverage:.0%} are needed"
            )
        if graph.edges > self.edges:
            found.append(f"the graph has {graph.edges} edges; this predictor knows networks of up to {self.edges}")
        if len(graph.blocks) > self.blocks:
            found.append(f"the graph has {len(graph.blocks)} blocks; this predictor knows up to {self.blocks}")
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """Where the zoo's networks lie in the metanetwork's embedding.

    The distance is Mahalanobis' in the embedding's first principal directions, plus what lies outside of them in units
    of its own spread. A score is the share of calibration networks that lie closer.
    """

    mean: Tensor  # (embedding,)
    directions: Tensor  # (embedding, DIRECTIONS), scaled to unit variance
    residual_spread: Tensor  # ()
    quantiles: Tensor  # (QUANTILES,) of the calibration networks' distances

    def distance(self, embedded: Tensor) -> Tensor:
        """(networks,) from (networks, embedding)."""
        offset = embedded - self.mean
        inside = offset @ self.directions
        shares = torch.linalg.lstsq(self.directions, offset.T).solution
        outside = (offset - (self.directions @ shares).T).norm(dim=1)
        return (inside.square().sum(1) + (outside / self.residual_spread).square()).sqrt()

    def score(self, embedded: Tensor) -> Tensor:
        """(networks,) from 0, in the middle of the zoo, to 1, further out than every calibration network."""
        return torch.searchsorted(self.quantiles, self.distance(embedded).contiguous()) / len(self.quantiles)


def locate(train: Tensor, calibration: Tensor) -> Neighbourhood:
    """The neighbourhood of embedded networks, each (networks, embedding)."""
    mean = train.mean(0)
    _, sizes, axes = torch.linalg.svd(train - mean, full_matrices=False)
    spreads = sizes[:DIRECTIONS] / (len(train) - 1) ** 0.5
    outside = (train - mean) - (train - mean) @ axes[:DIRECTIONS].T @ axes[:DIRECTIONS]
    neighbourhood = Neighbourhood(
        mean=mean,
        directions=axes[:DIRECTIONS].T / spreads.clamp_min(1e-6),
        residual_spread=outside.norm(dim=1).mean().clamp_min(1e-6),
        quantiles=torch.zeros(0),
    )
    distances = neighbourhood.distance(calibration)
    quantiles = torch.quantile(distances, torch.linspace(0, 1, QUANTILES))
    return Neighbourhood(
        mean=neighbourhood.mean,
        directions=neighbourhood.directions,
        residual_spread=neighbourhood.residual_spread,
        quantiles=quantiles,
    )
