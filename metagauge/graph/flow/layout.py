"""How a value's axes are laid out: in neurons and positions, and in the pieces that have groups of their own."""

from collections.abc import Set
from dataclasses import dataclass
from math import prod

import numpy as np

from metagauge.graph.symmetry.axis import Axis, factors, terms
from metagauge.graph.symmetry.rules import Axes

MAX_PIECES = 64
Units = tuple[Axis, ...]
"""Roots of axes that are not products, of more than one element: what a row-major index is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A value's axes, and where it is cut: axis `cut` is made of the `parts`.

    They are one behind the other, and that `outer` times: heads of which each has a query, a key and a value.
    """

    axes: Axes
    cut: int | None = None
    parts: Axes = ()
    outer: int = 1

    @property
    def pieces(self) -> int:
        """Number of pieces."""
        return max(len(self.parts), 1)

    def piece(self, number: int) -> Axes:
        """The axes of one piece."""
        if self.cut is None:
            return self.axes
        return (*self.axes[: self.cut], self.parts[number], *self.axes[self.cut + 1 :])

    def start(self, number: int) -> int:
        """Where a piece begins on the cut axis, in each of the `outer` runs."""
        return sum(part.size for part in self.parts[:number]) // self.outer

    def pick(self, array: np.ndarray, axis: int, number: int) -> np.ndarray:
        """The elements of one piece of an array whose axis `axis` is this value's cut one."""
        if self.cut is None:
            return array
        start, count = self.start(number), self.parts[number].size // self.outer
        here = (slice(None),) * axis
        if self.outer == 1:
            return array[(*here, slice(start, start + count))]
        shape = array.shape
        apart = array.reshape(*shape[:axis], self.outer, shape[axis] // self.outer, *shape[axis + 1 :])
        found = apart[(*here, slice(None), slice(start, start + count))]
        return found.reshape(*shape[:axis], self.outer * count, *shape[axis + 1 :])


def units(*axes: Axis) -> Units:
    """What the axes are made of, row-major."""
    return tuple(factor for axis in axes for factor in factors(axis) if factor.size != 1)


def size(found: Units) -> int:
    """Elements along units."""
    return prod(unit.size for unit in found)


def elements(axes: Axes) -> int:
    """Elements of a value with these axes."""
    return prod(axis.size for axis in axes)


def layout(axes: Axes, features: Set[Axis]) -> Layout:
    """The layout of a value: cut along the first axis that concatenates neurons (`features`), or whole values."""
    for number, axis in enumerate(axes):
        outer, parts = _parts(axis)
        if 1 < len(parts) <= MAX_PIECES:
            leaves = list(axis.leaves())
            if not leaves or any(leaf in features for leaf in leaves):
                return Layout(axes=axes, cut=number, parts=tuple(parts), outer=outer)
    return Layout(axes=axes)


def _parts(axis: Axis) -> tuple[int, list[Axis]]:
    """The terms of a concatenation, of products that hold one included, and how often they come."""
    found = terms(axis)
    if len(found) > 1:
        pieces: list[Axis] = []
        for term in found:
            outer, inner = _parts(term)
            pieces += inner if outer == 1 else [term]
        return 1, pieces
    made = factors(axis)
    for number, factor in enumerate(made):
        outer, pieces = _parts(factor) if len(made) > 1 else (1, [])
        if len(pieces) > 1 and outer == 1:
            around = made[:number], made[number + 1 :]
            parts = [_product([*around[0], piece, *around[1]]) for piece in pieces]
            return prod(each.size for each in around[0]), parts
    return 1, [axis]


def _product(axes: list[Axis]) -> Axis:
    return Axis(prod(axis.size for axis in axes), "product", [axis for axis in axes if axis.size != 1])
