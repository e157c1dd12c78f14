"""What the two ends of a block tell each other, tile by tile: each tile's functions serve both."""

from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import Block
from models.engine.products_tiles import Tile

Functions = Iterator[tuple[int, Float[Tensor, "runs outputs inputs"]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What the neurons at one end say, a stretch of columns for each function of weights, and what the other hears."""

    said: Float[Tensor, "speakers said"]
    heard: Float[Tensor, "listeners said"]
    """Messages are added to it."""
    width: int
    """Columns of a stretch."""

    def columns(self, product: int) -> slice:
        """Those of one function of weights."""
        return slice(product * self.width, (product + 1) * self.width)


class Exchange:
    """Both ends of one block; for a block that is read in part, of what is read."""

    def __init__(self, block: Block, forward: Traffic | None, backward: Traffic | None) -> None:
        self._forward, self._backward = forward, backward
        self._runs = block.groups
        self._turned = None if backward is None else backward.said.T.contiguous()
        self._column: Tensor | None = None
        """What the sources of this column of tiles hear, turned."""

    def add(self, tile: Tile, functions: Functions) -> None:
        """Adds the messages along the edges of one tile. Tiles come down column by column."""
        if tile.runs.stop - tile.runs.start > 1:
            self._add_runs(tile, functions)
            return
        run = tile.runs.start
        if self._column is None and self._turned is not None:
            self._column = self._turned.new_zeros(len(self._turned), tile.weight.shape[2])
        for product, value in functions:
            if self._forward is not None:
                columns = self._forward.columns(product)
                said = _run(self._forward.said, self._runs, run)[tile.inputs, columns]
                _run(self._forward.heard, self._runs, run)[tile.outputs, columns].addmm_(value[0], said)
            if self._backward is not None and self._turned is not None and self._column is not None:
                columns = self._backward.columns(product)
                offset = run * (len(self._backward.said) // self._runs)
                said = self._turned[columns, offset + tile.outputs.start : offset + tile.outputs.stop]
                self._column[columns].addmm_(said, value[0])
        self._finish(tile)

    def _finish(self, tile: Tile) -> None:
        """Delivers what a column's sources hear, after its last tile."""
        if self._backward is None or self._column is None:
            return
        if tile.outputs.stop == len(self._backward.said) // self._runs:
            _run(self._backward.heard, self._runs, tile.runs.start)[tile.inputs] += self._column.T
            self._column = None

    def _add_runs(self, tile: Tile, functions: Functions) -> None:
        """Several whole runs at a time."""
        for product, value in functions:
            for traffic, weight in ((self._forward, value), (self._backward, value.transpose(1, 2))):
                if traffic is not None:
                    columns = traffic.columns(product)
                    said = traffic.said.view(self._runs, -1, traffic.said.shape[1])[tile.runs, :, columns]
                    heard = traffic.heard.view(self._runs, -1, traffic.heard.shape[1])[tile.runs, :, columns]
                    heard += weight * said if weight.shape[1:] == (1, 1) else weight @ said


def _run(rows: Tensor, runs: int, number: int) -> Tensor:
    """The rows of one run."""
    size = len(rows) // runs
    return rows[number * size : (number + 1) * size]
