"""Blocks in pieces: what bounds the memory of an engine, whatever the size of a block."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import Block

Shape = tuple[int, int, int, int]
"""Runs of the sources (`Block.groups`), outputs of one, inputs of one, positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Some groups, some outputs and some inputs of a block, at all positions."""

    groups: slice
    outputs: slice
    inputs: slice


def grouped(block: Block) -> np.ndarray:
    """A view of a block's weight in its `Shape`."""
    outputs, inputs, positions = block.weight.shape
    return block.weight.reshape(block.groups, outputs // block.groups, inputs, positions)


def cut(shape: Shape, edges: int, columns: int | None = None) -> Iterator[Tile]:
    """Tiles of about `edges` edges, that cover a shape once.

    Args:
        shape: What is cut.
        edges: About how many edges a tile has; more if one output with its columns has more.
        columns: About how many (input, position) pairs a tile has; None for all.
    """
    groups, outputs, inputs, positions = shape
    width = inputs if columns is None else min(inputs, max(1, columns // positions))
    rows = max(1, edges // (width * positions))
    height, depth = (rows, 1) if rows < outputs else (outputs, max(1, rows // outputs))
    for group, output, start in product(range(0, groups, depth), range(0, outputs, height), range(0, inputs, width)):
        yield Tile(
            groups=slice(group, min(group + depth, groups)),
            outputs=slice(output, min(output + height, outputs)),
            inputs=slice(start, min(start + width, inputs)),
        )


def load(weight: np.ndarray, tile: Tile, device: torch.device) -> Float[Tensor, "groups outputs inputs positions"]:
    """A tile in float32, copied: pages of a mapped file are read now, and may go when they are no longer needed."""
    part = weight[tile.groups, tile.outputs, tile.inputs]
    return torch.from_numpy(np.array(part, np.float32, order="C")).to(device)


def size(shape: Shape) -> int:
    """How many edges there are."""
    return prod(shape)
