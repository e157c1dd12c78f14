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
        self._heard: Tensor | None = None
        """What those at the columns of these tiles have heard, turned."""
        self._said: Tensor | None = None
        """What is said to them, turned."""

    def add(self, tile: Tile, functions: Functions) -> None:
        """Adds the messages along the edges of one tile. Tiles come as `TileReader` gives them."""
        if tile.runs.stop - tile.runs.start > 1:
            self._add_runs(tile, functions)
            return
        to_rows, to_columns, rows, columns = self._forward, self._backward, tile.outputs, tile.inputs
        if tile.is_turned:
            to_rows, to_columns, rows, columns = to_columns, to_rows, columns, rows
        for product, value in functions:
            matrix = value[0].T if tile.is_turned else value[0]
            if to_rows is not None:
                some = to_rows.columns(product)
                said = _run(to_rows.said, self._runs, tile)[columns, some]
                _run(to_rows.heard, self._runs, tile)[rows, some].addmm_(matrix, said)
            if to_columns is not None:
                self._add_turned(tile, to_columns, (product, matrix), (rows, columns))
        if to_columns is not None and self._heard is not None and rows.stop == len(to_columns.said) // self._runs:
            _run(to_columns.heard, self._runs, tile)[columns] += self._heard.T
            self._heard = None

    def _add_turned(
        self, tile: Tile, traffic: Traffic, functions: tuple[int, Tensor], place: tuple[slice, slice]
    ) -> None:
        """Messages down the columns: kept until all rows have been seen."""
        (product, matrix), (rows, columns) = functions, place
        if self._said is None:
            self._said = traffic.said.T.contiguous()
        if self._heard is None:
            self._heard = self._said.new_zeros(len(self._said), columns.stop - columns.start)
        some, first = traffic.columns(product), tile.runs.start * (len(traffic.said) // self._runs)
        self._heard[some].addmm_(self._said[some, first + rows.start : first + rows.stop], matrix)

    def _add_runs(self, tile: Tile, functions: Functions) -> None:
        """Several whole runs at a time."""
        for product, value in functions:
            for traffic, weight in ((self._forward, value), (self._backward, value.transpose(1, 2))):
                if traffic is not None:
                    columns = traffic.columns(product)
                    said = traffic.said.view(self._runs, -1, traffic.said.shape[1])[tile.runs, :, columns]
                    heard = traffic.heard.view(self._runs, -1, traffic.heard.shape[1])[tile.runs, :, columns]
                    heard += weight * said if weight.shape[1:] == (1, 1) else weight @ said


def _run(rows: Tensor, runs: int, tile: Tile) -> Tensor:
    """The rows of the run that a tile is of."""
    size = len(rows) // runs
    return rows[tile.runs.start * size : tile.runs.stop * size]
