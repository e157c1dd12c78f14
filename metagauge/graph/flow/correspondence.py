"""How the axes of several values belong together, as letters: the same whichever way a reshape cut them."""

from collections.abc import Sequence
from itertools import pairwise
from string import ascii_letters

from metagauge.graph.flow.layout import Units
from metagauge.graph.symmetry.axis import Axis

_MOST = 128
"""Units that are looked at: finding runs takes time with their square."""


def correspondence(values: Sequence[Units]) -> str:
    """`ab,b->a`-like letters with sizes for the units of values, the last one being the result.

    Units that stand beside each other in every value are one letter.
    """
    if sum(len(value) for value in values) > _MOST:
        return f"{len(values) - 1} values"
    merged = [list(value) for value in values]
    runs: dict[Axis, tuple[Axis, ...]] = {unit: (unit,) for value in values for unit in value}
    while (pair := _inseparable(merged)) is not None:
        first, second = pair
        runs[first] = (*runs[first], *runs[second])
        for value in merged:
            while second in value:
                value.remove(second)
    names: dict[Axis, str] = {}
    for value in merged:
        for unit in value:
            names.setdefault(unit, ascii_letters[len(names) % len(ascii_letters)])
    words = ["".join(names[unit] for unit in value) for value in merged]
    sizes = " ".join(f"{name}={_size(runs[unit])}" for unit, name in names.items())
    return f"{','.join(words[:-1])}->{words[-1]} {sizes}".strip()


def _size(run: tuple[Axis, ...]) -> int:
    total = 1
    for unit in run:
        total *= unit.size
    return total


def _inseparable(values: list[list[Axis]]) -> tuple[Axis, Axis] | None:
    """Two units of which the second follows the first wherever either occurs."""
    for value in values:
        for first, second in pairwise(value):
            if first is second:
                continue
            places = [(each.count(first), each.count(second), _follows(each, first, second)) for each in values]
            if all(a == b == follows for a, b, follows in places):
                return first, second
    return None


def _follows(value: list[Axis], first: Axis, second: Axis) -> int:
    return sum(one is first and other is second for one, other in pairwise(value))
