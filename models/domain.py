"""Whether a network is of the kind a predictor was trained on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from metagauge.architecture.layers import ActivationFunction
from metagauge.graph.parameter_graph import NormKind, Operation, ParameterGraph, Role

OPERATIONS: tuple[Operation, ...] = ("sum", "standardise")
"""What zoos are made of; standardise, without details, stands for the groups of a group norm."""
NORMS: tuple[NormKind, ...] = ("none", "batch", "group", "layer")
FUNCTIONS: tuple[str, ...] = get_args(ActivationFunction)
ROLES: tuple[Role, ...] = (
    "linear",
    "conv",
    "bias",
    "norm_scale",
    "norm_shift",
    "residual",
    "query",
    "key",
    "value",
    "attention_output",
    "attend",
    "head",
    "position",
    "token",
    "member",
)
SHOWN = 6
"""Inputs and operations that a reason names."""
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
        return (
            *self._objections_to_ends(graph),
            *self._objections_to_size(graph),
            *_objections_to_operations(graph),
        )

    def _objections_to_ends(self, graph: ParameterGraph) -> Iterator[str]:
        inputs = [group for group in graph.groups if group.kind == "input"]
        outputs = [group for group in graph.groups if group.kind == "output"]
        if len(inputs) != 1:
            named = ", ".join(f"{group.name!r}" for group in inputs[:SHOWN]) or "none"
            yield f"the network has {len(inputs)} inputs ({named}); this predictor knows networks that read one image"
        else:
            (source,) = inputs
            if (source.size, source.positions) != (self.channels, self.positions):
                yield (
                    f"the input has {source.size} channels of {source.positions} positions; this predictor knows"
                    f" networks that read {self.channels} channels of {self.positions} positions (CIFAR-10 images)"
                )
        if len(outputs) != 1:
            yield f"the network has {len(outputs)} outputs; this predictor knows networks with one"
        elif outputs[0].size != self.classes:
            yield f"the output has {outputs[0].size} values; this predictor knows {self.classes} classes"

    def _objections_to_size(self, graph: ParameterGraph) -> Iterator[str]:
        if graph.coverage < self.coverage:
            yield (
                f"only {graph.coverage:.1%} of the checkpoint's parameters are in the graph, and at least"
                f" {self.coverage:.0%} are needed"
            )
        if graph.edges > self.edges:
            yield f"the graph has {graph.edges} edges; this predictor knows networks of up to {self.edges}"
        elif graph.nodes > self.edges:  # every neuron of the zoo has an edge
            yield f"the graph has {graph.nodes} neurons; this predictor knows networks of up to {self.edges}"
        if len(graph.blocks) > self.blocks:
            yield f"the graph has {len(graph.blocks)} blocks; this predictor knows up to {self.blocks}"
        elif len(graph.groups) > 2 * self.blocks:  # and every group is an end of a block
            yield f"the graph has {len(graph.groups)} groups; this predictor knows up to {2 * self.blocks}"


def _objections_to_operations(graph: ParameterGraph) -> Iterator[str]:
    """What no network of a zoo has, a metanetwork has features for, and has never learned what they mean."""
    odd = [f"the operation {group.operation!r}" for group in graph.groups if group.operation not in OPERATIONS]
    odd += [
        f"the operation {group.operation!r} with {group.detail[0]}"
        for group in graph.groups
        if group.operation in OPERATIONS and group.detail
    ]
    odd += [f"the normalisation {group.norm!r}" for group in graph.groups if group.norm not in NORMS]
    odd += [f"the function {group.activation!r}" for group in graph.groups if group.activation not in FUNCTIONS]
    odd += [f"weights in the role {block.role!r}" for block in graph.blocks if block.role not in ROLES]
    if any(block.transposed for block in graph.blocks):
        odd.append("a transposed convolution")
    if odd:
        named = tuple(dict.fromkeys(odd))
        more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        yield f"the network has what no network of the zoo has: {', '.join(named[:SHOWN])}{more}"


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
