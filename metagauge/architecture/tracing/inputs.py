"""The shapes that a program's inputs are traced with: what the file fixes, and plausible sizes where it does not."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from metagauge.architecture.tracing.baked_sizes import baked_sizes
from metagauge.architecture.tracing.reader_hints import hinted
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.program import Port, Program
from metagauge.errors import ArchitectureMismatchError

Shape = tuple[int, ...]

_ATTEMPTS, _FEW, _NODES = 40, 3, 40_000
"""Most combinations of sizes that are tried; fewer of a program with many nodes, but a few of all but the largest."""
_COSTLY = 100_000
_BAKED = 12
"""Most sizes of the file's own that are tried."""
_SIZES: Mapping[str, tuple[int, ...]] = {
    "batch": (1, 2, 4, 3),
    "length": (8, 16, 32, 128, 512, 1, 64, 4),
    "past": (4,),
    "image": (32, 64, 224, 256, 320, 416, 299, 512),
    "samples": (512, 16000, 1600, 256, 1536, 4096, 160, 1024),
    "features": (16, 64, 128, 32, 8, 80, 256, 1),
}
"""Sizes to try for an open axis, by what it seems to be. Image sizes are multiples of 32 first."""
_BATCH = re.compile(r"^(n|b|bs|batch.*|.*batch|.*batch_?size.*|none|\?|unk__.*)$", re.IGNORECASE)
_LENGTH = re.compile(r"seq|len|time|token|step|frame|^t$|^l$|^s$|chunk", re.IGNORECASE)
_STATE = re.compile(r"state|hidden|cell|^[hc]_?(\d|in|0|n)", re.IGNORECASE)
_SUM = re.compile(r"^\(?\s*([\w.]+)\s*\+\s*([\w.]+)\s*\)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Shapes of the inputs by name, and in words what was assumed."""

    shapes: Mapping[str, Shape]
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """An open axis: what ties it to other axes, and what it seems to be."""

    key: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How many nodes contradict the shapes they were traced with."""

    misfits: int
    visits: int = 0
    """Nodes that were followed, those of functions and loops each time: what it cost."""
    wanted: tuple[int, ...] = ()
    """Sizes that those nodes ask for."""


Judge = Callable[[Assignment], Verdict]
"""Traces with these shapes."""


def search(checkpoint: Checkpoint, program: Program, sizes: Mapping[str, Shape], judge: Judge) -> None:
    """Tries ways to fill the open sizes, the likeliest first, until nothing contradicts one; `sizes` fixes inputs.

    One size is changed at a time, and the change is kept if it leaves fewer contradictions.

    Raises:
        ArchitectureMismatchError: `sizes` contradicts the file.
    """
    partial = {port.name: _partial(checkpoint, program, port, sizes.get(port.name)) for port in program.inputs}
    axes = {port.name: _axes(port, partial[port.name]) for port in program.inputs}
    kinds = _kinds(axes.values())
    chosen = {key: _SIZES[kind][0] for key, kind in kinds.items()}
    best = judge(_assignment(program, partial, axes, _numbers(kinds, chosen)))
    few = _FEW if best.visits < _COSTLY else 0
    budget = min(_ATTEMPTS, max(few, _NODES // max(best.visits, 1)))
    stored = baked_sizes(checkpoint) if best.misfits and kinds else ()
    is_better = True
    while is_better:
        is_better = False
        options = {key: _with_baked(kind, (*best.wanted, *stored)) for key, kind in kinds.items()}
        for keys, size in _changes(kinds, options):
            if best.misfits == 0 or budget == 0:
                return
            budget -= 1
            changed = {**chosen, **dict.fromkeys(keys, size)}
            found = judge(_assignment(program, partial, axes, _numbers(kinds, changed)))
            if found.misfits < best.misfits:  # and perhaps it asks for other sizes now
                best, chosen, is_better = found, changed, True
                break


def _kinds(axes: Iterable[Mapping[int, _Axis]]) -> dict[str, str]:
    """What each key seems to be; a batch wherever one axis of it does."""
    kinds: dict[str, str] = {}
    for each in axes:
        for axis in each.values():
            if axis.key not in kinds or axis.kind == "batch":
                kinds[axis.key] = axis.kind
    return kinds


def _with_baked(kind: str, baked: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes to try: of a length those of the file before those that are merely usual, else behind them."""
    usual, own = _SIZES[kind], tuple(dict.fromkeys(baked))[:_BAKED]
    if kind == "batch":
        return usual
    return tuple(dict.fromkeys((*own, *usual) if kind == "length" else (*usual, *own)))


def _changes(kinds: Mapping[str, str], options: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Keys to change together, and their new size.

    First all keys of a kind, as images are square; then one after the other, twice over, as one size may fit only after
    another. Batches come last.
    """
    ordered = sorted(kinds, key=lambda key: kinds[key] == "batch")
    order = dict.fromkeys(kinds[key] for key in ordered)
    alike = [tuple(key for key in ordered if kinds[key] == kind) for kind in order]
    apart = [(key,) for key in ordered]
    for keys in (*(keys for keys in alike if len(keys) > 1), *apart, *apart):
        for size in options[keys[0]]:
            yield keys, size


def _numbers(kinds: Mapping[str, str], chosen: Mapping[str, int]) -> dict[str, int]:
    """A size for each key; one that is written as a sum is the sum."""
    numbers = dict(chosen)
    for key in kinds:
        parts = _SUM.match(key)
        if parts:
            numbers[key] = sum(int(part) if part.isdigit() else numbers.get(part, 1) for part in parts.groups())
        elif "total" in key.lower():
            lengths = {number for other, number in numbers.items() if kinds[other] == "length" and other != key}
            pasts = {number for other, number in numbers.items() if kinds[other] == "past"}
            numbers[key] = max(lengths, default=numbers[key]) + max(pasts, default=0)
    return numbers


def _assignment(
    program: Program,
    partial: Mapping[str, tuple[int | None, ...] | None],
    axes: Mapping[str, Mapping[int, _Axis]],
    numbers: Mapping[str, int],
) -> Assignment:
    shapes: dict[str, Shape] = {}
    assumed: list[str] = []
    for port in program.inputs:
        shape = partial[port.name]
        if shape is None:
            continue
        filled = tuple(numbers[axes[port.name][axis].key] if size is None else size for axis, size in enumerate(shape))
        shapes[port.name] = filled
        if any(axis.kind != "batch" or numbers[axis.key] != 1 for axis in axes[port.name].values()):
            assumed.append(f"input {port.name[:100]!r} has shape {list(filled)}")
    return Assignment(shapes=shapes, assumed=tuple(assumed))


def _partial(
    checkpoint: Checkpoint, program: Program, port: Port, wanted: Shape | None
) -> tuple[int | None, ...] | None:
    """The sizes that are known; a size of zero is an old way to say that it is not."""
    stated = None if port.shape is None else tuple(size or None for size in port.shape)
    if wanted is not None:
        if stated is not None and (
            len(wanted) != len(stated)
            or any(size not in (None, want) for size, want in zip(stated, wanted, strict=True))
        ):
            raise ArchitectureMismatchError(f"input {port.name!r} has shape {stated}, and {wanted} was asked for")
        return wanted
    return hinted(checkpoint, program, port, stated)


def _axes(port: Port, shape: tuple[int | None, ...] | None) -> dict[int, _Axis]:
    found: dict[int, _Axis] = {}
    for axis, size in enumerate(shape or ()):
        if size is None:
            symbol = port.symbols[axis] if axis < len(port.symbols) else ""
            kind = _kind(port, len(shape or ()), axis, symbol)
            found[axis] = _Axis(key=symbol or ("batch" if kind == "batch" else f"{port.name}.{axis}"), kind=kind)
    return _shared_lengths(port, found)


def _shared_lengths(port: Port, found: dict[int, _Axis]) -> dict[int, _Axis]:
    """Lengths without a name are taken for the same length in all inputs: ids, masks and token types."""
    nameless = (axis for axis, each in found.items() if each.kind == "length" and each.key == f"{port.name}.{axis}")
    numbers = count()
    for axis in list(nameless):
        number = next(numbers)
        found[axis] = _Axis(key="length" if number == 0 else f"length {number}", kind="length")
    return found


def _kind(port: Port, rank: int, axis: int, symbol: str) -> str:
    is_length = bool(_LENGTH.search(symbol))
    if "past" in symbol.lower() and "+" not in symbol and "total" not in symbol.lower():
        return "past"
    if symbol and _BATCH.match(symbol) and not is_length:
        return "batch"
    if axis == 0 and not is_length:
        return "batch"
    if is_length:
        return "length"
    is_float = port.dtype[:1] in ("F", "B", "") and port.dtype != "BOOL"
    is_state = bool(_STATE.search(port.name)) or (port.shape is not None and (port.shape[0] or 0) > 1)
    if is_float and rank == 3 and axis == 1 and is_state:
        return "batch"  # (layers, batch, units), as recurrent layers keep their state
    if not is_float:
        return "length" if rank <= 3 else "image"
    if rank == 2:
        return "samples"
    if rank >= 4:
        return "features" if axis == 1 and rank == 4 else "image"
    return "length"
