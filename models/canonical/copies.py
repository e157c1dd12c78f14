"""Which neurons of a graph are copies of each other: they say the same, whatever the network is given.

Copies have the same weights on what says the same, so this is colour refinement on the parameter graph (Grohe et al.
2014, Dimension Reduction via Colour Refinement): all neurons of a group start as one class, and a class is split where
rows differ, until none does. Rows are compared by a few random projections in which copies of a source have one
coefficient, so that nobody has to add columns up. That takes time linear in the parameters for each sweep, and two
sweeps where every group follows what it reads.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from metagauge.graph.parameter_graph import ParameterGraph
from models.canonical.attention import Heads
from models.canonical.blocks import incoming, tiles
from models.canonical.neurons import STATISTICS, NeuronSets

Classes = Int[np.ndarray, " neurons"]
"""For each neuron the first one that it is a copy of."""

_PROJECTIONS = 4
_TOLERANCE = 1e-5
"""Rows are the same that differ by this share of their norm, over all blocks: float32 rounds sums by less."""
_MOST_SWEEPS = 16


def copies(graph: ParameterGraph) -> Mapping[int, Classes]:
    """The classes of every group in which two neurons are copies; empty if there are none."""
    found = _Refinement(graph)
    with np.errstate(invalid="ignore", over="ignore"):  # what is no number is no copy of anything
        for _ in range(_MOST_SWEEPS):
            if not found.sweep():
                break
        else:
            return {}
    return {number: found.classes(number) for number in range(len(graph.groups)) if not found.is_discrete(number)}


class _Refinement:
    """Classes that are split until they are of copies alone."""

    def __init__(self, graph: ParameterGraph) -> None:
        self._graph = graph
        self._incoming = incoming(graph)
        self._sets = NeuronSets(graph)
        self._order = sorted(range(len(graph.groups)), key=lambda number: graph.groups[number].depth)
        self._classes: dict[int, Classes] = {}
        for number in self._order:
            self._set(number, self._started(number))

    def classes(self, number: int) -> Classes:
        """Those of a group."""
        return self._classes[self._sets.of(number)]

    def is_discrete(self, number: int) -> bool:
        """Whether no two neurons of a group are in one class."""
        classes = self.classes(number)
        return bool((classes == np.arange(len(classes))).all())

    def sweep(self) -> bool:
        """Splits classes by the rows of each group in turn, and says whether any was split."""
        before = self._classes.copy()
        for number in self._order:
            if number in self._sets.attentions:
                self._compare_heads(self._sets.attentions[number])
            elif not self.is_discrete(number):
                self._set(number, split(self.classes(number), *self._rows(number)))
        for number, group in enumerate(self._graph.groups):
            if group.norm in STATISTICS and len(set(np.bincount(self.classes(number)).tolist()) - {0}) > 1:
                self._set(number, np.arange(group.size))
        return any(not np.array_equal(classes, before[root]) for root, classes in self._classes.items())

    def _set(self, number: int, classes: Classes) -> None:
        self._classes[self._sets.of(number)] = classes

    def _started(self, number: int) -> Classes:
        """The classes of a group before any row was looked at: of neurons that norms take together."""
        group = self._graph.groups[number]
        if self._sets.is_barred(number):
            return np.arange(group.size)
        known = self._classes.get(self._sets.of(number), np.zeros(group.size, np.int64))
        if group.norm not in STATISTICS:
            return known
        runs = np.arange(group.size) * group.norm_groups // group.size
        return split(known, runs[:, None].astype(np.float64), np.zeros(group.size))

    def _rows(self, number: int) -> tuple[Float[np.ndarray, "neurons projections"], Float[np.ndarray, " neurons"]]:
        """Projections of each neuron's row, and how far apart those of copies may be."""
        size = self._graph.groups[number].size
        found: list[np.ndarray] = []
        squares = np.zeros(size)
        for place, block in enumerate(self._incoming[number]):
            if block.is_wiring:
                continue  # of a set that is compared as one
            _, sources, positions = block.weight.shape
            directions = np.random.default_rng((number, place)).standard_normal((sources, positions, _PROJECTIONS))
            if block.groups == 1:
                directions = directions[self.classes(block.source)]
            projected = np.empty((size, _PROJECTIONS))
            for part, tile in tiles(block):
                flat = tile.reshape(len(tile), -1)
                projected[part] = flat @ directions.reshape(-1, _PROJECTIONS)
                squares[part] += np.einsum("re,re->r", flat, flat)
            found.append(projected)
        rows = np.concatenate(found, axis=1) if found else np.zeros((size, 0))
        return rows, _TOLERANCE * np.sqrt(squares)

    def _compare_heads(self, attention: Heads) -> None:
        """Heads are copies as a whole: if the queries, keys and values of one are those of the other, in any order."""
        parts = [self.classes(number).reshape(attention.count, -1) for number in (attention.query, attention.value)]
        orders = [np.argsort(part, axis=1, kind="stable") for part in parts]
        ordered = [np.take_along_axis(part, order, 1) for part, order in zip(parts, orders, strict=True)]
        _, first, numbers = np.unique(np.concatenate(ordered, 1), axis=0, return_index=True, return_inverse=True)
        copied = first[numbers.ravel()]
        for number, order in zip((attention.query, attention.value), orders, strict=True):
            width = order.shape[1]
            places = order + width * np.arange(attention.count)[:, None]
            classes = np.empty(places.size, np.int64)
            classes[places] = places[copied]
            self._set(number, classes)
        self._set(attention.heads, copied)


def split(
    classes: Classes, rows: Float[np.ndarray, "neurons projections"], tolerance: Float[np.ndarray, " neurons"]
) -> Classes:
    """Classes whose neurons have rows that are no further apart than their tolerance, in a chain of neighbours."""
    along = rows @ np.random.default_rng(rows.shape[1]).standard_normal(rows.shape[1])
    order = np.lexsort((along, classes))
    near = np.minimum(tolerance[order][1:], tolerance[order][:-1])[:, None]
    is_new = np.ones(len(order), bool)
    is_new[1:] = ~((np.abs(np.diff(rows[order], axis=0)) <= near).all(1) & (np.diff(classes[order]) == 0))
    found = np.empty_like(classes)
    found[order] = np.minimum.reduceat(order, np.flatnonzero(is_new))[np.cumsum(is_new) - 1]
    return found
