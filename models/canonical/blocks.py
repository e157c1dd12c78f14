"""What rescaling and merging ask of blocks: their kind of wiring, and their rows a bounded number at a time."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from metagauge.graph.parameter_graph import Block, ParameterGraph, Role

WEIGHTS: tuple[Role, ...] = ("linear", "conv", "query", "key", "value", "attention_output")
"""Roles of blocks that multiply what a group says and are summed up by their target."""
AFFINE: tuple[Role, ...] = ("norm_scale", "norm_shift")
"""Roles of blocks that act after a norm."""
HOMOGENEOUS = ("identity", "relu", "leaky_relu")
"""Activations with f(s x) = s f(x) for every s > 0."""

_TILE = 1 << 16
"""Elements that are converted at a time: what a cache holds."""


def is_one_to_one(block: Block, graph: ParameterGraph) -> bool:
    """Whether neuron i of the target reads neuron i of the source and no other."""
    size = graph.groups[block.source].size
    return block.groups == size == graph.groups[block.target].size and block.weight.shape[1] == 1


def is_constant(block: Block) -> bool:
    """Whether all elements are one number that is stored once."""
    return block.weight.size > 0 and not any(block.weight.strides)


def tiles(block: Block) -> Iterator[tuple[slice, Float[np.ndarray, "rows sources positions"]]]:
    """Runs of the block's rows in float64, and which they are."""
    rows, sources, positions = block.weight.shape
    step = max(_TILE // max(sources * positions, 1), 1)
    for start in range(0, rows, step):
        part = slice(start, min(start + step, rows))
        yield part, np.asarray(block.weight[part], np.float64)


def incoming(graph: ParameterGraph) -> list[list[Block]]:
    """The blocks that end in each group, in their order."""
    found: list[list[Block]] = [[] for _ in graph.groups]
    for block in graph.blocks:
        found[block.target].append(block)
    return found
