"""Which positions of a group a value shows, one run of them for each unit of its axes."""

from collections.abc import Iterable, Sequence

from metagauge.architecture.operators.movement import Expand, Reshape, Transpose
from metagauge.graph.flow.layout import Units, units
from metagauge.graph.symmetry.axis import Axis

Slots = tuple[int, ...]
"""For each unit of a value's axes that is no neurons', in order: which of the group's runs of positions it is."""


def own_slots(axes: Sequence[Axis], neurons: Units) -> Slots:
    """The slots of a value as its group has them."""
    return tuple(range(len(instances(axes, neurons)[1])))


def instances(axes: Sequence[Axis], neurons: Units) -> tuple[dict[int, int], list[int]]:
    """Units of the axes by their number, row-major: those that are neurons, and which; and those that are positions.

    A unit that occurs twice is neurons only the first time.
    """
    waiting = list(neurons)
    found: dict[int, int] = {}
    places: list[int] = []
    for number, unit in enumerate(units(*axes)):
        if unit in waiting:
            found[number] = neurons.index(unit)
            waiting.remove(unit)
        else:
            places.append(number)
    return found, places


def moved_slots(
    operator: Reshape | Transpose | Expand, before: Sequence[Axis], after: Sequence[Axis], neurons: Units, slots: Slots
) -> Slots:
    """The slots of a value after a movement; those of an axis that is repeated are new."""
    _, places = instances(before, neurons)
    by_unit = dict(zip(places, slots if len(slots) == len(places) else range(len(places)), strict=True))
    counts = [len(units(axis)) for axis in before]
    starts = [sum(counts[:number]) for number in range(len(counts))]
    if isinstance(operator, Transpose):
        order = [starts[axis] + at for axis in operator.axes for at in range(counts[axis])]
        return tuple(by_unit[number] for number in order if number in by_unit)
    if isinstance(operator, Expand):
        offset = len(after) - len(before)
        fresh = len(by_unit)
        found: list[int] = []
        for number, axis in enumerate(after):
            old = number - offset
            if old >= 0 and before[old].size == axis.size:
                found += [by_unit[starts[old] + at] for at in range(counts[old]) if starts[old] + at in by_unit]
            else:
                found += range(fresh, fresh + len(units(axis)))
                fresh += len(units(axis))
        return tuple(found)
    return tuple(by_unit[number] for number in sorted(by_unit))


def turned(slots: Iterable[int]) -> Slots:
    """The order of runs of slots that stay together; empty if they are in their own order."""
    runs: list[list[int]] = []
    for slot in slots:
        if runs and slot == runs[-1][-1] + 1:
            runs[-1].append(slot)
        else:
            runs.append([slot])
    firsts = sorted(run[0] for run in runs)
    order = tuple(firsts.index(run[0]) for run in runs)
    return () if order == tuple(range(len(order))) else order


def pattern(axes: Sequence[Axis], neurons: Units, chosen: Iterable[int]) -> str:
    """Which neurons and which positions the chosen axes run over: runs of them with their sizes, in order."""
    picked = {number % len(axes) for number in chosen}
    owners = [number for number, axis in enumerate(axes) for _ in units(axis)]
    sizes = [unit.size for unit in units(*axes)]
    found, places = instances(axes, neurons)
    inner = sorted(found, key=lambda number: found[number])
    return "|".join(_runs([(sizes[n], owners[n] in picked) for n in numbers]) for numbers in (inner, places))


def _runs(flags: list[tuple[int, bool]]) -> str:
    runs: list[tuple[int, bool]] = []
    for size, is_over in flags:
        if runs and runs[-1][1] == is_over:
            runs[-1] = (runs[-1][0] * size, is_over)
        else:
            runs.append((size, is_over))
    return ", ".join(f"{'all' if is_over else 'each'} {size}" for size, is_over in runs)
