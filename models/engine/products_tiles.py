"""Tiles of a block's weights, read from wherever they lie, and the functions of weights that messages are made with.

A tile is a few hundred kilobytes: what is computed from it stays in the cache. Half precision is converted here, so
that no block is ever held twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from metagauge.graph.parameter_graph import Block
from models.metanetworks.rows import BOUND, FLOOR, TINY

TILE = 3 * 2**15
"""Weights of a tile, at most; a row of kernels that is longer stays in one piece."""
WIDEST = 512
"""Weights of a row of a tile as it lies in memory, at most, in the same sense."""
_SMALL_RUN = 2**12
"""Runs of a grouped block with fewer weights than this are taken many at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Outputs and inputs of a block without groups to which reading is confined; None for all of them."""

    outputs: Int[np.ndarray, " outputs"] | None = None
    inputs: Int[np.ndarray, " inputs"] | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.outputs is None and self.inputs is None


ALL = Chosen()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Some weights, valid until the next tile is asked for. Slices count inside of a run, among those that are read."""

    runs: slice
    outputs: slice
    inputs: slice
    weight: Float[Tensor, "runs outputs inputs positions"]

    @property
    def is_turned(self) -> bool:
        """Whether outputs lie side by side."""
        return self.weight.stride(1) < self.weight.stride(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What the functions of a block's weights need to know of the whole block."""

    size: float
    """Root mean square."""
    fan_in: int
    is_bounded: bool
    """Whether some weight is beyond the bounds of `rows.products`."""


class TileReader:
    """Reads blocks into one buffer, in one precision, onto one device."""

    def __init__(self, dtype: torch.dtype = torch.float32, device: torch.device | None = None) -> None:
        self._dtype, self._device = dtype, device or torch.device("cpu")
        self._buffer, self._scratch = torch.empty(0, dtype=dtype), torch.empty(0, dtype=dtype, device=self._device)

    def tiles(self, block: Block, chosen: Chosen = ALL) -> Iterator[Tile]:
        """All of a block, once: in each run all tiles of some inputs, or of some outputs if those lie side by side."""
        weight = by_runs(block)
        runs, outputs, inputs, positions = weight.shape
        if runs > 1 and outputs * inputs * positions < _SMALL_RUN:
            step = max(1, TILE // (outputs * inputs * positions))
            for first in range(0, runs, step):
                few = slice(first, min(first + step, runs))
                yield self._tile(weight[few], few, slice(0, outputs), slice(0, inputs))
            return
        outputs = outputs if chosen.outputs is None else len(chosen.outputs)
        inputs = inputs if chosen.inputs is None else len(chosen.inputs)
        for run in range(runs):
            for down, across in _cuts(outputs, inputs, positions, is_turned=_is_turned(weight)):
                part = weight[run][down if chosen.outputs is None else chosen.outputs[down]]
                part = part[:, across if chosen.inputs is None else chosen.inputs[across]]
                yield self._tile(part[None], slice(run, run + 1), down, across)

    def functions(
        self, tile: Tile, places: Float[Tensor, " positions"], scale: Scale
    ) -> Iterator[tuple[int, Float[Tensor, "runs outputs inputs"]]]:
        """The numbers and the values of the functions that are not zero, summed over positions.

        They are those of `rows.products`, but for the third and fourth being sums over positions that the number of
        edges into a target has still to divide. A value is valid until the next one is asked for.
        """
        weight = tile.weight
        root = scale.fan_in**0.5
        bounded = (weight * root).clamp_(-BOUND, BOUND).div_(root) if scale.is_bounded else weight
        single = weight.shape[3] == 1
        ones = weight.new_ones(weight.shape[3])
        yield 0, bounded[..., 0] if single else _sum(bounded, ones)
        if places.any():
            yield 1, _sum(bounded, places)
        if self._scratch.numel() < weight.numel():
            self._scratch = torch.empty_like(weight).flatten()
        ratio = torch.abs(weight, out=self._scratch.as_strided(weight.shape, weight.stride())).mul_(1 / scale.size)
        if scale.is_bounded:
            ratio.clamp_max_(BOUND)
        yield 2, ratio[..., 0] if single else _sum(ratio, ones)
        ratio.add_(FLOOR).log_()
        yield 3, ratio[..., 0] if single else _sum(ratio, ones)

    def _tile(self, part: np.ndarray, runs: slice, outputs: slice, inputs: slice) -> Tile:
        if self._buffer.numel() < part.size:
            self._buffer = torch.empty(max(part.size, TILE), dtype=self._dtype)
        shape = tuple(part.shape)
        if _is_turned(part):
            weight = self._buffer[: part.size].view(shape[0], shape[2], shape[1], shape[3]).transpose(1, 2)
        else:
            weight = self._buffer[: part.size].view(shape)
        copy_numbers(part, weight.numpy())
        return Tile(runs=runs, outputs=outputs, inputs=inputs, weight=weight.to(self._device))


def by_runs(block: Block) -> Float[np.ndarray, "runs outputs inputs positions"]:
    """A view of a block's weights."""
    return block.weight.reshape(block.groups, -1, *block.weight.shape[1:])


def copy_numbers(given: np.ndarray, to: np.ndarray) -> None:
    """Copies and converts; bfloat16, which NumPy lacks, by its bits."""
    if given.dtype.name == "bfloat16" and to.dtype == np.float32:
        np.left_shift(given.view(np.uint16), 16, out=to.view(np.uint32), dtype=np.uint32)
    else:
        np.copyto(to, given, casting="unsafe")


def scale_of(square: float, peak: float, block: Block) -> Scale:
    """What a block's mean square and its largest weight say."""
    size, fan_in = max(square**0.5, TINY), block.weight.shape[1] * block.weight.shape[2]
    is_bounded = not (peak * fan_in**0.5 <= BOUND and peak / size <= BOUND)
    return Scale(size=size, fan_in=fan_in, is_bounded=is_bounded)


def _is_turned(weight: Float[np.ndarray, "runs outputs inputs positions"]) -> bool:
    """Whether outputs lie side by side, as where a file has the transposed matrix; tiles then lie like that, too."""
    return weight.shape[3] == 1 and weight.strides[1] < weight.strides[2]


def _cuts(outputs: int, inputs: int, positions: int, *, is_turned: bool) -> Iterator[tuple[slice, slice]]:
    """Outputs and inputs of tiles."""
    sides = (inputs, outputs) if is_turned else (outputs, inputs)
    across = _cut(sides[1], max(1, WIDEST // positions))
    down = _cut(sides[0], max(1, TILE // ((across[0].stop - across[0].start) * positions)))
    for columns, rows in product(across, down):
        yield (columns, rows) if is_turned else (rows, columns)


def _cut(length: int, most: int) -> list[slice]:
    """Pieces of nearly one size, none above `most`."""
    pieces = -(-length // most)
    edges = [length * number // pieces for number in range(pieces + 1)]
    return [slice(*ends) for ends in pairwise(edges)]


def _sum(weight: Tensor, by: Tensor) -> Tensor:
    return (weight.view(-1, len(by)) @ by).view(weight.shape[:3])
