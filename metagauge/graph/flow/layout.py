"""How a value's axes are laid out: in neurons and positions, and in the pieces that have groups of their own."""

from collections.abc import Set
from dataclasses import dataclass
from math import prod

from metagauge.graph.symmetry.axis import Axis, factors, terms
from metagauge.graph.symmetry.rules import Axes

MAX_PIECES = 64
Units = tuple[Axis, ...]
"""Roots of axes that are not products, of more than one element: what a row-major index is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A value's axes, and where it is cut: axis `cut` is the `parts` one behind the other."""

    axes: Axes
    cut: int | None = None
    parts: Axes = ()

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
        """Where a piece begins on the cut axis."""
        return sum(part.size for part in self.parts[:number])


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
        parts = _parts(axis)
        if 1 < len(parts) <= MAX_PIECES:
            leaves = list(axis.leaves())
            if not leaves or any(leaf in features for leaf in leaves):
                return Layout(axes=axes, cut=number, parts=tuple(parts))
    return Layout(axes=axes)


def _parts(axis: Axis) -> list[Axis]:
    """The terms of a concatenation, products led by one included."""
    found = terms(axis)
    if len(found) > 1:
        return [part for term in found for part in _parts(term)]
    made = factors(axis)
    if len(made) > 1:
        lead = _parts(made[0])
        if len(lead) > 1:
            return [_product(part, made[1:]) for part in lead]
    return [axis]


def _product(lead: Axis, rest: list[Axis]) -> Axis:
    return Axis(
        lead.size * prod(each.size for each in rest), "product", [each for each in (lead, *rest) if each.size != 1]
    )
