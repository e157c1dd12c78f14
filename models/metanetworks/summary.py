"""What a metanetwork is told about blocks and neurons, summarised over a whole network, layers in their order."""

import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import WIRING
from models import features
from models.graph_tensors import GraphTensors

_WIRING = [features.ROLES.index(role) for role in WIRING]
_PLACES = 7
"""First, second, last but one and last layer, and the mean, least and most over all."""
SUMMARY = 2 * (features.GROUP_FEATURES + features.BLOCK_FEATURES) + _PLACES * (
    features.BLOCK_STATISTICS + 2 * features.NODE_STATISTICS
)
"""How many numbers there are."""


def summary(graphs: GraphTensors) -> Float[Tensor, "networks summary"]:
    """Structure, statistics of blocks, and means and spreads of the statistics of neurons.

    Nothing depends on the order of neurons.
    """
    groups, blocks = (torch.stack([each.static for each in part]) for part in (graphs.groups, graphs.blocks))
    structure = torch.cat([groups.mean(0), groups.amax(0), blocks.mean(0), blocks.amax(0)])
    own = [
        block.statistics for block in graphs.blocks if int(block.static[: len(features.ROLES)].argmax()) not in _WIRING
    ]
    neurons = [group.statistics for group in graphs.groups if group.statistics.shape[1] > 1]
    means, spreads = [each.mean(1) for each in neurons], [each.std(1, correction=0) for each in neurons]
    parts = [_over_layers(layers, graphs) for layers in (own, means, spreads)]
    return torch.cat([structure.expand(graphs.networks, -1), *parts], dim=1)


def _over_layers(layers: list[Tensor], graphs: GraphTensors) -> Float[Tensor, "networks numbers"]:
    stacked = torch.stack(layers or [torch.zeros_like(graphs.blocks[0].statistics)])
    last = len(stacked) - 1
    kept = [stacked[number] for number in (0, min(1, last), max(0, last - 1), last)]
    return torch.cat([*kept, stacked.mean(0), stacked.amin(0), stacked.amax(0)], dim=1)
