"""Means over the edges of blocks by the compiled kernel: what `TiledSums` does, several times as fast, where Numba is.

Weights are copied into a buffer, some whole rows at a time: they may be mapped, of another precision, or turned.
"""

from collections.abc import Iterator

import numpy as np
import torch

from models.engine import tiles
from models.engine.edge_kernel import Layer, Scales, Sums, add_features, add_hidden
from models.engine.edge_tiles import StripeSums, TiledSums
from models.engine.products_tiles import copy_numbers
from models.features import EDGE_FEATURES
from models.metanetworks.edge_sums import TINY, EdgeLayer, EdgeMeans

_LOADED = 1 << 18
"""Weights of a tile, about: a megabyte."""


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
            sums = Sums(found.at_targets[tile.groups, tile.outputs], found.at_sources[tile.groups])
            if here is None:
                add_features(weight, scales, positions, sums)
            else:
                add_hidden(weight, scales, _of(here, tile), sums)
        return StripeSums(rows=torch.from_numpy(found.at_targets), columns=torch.from_numpy(found.at_sources))


def _of(layer: Layer, tile: tiles.Tile) -> Layer:
    """Of the targets and sources of a tile."""
    at_target, at_source = layer.at_target[tile.groups, tile.outputs], layer.at_source[tile.groups]
    return Layer(layer.own, at_target, at_source, layer.at_place)


def _loaded(part: np.ndarray) -> Iterator[tuple[tiles.Tile, np.ndarray]]:
    """Weights in float32, (groups, outputs, columns): tiles one after the other, each in the place of the last."""
    groups, outputs, inputs, positions = part.shape
    buffer = np.empty(0, np.float32)
    for tile in tiles.cut((groups, outputs, inputs, positions), _LOADED):
        weight = part[tile.groups, tile.outputs]
        if len(buffer) < weight.size:
            buffer = np.empty(weight.size, np.float32)
        copied = buffer[: weight.size].reshape(weight.shape)
        copy_numbers(weight, copied)
        yield tile, copied.reshape(*weight.shape[:2], -1)


def _prepared(layer: EdgeLayer, groups: int) -> Layer:
    at_target, at_source = (each[0].unflatten(0, (groups, -1)) for each in (layer.at_target, layer.at_source))
    return Layer(*(each.float().contiguous().numpy() for each in (layer.own, at_target, at_source, layer.at_place)))
