"""Means over the edges of blocks, tile by tile: nothing is kept of an edge but its weight, where that is.

For the edges that end in one target, a hidden layer before its ReLU is one small matrix product

    (hidden, [own, at_target]) @ ([phi(w); 1], edges) + what their sources and places add

so that one batched product computes the rows of a tile, and a tile stays in a core's own cache until it is added up.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import Block
from models.engine import tiles
from models.engine.threads import in_order
from models.features import EDGE_FEATURES
from models.metanetworks.edge_sums import EdgeLayer, EdgeMeans, EdgeSums, relative_features

_STRIPE = 1 << 20
"""Edges of a thread's piece of work, about. Sums are added up piece by piece, so threads do not change them."""
_ROWS = 128
"""Outputs of a piece, at least, where there are as many: its sums by source are as large as the weights of a few."""
_COLUMNS = 256
_NUMBERS = 1 << 18
"""Hidden numbers of a tile: a megabyte."""
_NUMBERS_ON_DEVICE = 1 << 26
_LOADED = 4
"""Tiles whose weights are read together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSums:
    """Over the edges of a piece, by target and by source."""

    rows: Float[Tensor, "groups outputs features"]
    columns: Float[Tensor, "groups inputs features"]


class Room:
    """Memory that is used again: fresh memory costs more, page by page, than what is computed in it."""

    def __init__(self, device: torch.device) -> None:
        self._numbers = torch.empty(0, device=device)

    def of(self, *shape: int) -> Tensor:
        """An array of this shape, in the place of the last one; what is in it is not defined."""
        if len(self._numbers) < prod(shape):
            self._numbers = torch.empty(prod(shape), device=self._numbers.device)
        return self._numbers[: prod(shape)].view(shape)


class TiledSums(EdgeSums):
    """Reads the weights of `blocks` again each time. `sizes`: the roots of their mean squares."""

    def __init__(self, blocks: Sequence[Block], sizes: Sequence[float], device: torch.device, threads: int) -> None:
        self._weights = [tiles.grouped(block) for block in blocks]
        self._sizes = [torch.tensor(size, dtype=torch.float32, device=device) for size in sizes]
        self._device = device
        self._threads = threads
        self._numbers = _NUMBERS if device.type == "cpu" else _NUMBERS_ON_DEVICE
        self._columns = _COLUMNS if device.type == "cpu" else None

    def features(self, block: int) -> EdgeMeans:
        """See `EdgeSums`."""
        return self._means(block, EDGE_FEATURES, lambda stripe: self._sum_features(block, stripe))

    def hidden(self, block: int, layer: EdgeLayer) -> EdgeMeans:
        """See `EdgeSums`. The networks are one."""
        groups = self._weights[block].shape[0]
        at_source = layer.at_source[0].unflatten(0, (groups, -1)).transpose(1, 2)
        at_target = layer.at_target[0].unflatten(0, (groups, -1))
        own = layer.own.expand(*at_target.shape[:2], -1, -1)
        rows = torch.cat([own, at_target[..., None]], dim=-1).float()
        columns = (at_source[..., None] + layer.at_place.T[:, None]).float()
        return self._means(block, len(layer.own), lambda stripe: self._sum_hidden(block, stripe, rows, columns))

    def _means(self, block: int, width: int, sums: Callable[[tiles.Tile], StripeSums]) -> EdgeMeans:
        groups, outputs, inputs, positions = shape = self._weights[block].shape
        rows = torch.zeros(groups, outputs, width, dtype=torch.float64, device=self._device)
        columns = torch.zeros(groups, inputs, width, dtype=torch.float64, device=self._device)
        stripes = list(tiles.cut(shape, max(_STRIPE, _ROWS * inputs * positions)))
        for stripe, found in zip(stripes, in_order(sums, stripes, self._threads), strict=True):
            rows[stripe.groups, stripe.outputs] = found.rows
            columns[stripe.groups].add_(found.columns)
        return EdgeMeans(
            at_targets=rows.div_(inputs * positions).flatten(0, 1)[None],
            at_sources=columns.div_(outputs * positions).flatten(0, 1)[None],
        )

    def _sum_features(self, block: int, stripe: tiles.Tile) -> StripeSums:
        found = self._nothing(block, stripe, EDGE_FEATURES)
        for tile, edges in self._edges(block, stripe, EDGE_FEATURES):
            values = edges[:, :, :EDGE_FEATURES]
            found.rows[tile.groups, tile.outputs].add_(values.sum(3))
            found.columns[tile.groups, tile.inputs].add_(_by_input(values.sum(1), tile))
        return found

    def _sum_hidden(
        self,
        block: int,
        stripe: tiles.Tile,
        rows: Float[Tensor, "groups outputs hidden edge_features_and_one"],
        columns: Float[Tensor, "groups hidden inputs positions"],
    ) -> StripeSums:
        width = columns.shape[1]
        found = self._nothing(block, stripe, width)
        rows, columns = rows[stripe.groups, stripe.outputs], columns[stripe.groups]
        room = Room(self._device)
        for tile, edges in self._edges(block, stripe, width):
            added = columns[tile.groups, :, tile.inputs, tile.places].flatten(2)
            of_rows, by_column = found.rows[tile.groups, tile.outputs], torch.zeros_like(added)
            layers = rows[tile.groups, tile.outputs]
            shape = (len(edges), edges.shape[1], edges.shape[3], 1)
            for small in tiles.cut(shape, self._numbers // width):
                at = small.groups, small.outputs
                hidden = _hidden(layers[at], edges[at], added[small.groups], room)
                of_rows[at].add_(hidden.sum(3))
                by_column[small.groups].add_(hidden.sum(1))
            found.columns[tile.groups, tile.inputs].add_(_by_input(by_column, tile))
        return found

    def _nothing(self, block: int, stripe: tiles.Tile, width: int) -> StripeSums:
        groups, outputs, inputs, _ = self._weights[block][stripe.groups, stripe.outputs].shape
        kind = {"dtype": torch.float64, "device": self._device}
        return StripeSums(
            rows=torch.zeros(groups, outputs, width, **kind), columns=torch.zeros(groups, inputs, width, **kind)
        )

    def _edges(
        self, block: int, stripe: tiles.Tile, width: int
    ) -> Iterator[tuple[tiles.Tile, Float[Tensor, "groups outputs edge_features_and_one columns"]]]:
        """Features of edges, and ones: tiles of a stripe one after the other, each in the room of the last."""
        _, _, inputs, positions = self._weights[block].shape
        part = self._weights[block][stripe.groups, stripe.outputs]
        room = Room(self._device)
        for tile in tiles.cut(part.shape, _LOADED * self._numbers // width, self._columns):
            weight = tiles.load(part, tile, self._device).flatten(2)
            edges = room.of(*weight.shape[:2], EDGE_FEATURES + 1, weight.shape[2])
            edges[:, :, EDGE_FEATURES] = 1
            of_edges = edges[:, :, :EDGE_FEATURES].movedim(2, 0)
            relative_features(weight, self._sizes[block], inputs * positions, of_edges)
            yield tile, edges


def _hidden(
    layers: Float[Tensor, "groups outputs hidden edge_features_and_one"],
    edges: Float[Tensor, "groups outputs edge_features_and_one columns"],
    added: Float[Tensor, "groups hidden columns"],
    room: Room,
) -> Float[Tensor, "groups outputs hidden columns"]:
    groups, outputs = layers.shape[:2]
    start = added[:, None].expand(-1, outputs, -1, -1).flatten(0, 1)
    hidden = room.of(*start.shape)
    torch.baddbmm(start, layers.flatten(0, 1), edges.flatten(0, 1), out=hidden).relu_()
    return hidden.unflatten(0, (groups, outputs))


def _by_input(
    columns: Float[Tensor, "groups features columns"], tile: tiles.Tile
) -> Float[Tensor, "groups inputs features"]:
    """Sums over positions."""
    return columns.unflatten(2, (tile.inputs.stop - tile.inputs.start, -1)).sum(3).transpose(1, 2)
