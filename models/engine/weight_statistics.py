"""Statistics of weights in one pass over tiles: what `features` says of blocks and neurons, in bounded memory.

The numbers are those of `features.block_statistics` and `features.node_statistics`. They are sums in float64, so only
quantiles need more than a pass: blocks of up to `SORTED` weights are sorted, larger ones are counted by the upper 16
bits of their float32, and a quantile is interpolated inside of its bin, which is at most one part in 128 wide. That
keeps it the same whichever way neurons are numbered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sys import byteorder

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from metagauge.graph.parameter_graph import Block, ParameterGraph
from models import features
from models.engine.products_tiles import ALL, Chosen, Scale, TileReader, by_runs, copy_numbers, scale_of

SORTED = 2**22
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_TINY = 1e-8
_CLIP = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Sums over the weights of each neuron at one end of a block."""

    total: Float[np.ndarray, " neurons"]
    square: Float[np.ndarray, " neurons"]
    peak: Float[np.ndarray, " neurons"]
    count: int
    """Weights of each neuron."""

    def described(self) -> Float[np.ndarray, "neurons statistics"]:
        """Log size (times the root of the count), mean by size, log peak by size, one."""
        size = np.sqrt(self.square / self.count) + _TINY
        parts = (
            np.log(size * np.sqrt(self.count)),
            self.total / self.count / size,
            np.log(self.peak / size + _TINY),
            np.ones(len(size)),
        )
        return np.stack(parts, axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one pass over a block's weights finds out."""

    outputs: Side
    inputs: Side
    """Of the sources of all runs, in order."""
    places: Float[np.ndarray, " positions"]
    """Mean square at each kernel position."""
    mean: float
    square: float
    """Mean square."""
    spread: float
    fourth: float
    """Fourth moment about the mean."""
    quantiles: Float[np.ndarray, " quantiles"]
    scale: Scale


def scan(block: Block, reader: TileReader, chosen: Chosen = ALL) -> Scan:
    """One pass over a block, or over the chosen outputs and inputs of it. reader: reads float64."""
    runs, outputs, inputs, positions = by_runs(block).shape
    outputs = outputs if chosen.outputs is None else len(chosen.outputs)
    inputs = inputs if chosen.inputs is None else len(chosen.inputs)
    rows, columns = torch.zeros(3, runs, outputs).double(), torch.zeros(3, runs, inputs, positions).double()
    moments, shift, scratch = torch.zeros(4).double(), None, torch.empty(0).double()
    for tile in reader.tiles(block, chosen):
        weight = tile.weight.flatten(2).cpu()
        if scratch.numel() < 2 * weight.numel():
            scratch = torch.empty(2 * weight.numel()).double()
        one, other = scratch[: 2 * weight.numel()].view(2, -1)
        shaped = one.as_strided(weight.shape, weight.stride(), one.storage_offset())
        down, across = (tile.runs, tile.outputs), (tile.runs, tile.inputs)
        shape = (*columns[0][across].shape[:2], positions)
        for number, each in enumerate((weight, torch.mul(weight, weight, out=shaped))):
            rows[number][down] += each.sum(2)
            columns[number][across] += each.sum(1).view(shape)
        size = torch.abs(weight, out=shaped)
        rows[2][down] = torch.maximum(rows[2][down], size.amax(2))
        columns[2][across] = torch.maximum(columns[2][across], size.amax(1).view(shape))
        shift = weight.mean() if shift is None else shift
        torch.sub(weight, shift, out=shaped)
        square = torch.mul(one, one, out=other)
        moments += torch.stack([one.sum(), square.sum(), square @ one, square @ square])
    count = runs * outputs * inputs * positions
    first, second, third, fourth = (moments / count).tolist()
    mean_square = float(rows[1].sum()) / count
    return Scan(
        outputs=_side(rows.flatten(1), count // (runs * outputs)),
        inputs=_side(torch.cat([columns[:2].sum(3), columns[2:].amax(3)]).flatten(1), count // (runs * inputs)),
        places=columns[1].sum((0, 1)).numpy() / (count // positions),
        mean=first + (0.0 if shift is None else float(shift)),
        square=mean_square,
        spread=max(second - first**2, 0.0) ** 0.5,
        fourth=max(fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4, 0.0),
        quantiles=_quantiles(block, count, chosen),
        scale=scale_of(mean_square, float(rows[2].max()), block),
    )


def block_statistics(block: Block, found: Scan) -> Float[np.ndarray, " statistics"]:
    """`features.block_statistics`."""
    if block.is_wiring:
        return np.zeros(features.BLOCK_STATISTICS, np.float32)
    size = found.square**0.5 + _TINY
    rows, columns = (np.sqrt(side.square / side.count) + _TINY for side in (found.outputs, _merged(block, found)))
    statistics = (
        np.log(size),
        np.log(size * np.sqrt(block.weight.shape[1] * block.weight.shape[2])),
        found.mean / size,
        np.log(found.outputs.peak.max() / size + _TINY),
        np.log(found.fourth / (found.spread + _TINY) ** 4 + _TINY),
        *(found.quantiles / size),
        np.log(rows).std(),
        np.log(columns).std(),
        np.log(np.sqrt(found.places) + _TINY).std(),
        rows.max() / rows.mean(),
    )
    return np.clip(np.array(statistics, np.float32), -_CLIP, _CLIP)


def node_statistics(graph: ParameterGraph, scans: Sequence[Scan]) -> list[Float[np.ndarray, "neurons statistics"]]:
    """`features.node_statistics`, from a scan of each block."""
    found = [np.zeros((group.size, features.NODE_STATISTICS)) for group in graph.groups]
    vectors = {
        "bias": features.BIAS_STATISTIC,
        "norm_scale": features.SCALE_STATISTIC,
        "norm_shift": features.SHIFT_STATISTIC,
    }
    for block, each in zip(graph.blocks, scans, strict=True):
        if block.role in vectors:
            found[block.target][:, vectors[block.role]] += block.weight[:, 0, 0]
        elif not block.is_wiring:
            found[block.target][:, 0:4] += each.outputs.described()
            if graph.groups[block.source].kind != "parameter":
                found[block.source][:, 4:8] += each.inputs.described()
    for statistics in found:
        statistics[:, 0:3] /= np.maximum(statistics[:, 3:4], 1)
        statistics[:, 4:7] /= np.maximum(statistics[:, 7:8], 1)
    for block in graph.blocks:
        if block.role == "member":
            found[block.target] = found[block.source].reshape(block.groups, -1, features.NODE_STATISTICS).mean(axis=1)
    return [np.clip(statistics, -_CLIP, _CLIP).astype(np.float32) for statistics in found]


def _side(sums: Float[Tensor, "three neurons"], count: int) -> Side:
    total, square, peak = sums.numpy()
    return Side(total=total, square=square, peak=peak, count=count)


def _merged(block: Block, found: Scan) -> Side:
    """Sums over the inputs of a run, of all runs together: a block's columns."""
    by_run = found.inputs.square.reshape(block.groups, -1)
    return Side(
        total=found.inputs.total.reshape(by_run.shape).sum(0),
        square=by_run.sum(0),
        peak=found.inputs.peak.reshape(by_run.shape).max(0),
        count=found.inputs.count * block.groups,
    )


def _quantiles(block: Block, count: int, chosen: Chosen) -> Float[np.ndarray, " quantiles"]:
    reader = TileReader()
    if count > SORTED:
        bins = np.zeros(2**16, np.int64)
        for tile in reader.tiles(block, chosen):
            bins += np.bincount(_upper_bits(tile.weight.numpy().ravel(order="K")), minlength=2**16)
        return _interpolated(bins, count)
    if chosen.is_all:
        weights = np.empty_like(block.weight, np.float32)
        copy_numbers(block.weight, weights)
        weights = weights.ravel(order="K")
    else:
        weights = np.concatenate([tile.weight.numpy().ravel(order="K") for tile in reader.tiles(block, chosen)])
    weights.sort()
    return _between(lambda ranks: weights[ranks].astype(np.float64), count)


def _between(ranked: Callable[[Int[np.ndarray, " ranks"]], Float[np.ndarray, " ranks"]], count: int) -> np.ndarray:
    place = np.array(QUANTILES) * (count - 1)
    below = np.floor(place).astype(np.int64)
    low, high = ranked(below), ranked(np.minimum(below + 1, count - 1))
    return low + (place - below) * (high - low)


def _upper_bits(weights: Float[np.ndarray, " weights"]) -> Int[np.ndarray, " weights"]:
    return weights.view(np.uint16)[1 if byteorder == "little" else 0 :: 2]


def _interpolated(bins: Int[np.ndarray, " bins"], count: int) -> Float[np.ndarray, " quantiles"]:
    """Quantiles of numbers that were counted by the upper bits of their float32, as if even inside of a bin."""
    negative = np.arange(2**16 - 1, 2**15 - 1, -1)
    order = np.concatenate([negative, np.arange(2**15)])
    ends = np.cumsum(bins[order])
    place = np.array(QUANTILES) * count
    where = np.searchsorted(ends, place)
    within = (place - (ends[where] - bins[order][where])) / np.maximum(bins[order][where], 1)
    bits = order[where].astype(np.uint32) << np.uint32(16)
    edges = bits.view(np.float32).astype(np.float64)
    far = (bits + np.uint32(2**16)).view(np.float32).astype(np.float64)
    return np.where(edges < 0, far + within * (edges - far), edges + within * (far - edges))
