"""Small networks of every zoo family: drawn as the zoo draws them, with weights that are far from their start."""

from math import prod, sqrt

import numpy as np

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.network import Network
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import ParameterGraph
from models.in_memory import checkpoint_of
from models.zoo.families import FAMILIES, draw
from models.zoo.sketch import Plan, TensorPlan

FAMILY_NAMES = tuple(FAMILIES)
Tensors = dict[str, np.ndarray]


def drawn(family: str, seed: int = 0, most_parameters: int = 9000) -> tuple[Architecture, Tensors]:
    """A network of the family; small, so that its edges may be written out."""
    rng = np.random.default_rng([seed, FAMILY_NAMES.index(family)])
    while True:
        plan = draw(family, rng)
        if sum(prod(tensor.shape) for tensor in plan.tensors.values()) <= most_parameters:
            return plan.architecture, filled(plan, rng)


def filled(plan: Plan, rng: np.random.Generator) -> Tensors:
    """Random tensors for a plan: every norm, bias and table matters."""
    return {name: _filled(tensor, rng).astype(np.float32) for name, tensor in plan.tensors.items()}


def _filled(tensor: TensorPlan, rng: np.random.Generator) -> np.ndarray:
    match tensor.start:
        case "one":
            return rng.uniform(0.5, 1.5, tensor.shape)
        case "zero" | "bias":
            return rng.uniform(-0.3, 0.3, tensor.shape)
        case "table":
            return rng.normal(0, 0.3, tensor.shape)
        case "weight":
            return rng.normal(0, 1.5 / sqrt(tensor.fan_in), tensor.shape)


def graph_of(network: Network, tensors: Tensors) -> ParameterGraph:
    """The parameter graph of a network in memory."""
    return build(network, checkpoint_of(tensors))
