"""Means over the edges of blocks by the compiled kernel: what `TiledSums` does, several times as fast, where Numba is.

Weights are copied into a buffer, some whole rows at a time: they may be mapped, of another precision, or turned.
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.engine import tiles
from models.engine.edge_kernel import Layer, Scales, Sums, add_features, add_hidden
from models.engine.edge_tiles import Room, StripeSums, TiledSums
from models.engine.products_tiles import copy_numbers
from models.features import EDGE_FEATURES
from models.metanetworks.edge_sums import TINY, EdgeLayer, EdgeMeans

_LOADED = 1 << 18
"""Weights of a tile, about: a megabyte."""
_WIDEST = 1 << 11
"""Columns of a tile: it has as many rows as are added up together, whatever the fan-in."""


class FusedSums(TiledSums):
    """On the CPU."""

    def features(self, block: int) -> EdgeMeans:
        """See `EdgeSums`."""
        return self._means(block, EDGE_FEATURES, lambda stripe: self._sum(block, stripe, None))

    def hidden(self, block: int, layer: EdgeLayer) -> EdgeMeans:
        """See `EdgeSums`. The networks are one."""
        prepared = _prepared(layer, self._weights[block].shape[0])
        return self._means(block, len(layer.own), lambda stripe: self._sum(block, stripe, prepared))

    def _sum(self, block: int, stripe: tiles.Tile, layer: Layer | None) -> StripeSums:
        """Of a layer's hidden numbers, or of the features of edges."""
        _, _, inputs, positions = self._weights[block].shape
        part = self._weights[block][stripe.groups, stripe.outputs]
        width = EDGE_FEATURES if layer is None else len(layer.own)
        found = Sums(at_targets=np.zeros((*part.shape[:2], width)), at_sources=np.zeros((len(part), inputs, width)))
        size = max(float(self._sizes[block]), TINY)
        scales = Scales(root=np.float32((inputs * positions) ** 0.5), inverse=np.float32(1 / size))
        here = None if layer is None else _of(layer, stripe)
        for tile, weight in _loaded(part):
            sums = Sums(found.at_targets[tile.groups, tile.outputs], found.at_sources[tile.groups, tile.inputs])
            if here is None:
                add_features(weight, scales, tile.places.stop - tile.places.start, sums)
            else:
                add_hidden(weight, scales, _of(here, tile), sums)
        return StripeSums(rows=torch.from_numpy(found.at_targets), columns=torch.from_numpy(found.at_sources))


def _of(layer: Layer, tile: tiles.Tile) -> Layer:
    """Of the targets, sources and places of a tile."""
    at_target, at_source = layer.at_target[tile.groups, tile.outputs], layer.at_source[tile.groups, tile.inputs]
    return Layer(layer.own, at_target, at_source, layer.at_place[tile.places])


def _loaded(part: np.ndarray) -> Iterator[tuple[tiles.Tile, np.ndarray]]:
    """Weights in float32, (groups, outputs, columns): tiles one after the other, each in the place of the last."""
    rooms = [Room(torch.device("cpu")) for _ in range(2)]
    for tile in tiles.cut(_shape(part), _LOADED, _WIDEST):
        yield tile, _copied(part[tile.groups, tile.outputs, tile.inputs, tile.places], *rooms).flatten(2).numpy()


def _copied(weight: np.ndarray, room: Room, other: Room) -> Float[Tensor, "groups outputs inputs places"]:
    """In rows of columns. Where outputs lie side by side they are first read as they lie, then turned."""
    groups, outputs, inputs, places = weight.shape
    copied = room.of(groups, outputs, inputs, places)
    if weight.strides[1] >= weight.strides[3 if places > 1 else 2]:
        copy_numbers(weight, copied.numpy())
        return copied
    lying = other.of(groups, inputs, places, outputs)
    copy_numbers(weight.transpose(0, 2, 3, 1), lying.numpy())
    for to, given in zip(copied, lying, strict=True):
        to.view(outputs, -1).copy_(given.view(-1, outputs).T)
    return copied


def _shape(weight: np.ndarray) -> tiles.Shape:
    groups, outputs, inputs, positions = weight.shape
    return groups, outputs, inputs, positions


def _prepared(layer: EdgeLayer, groups: int) -> Layer:
    at_target, at_source = (each[0].unflatten(0, (groups, -1)) for each in (layer.at_target, layer.at_source))
    return Layer(*(each.float().contiguous().numpy() for each in (layer.own, at_target, at_source, layer.at_place)))
