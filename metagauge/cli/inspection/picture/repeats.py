"""Finds parts of a network that come several times in a row, such as the layers of a transformer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

MIN_TIMES = 3
"""Twice the same is drawn twice."""
MAX_PLACES = 4000
"""Looking for repeats takes time that grows with the square of the places."""
_MAX_SOURCES = 8
"""Places with more sources than this are alike only if they read from the same distances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One group in the order of execution: what it looks like, and the places it reads from."""

    looks: tuple[object, ...]
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """`times` equal parts of `period` places each, the first of which begins at `start`."""

    start: int
    period: int
    times: int

    @property
    def end(self) -> int:
        """The place behind the last part."""
        return self.start + self.period * self.times

    @property
    def saved(self) -> int:
        """Places that need not be drawn."""
        return self.period * (self.times - 1)

    def first(self, place: int) -> int:
        """The place of the first part that looks like `place`."""
        return self.start + (place - self.start) % self.period


def repeats(places: Sequence[Place]) -> list[Repeat]:
    """Runs of equal parts that do not overlap, those that save most first chosen; in order of their start.

    Two places are equal if they look alike and each source is as far before them, or is one and the same place.
    """
    if len(places) > MAX_PLACES:
        return []
    table = _table(places)
    found = [run for period in range(1, len(places) // MIN_TIMES + 1) for run in _runs(table, period)]
    taken = np.zeros(len(places), dtype=bool)
    chosen: list[Repeat] = []
    for run in sorted(found, key=lambda run: (-run.saved, run.period, run.start)):
        if not taken[run.start : run.end].any():
            taken[run.start : run.end] = True
            chosen.append(run)
    return sorted(chosen, key=lambda run: run.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Places as numbers: looks (places,); where each source is, and how far away, (places, sources)."""

    looks: np.ndarray
    absolute: np.ndarray
    relative: np.ndarray


def _table(places: Sequence[Place]) -> _Table:
    numbers: dict[tuple[object, ...], int] = {}
    looks = np.zeros(len(places), dtype=np.int64)
    absolute = np.full((len(places), _MAX_SOURCES), -1)
    relative = np.zeros((len(places), _MAX_SOURCES), dtype=np.int64)
    for at, place in enumerate(places):
        distances = tuple(at - source for source in place.sources)
        is_long = len(distances) > _MAX_SOURCES
        looks[at] = numbers.setdefault((place.looks, distances if is_long else len(distances)), len(numbers))
        if not is_long:
            absolute[at, : len(distances)] = place.sources
            relative[at, : len(distances)] = distances
    return _Table(looks=looks, absolute=absolute, relative=relative)


def _runs(table: _Table, period: int) -> Iterator[Repeat]:
    same_sources = (table.absolute[:-period] == table.absolute[period:]) | (
        table.relative[:-period] == table.relative[period:]
    )
    is_equal = (table.looks[:-period] == table.looks[period:]) & same_sources.all(axis=1)
    edges = np.flatnonzero(np.diff(is_equal.astype(np.int8), prepend=0, append=0))
    for start, end in edges.reshape(-1, 2).tolist():
        times = (end - start) // period + 1
        if times >= MIN_TIMES:
            yield Repeat(start=start, period=period, times=times)
