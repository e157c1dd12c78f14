"""Small networks, asked about a few probe images."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from metagauge.architecture.architecture import Architecture
from metagauge.graph.parameter_graph import ParameterGraph
from models.probes.convention import Convention
from models.probes.images import LEARNED, ProbeSet, draw_probes
from models.probes.probe import Probed, alone, probe
from models.probes.recording import TILE_ELEMENTS
from models.zoo.images import MEAN, SPREAD
from tests.permutation import Tensors
from tests.zoo_networks import graph_of

CONVENTION = Convention(mean=MEAN, spread=SPREAD)
IMAGES = 6
"""Of each kind."""


@cache
def probes(count: int = IMAGES) -> ProbeSet:
    return draw_probes(count, seed=1)


def learned(count: int = 2) -> ProbeSet:
    pixels = np.random.default_rng(9).integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    return ProbeSet(images=pixels, kind_of=np.full(count, LEARNED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What is asked."""

    architecture: Architecture
    tensors: Tensors

    @property
    def graph(self) -> ParameterGraph:
        return graph_of(self.architecture, self.tensors)

    def ask(
        self, *, convention: Convention = CONVENTION, images: ProbeSet | None = None, budget: int = TILE_ELEMENTS
    ) -> Probed:
        tensors = alone(self.architecture, self.tensors)
        return probe(self.architecture, tensors, self.graph, images or probes(), convention, budget)


def together(networks: list[Network], budget: int = TILE_ELEMENTS) -> Probed:
    """Networks of one architecture, asked at once."""
    first = networks[0]
    each = [alone(network.architecture, network.tensors) for network in networks]
    tensors = {name: torch.cat([one[name] for one in each]) for name in each[0]}
    return probe(first.architecture, tensors, first.graph, probes(), CONVENTION, budget)


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max())


def apart(one: Probed, other: Probed) -> float:
    """The largest difference of any number."""
    pairs = [*zip(one.activity, other.activity, strict=True), (one.responses, other.responses)]
    return max(distance(*pair) for pair in pairs)
