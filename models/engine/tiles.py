"""Blocks in pieces: what bounds the memory of an engine, whatever the size of a block."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import Block

Shape = tuple[int, int, int, int]
"""Runs of the sources (`Block.groups`), outputs of one, inputs of one, positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Some groups, outputs, inputs and positions of a block."""

    groups: slice
    outputs: slice
    inputs: slice
    places: slice


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
    narrow = positions if columns is None else min(positions, max(1, columns))
    width = inputs if columns is None else min(inputs, max(1, columns // narrow))
    rows = max(1, edges // (width * narrow))
    height, depth = (rows, 1) if rows < outputs else (outputs, max(1, rows // outputs))
    pieces = (_pieces(*each) for each in ((groups, depth), (outputs, height), (inputs, width), (positions, narrow)))
    for group, output, source, place in product(*pieces):
        yield Tile(groups=group, outputs=output, inputs=source, places=place)


def load(weight: np.ndarray, tile: Tile, device: torch.device) -> Float[Tensor, "groups outputs inputs positions"]:
    """A tile in float32, copied: pages of a mapped file are read now, and may go when they are no longer needed."""
    part = weight[tile.groups, tile.outputs, tile.inputs, tile.places]
    return torch.from_numpy(np.array(part, np.float32, order="C")).to(device)


def _pieces(length: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]
