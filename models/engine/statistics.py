"""What `models.features` says of weights, in bounded memory: one block after the other, and large ones tile by tile.

A large block is read twice. The first pass adds up sizes, finds peaks and counts the upper halves of the weights' bits;
the second adds up powers of what differs from the mean, and counts the lower halves where a quantile was found to be:
quantiles are exact, for float32, without sorting.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from metagauge.graph.parameter_graph import Block, ParameterGraph
from models import features
from models.engine import tiles
from models.engine.quantiles import LowerHalves, UpperHalves
from models.engine.threads import in_order

LARGE = 1 << 18
"""Edges from which on a block is read tile by tile."""
_STRIPE = 1 << 20
_TILE = 1 << 15
_COLUMNS = 1024
_TINY = 1e-8
_CPU = torch.device("cpu")
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightStatistics:
    """Of a graph: arrays as `models.features` makes them, and the root of the mean square of each block."""

    nodes: list[np.ndarray]
    blocks: list[np.ndarray]
    sizes: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moments:
    """Of a block: what its rows, columns and positions add up to."""

    shape: tiles.Shape
    row_squares: np.ndarray
    """(groups, outputs); as `row_sums` and `row_peaks`, of sizes."""
    row_sums: np.ndarray
    row_peaks: np.ndarray
    squares: np.ndarray
    """(groups, inputs, positions)"""
    column_sums: np.ndarray
    """(groups, inputs); as `column_peaks`."""
    column_peaks: np.ndarray
    upper: UpperHalves


def weight_statistics(graph: ParameterGraph, threads: int) -> WeightStatistics:
    """Reads every weight of the graph."""
    nodes = features.NodeStatistics(graph)
    blocks, sizes = [], []
    for block in graph.blocks:
        ...
