"""The paper's edge MLP, compiled: sums over the edges of a tile, in one pass over its weights.

Of an edge nothing is ever in memory but its weight: its features are made for four targets and some columns at a time,
and used for every hidden number while they lie in the nearest cache. A column is a pair of a source and a place. The
compiler makes one instruction of several columns, so columns are filled up to whole instructions, with edges whose
hidden numbers are zero: relu(-inf).

Numbers are float32, and so are sums of up to `_BAND` edges; what adds those up is float64. Importing this needs Numba,
and what is compiled is kept beside this file, or with the user's caches, for the next process.
"""

from collections.abc import Callable
from math import log
from typing import NamedTuple, TypeVar, cast

import numpy as np
from numba import njit

from models.features import EDGE_FEATURES
from models.metanetworks.edge_sums import CLIP, FLOOR

Compiled = TypeVar("Compiled", bound=Callable[..., object])

_FAST = {"arcp", "contract", "nsz", "reassoc"}
"""Sums may be taken in any order, which changes rounding, but infinity is respected: it stands for no edge."""
_TARGETS = 4
"""That are worked on together: more do not fit into the registers."""
_COLUMNS = 256
_FILLED = 32
"""Columns are filled up to a multiple of this."""
_BAND = 128
"""Targets whose sums of columns are taken in float32."""
_ZERO, _ONE, _TWO, _LOG_2 = np.float32(0), np.float32(1), np.float32(2), np.float32(log(2))
_NO_EDGE = np.float32(-np.inf)
_FLOOR, _LOW, _HIGH = np.float32(FLOOR), np.float32(-CLIP), np.float32(CLIP)
_SERIES = tuple(np.float32(2 / power) for power in (3, 5, 7, 9))
"""Of log(m) = 2 artanh((m - 1) / (m + 1)); the next term is less than 1e-9 for m from sqrt(1/2) to sqrt(2)."""
_ROOT_HALF = np.float32(0.5**0.5).view(np.int32)
_MANTISSA = np.int32(23)
"""Bits of a float32 below its exponent."""


class Scales(NamedTuple):
    """What weights are multiplied with before they are clipped."""

    root: np.float32
    """The root of the fan-in."""
    inverse: np.float32
    """One by the root of the block's mean square."""


class Layer(NamedTuple):
    """`models.metanetworks.edge_sums.EdgeLayer` of one network, in float32."""

    own: np.ndarray
    """(hidden, EDGE_FEATURES)."""
    at_target: np.ndarray
    """(groups, outputs, hidden)."""
    at_source: np.ndarray
    """(groups, inputs, hidden)."""
    at_place: np.ndarray
    """(positions, hidden)."""


class Sums(NamedTuple):
    """What is added to, in float64."""

    at_targets: np.ndarray
    """(groups, outputs, features)."""
    at_sources: np.ndarray
    """(groups, inputs, features)."""


class _Piece(NamedTuple):
    """Some columns."""

    start: int
    stop: int


class _Band(NamedTuple):
    """Some targets."""

    weight: np.ndarray
    """(targets, columns), all of them."""
    at_target: np.ndarray
    """(targets, hidden)."""
    total: np.ndarray
    """What is added to: (targets, hidden)."""


class _Room(NamedTuple):
    """What is worked in. Columns are those of a piece, filled up."""

    edges: np.ndarray
    """Features of the edges of some targets: (_TARGETS, EDGE_FEATURES, columns)."""
    of_targets: np.ndarray
    """What these add: (hidden, _TARGETS)."""
    of_columns: np.ndarray
    """What source and place add: (hidden, columns)."""
    totals: np.ndarray
    """Sums over the targets of a band: (hidden, columns)."""


def _compiled(function: Compiled) -> Compiled:
    options = {"nogil": True, "error_model": "numpy", "fastmath": _FAST}
    try:
        return cast(Compiled, njit(cache=True, **options)(function))
    except RuntimeError:  # There is no place to keep it.
        return cast(Compiled, njit(**options)(function))


@_compiled
def _describe(weights: np.ndarray, start: int, count: int, scales: Scales, edges: np.ndarray) -> None:
    """`edge_sums.relative_features` of `count` weights from `start` on: edges is (EDGE_FEATURES, columns).

    The log is that of m times a power of two, with m from sqrt(1/2) to sqrt(2): correct to 2e-7.
    """
    bits = edges[3].view(np.int32)
    for column in range(count):
        weight = weights[start + column]
        edges[0, column] = min(max(weight * scales.root, _LOW), _HIGH)
        relative = min(max(weight * scales.inverse, _LOW), _HIGH)
        edges[1, column] = relative
        edges[3, column] = abs(relative) + _FLOOR
    for column in range(count):
        power = (bits[column] - _ROOT_HALF) >> _MANTISSA
        bits[column] -= power << _MANTISSA
        edges[2, column] = np.float32(power)
    for column in range(count):
        ratio = (edges[3, column] - _ONE) / (edges[3, column] + _ONE)
        square = ratio * ratio
        series = _SERIES[0] + square * (_SERIES[1] + square * (_SERIES[2] + square * _SERIES[3]))
        edges[3, column] = ratio * (_TWO + square * series) + edges[2, column] * _LOG_2
        edges[2, column] = abs(edges[1, column])


@_compiled
def _add_one(
    own: np.ndarray, at_target: np.ndarray, at_column: np.ndarray, edges: np.ndarray, sums: np.ndarray, count: int
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """One hidden number of four targets' edges: adds to the sums of columns, and returns those of targets."""
    root, relative, size, magnitude = own[0], own[1], own[2], own[3]
    of_0, of_1, of_2, of_3 = at_target[0], at_target[1], at_target[2], at_target[3]
    row_0, row_1, row_2, row_3 = _ZERO, _ZERO, _ZERO, _ZERO
    for at in range(count):
        here = at_column[at]
        edge = edges[0, 0, at] * root + edges[0, 1, at] * relative + edges[0, 2, at] * size
        hidden_0 = max(here + of_0 + edge + edges[0, 3, at] * magnitude, _ZERO)
        edge = edges[1, 0, at] * root + edges[1, 1, at] * relative + edges[1, 2, at] * size
        hidden_1 = max(here + of_1 + edge + edges[1, 3, at] * magnitude, _ZERO)
        edge = edges[2, 0, at] * root + edges[2, 1, at] * relative + edges[2, 2, at] * size
        hidden_2 = max(here + of_2 + edge + edges[2, 3, at] * magnitude, _ZERO)
        edge = edges[3, 0, at] * root + edges[3, 1, at] * relative + edges[3, 2, at] * size
        hidden_3 = max(here + of_3 + edge + edges[3, 3, at] * magnitude, _ZERO)
        row_0 += hidden_0
        row_1 += hidden_1
        row_2 += hidden_2
        row_3 += hidden_3
        sums[at] += (hidden_0 + hidden_1) + (hidden_2 + hidden_3)
    return row_0, row_1, row_2, row_3


@_compiled
def _add_band(band: _Band, piece: _Piece, scales: Scales, own: np.ndarray, room: _Room) -> None:
    """Adds the hidden numbers of a piece's edges into a band to the band's total and to the room's totals."""
    targets, filled = len(band.weight), room.edges.shape[2]
    for first in range(0, targets, _TARGETS):
        few = min(_TARGETS, targets - first)
        room.of_targets[:, few:] = _NO_EDGE
        for target in range(few):
            room.of_targets[:, target] = band.at_target[first + target]
            _describe(band.weight[first + target], piece.start, piece.stop - piece.start, scales, room.edges[target])
        for hidden in range(len(own)):
            of_targets, of_columns = room.of_targets[hidden], room.of_columns[hidden]
            found = _add_one(own[hidden], of_targets, of_columns, room.edges, room.totals[hidden], filled)
            for target in range(few):
                band.total[first + target, hidden] += found[target]


@_compiled
def _add_piece(group: int, piece: _Piece, weight: np.ndarray, scales: Scales, layer: Layer, sums: Sums) -> None:
    """Adds the hidden numbers of all edges of a group's piece."""
    outputs, hidden, positions = weight.shape[1], len(layer.own), len(layer.at_place)
    filled = -(-(piece.stop - piece.start) // _FILLED) * _FILLED
    room = _Room(
        np.zeros((_TARGETS, EDGE_FEATURES, filled), np.float32),
        np.empty((hidden, _TARGETS), np.float32),
        np.full((hidden, filled), _NO_EDGE, np.float32),
        np.empty((hidden, filled), np.float32),
    )
    for column in range(piece.start, piece.stop):
        source, place = layer.at_source[group, column // positions], layer.at_place[column % positions]
        room.of_columns[:, column - piece.start] = source + place
    for first in range(0, outputs, _BAND):
        down = slice(first, min(first + _BAND, outputs))
        band = _Band(weight[group, down], layer.at_target[group, down], sums.at_targets[group, down])
        room.totals[:] = _ZERO
        _add_band(band, piece, scales, layer.own, room)
        for column in range(piece.start, piece.stop):
            sums.at_sources[group, column // positions] += room.totals[:, column - piece.start]


@_compiled
def _add_singly(group: int, weight: np.ndarray, scales: Scales, layer: Layer, sums: Sums) -> None:
    """Adds the hidden numbers of all edges of a group, one edge after the other."""
    outputs, columns = weight.shape[1:]
    hidden, positions = len(layer.own), len(layer.at_place)
    edges, own = np.empty((EDGE_FEATURES, _FILLED), np.float32), layer.own.T.copy()
    for output in range(outputs):
        _describe(weight[group, output], 0, columns, scales, edges)
        at_target, total = layer.at_target[group, output], sums.at_targets[group, output]
        for column in range(columns):
            root, relative, size, magnitude = edges[0, column], edges[1, column], edges[2, column], edges[3, column]
            at_source, at_place = layer.at_source[group, column // positions], layer.at_place[column % positions]
            totals = sums.at_sources[group, column // positions]
            for number in range(hidden):
                edge = own[0, number] * root + own[1, number] * relative + own[2, number] * size
                edge += own[3, number] * magnitude + at_target[number] + at_source[number] + at_place[number]
                total[number] += max(edge, _ZERO)
                totals[number] += max(edge, _ZERO)


@_compiled
def add_hidden(weight: np.ndarray, scales: Scales, layer: Layer, sums: Sums) -> None:
    """Adds the hidden numbers of the edges of a tile, which is (groups, outputs, columns), in float32."""
    groups, _, columns = weight.shape
    width = -(-columns // -(-columns // _COLUMNS))
    for group in range(groups):
        if columns < _FILLED // 2:
            _add_singly(group, weight, scales, layer, sums)
            continue
        for start in range(0, columns, width):
            _add_piece(group, _Piece(start, min(start + width, columns)), weight, scales, layer, sums)


@_compiled
def add_features(weight: np.ndarray, scales: Scales, positions: int, sums: Sums) -> None:
    """Adds `edge_sums.relative_features` of the edges of a tile, which is (groups, outputs, columns), in float32."""
    groups, outputs, columns = weight.shape
    edges = np.zeros((EDGE_FEATURES, _COLUMNS), np.float32)
    totals = np.empty((EDGE_FEATURES, _COLUMNS))
    for group in range(groups):
        for start in range(0, columns, _COLUMNS):
            count = min(_COLUMNS, columns - start)
            totals[:] = 0
            for output in range(outputs):
                _describe(weight[group, output], start, count, scales, edges)
                for feature in range(EDGE_FEATURES):
                    total = _ZERO
                    for column in range(count):
                        total += edges[feature, column]
                        totals[feature, column] += edges[feature, column]
                    sums.at_targets[group, output, feature] += total
            for column in range(count):
                sums.at_sources[group, (start + column) // positions] += totals[:, column]
