"""Operators that repeat elements."""

from collections.abc import Mapping
from dataclasses import replace

from metagauge.architecture.tracing.reshaping import expanded, reshaped
from metagauge.architecture.tracing.states import COUNT, Inputs, Rows, Tensorlike, required, shape_of
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError


def expand(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Expand: sizes of one in the shape keep what is there."""
    x = required(inputs, 0)
    shape, wanted = shape_of(x), tracing.integers(required(inputs, 1))
    rank = max(len(shape), len(wanted))
    pairs = zip((1,) * (rank - len(shape)) + shape, (1,) * (rank - len(wanted)) + wanted, strict=True)
    whole = tuple(want if size == 1 else size for size, want in pairs)
    return _as_rows(tracing, expanded(tracing, x, whole), x, required(inputs, 1))


def _as_rows(tracing: Tracing, whole: Tensorlike, x: Tensorlike, wanted: Tensorlike) -> Tensorlike:
    """What is repeated for each row that the input chooses has such rows, each the same."""
    if wanted.rows is None or wanted.rows.axis != COUNT or x.rows is not None:
        return whole
    (count,) = tracing.shapes[wanted.rows.valid] or (0,)
    shape, short = shape_of(whole), len(shape_of(whole)) - len(shape_of(x))
    places = [axis for axis, size in enumerate(shape) if size == count]
    is_repeated = len(places) == 1 and (places[0] < short or shape_of(x)[places[0] - short] == 1)
    if not is_repeated:
        raise StructureNotInferableError("repeats something as often as there are rows that the input chooses")
    return replace(whole, rows=Rows(valid=wanted.rows.valid, axis=places[0]))


def tile(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Tile: each axis repeated as a whole."""
    x = required(inputs, 0)
    if tracing.opset < 6 and len(inputs) == 3:
        repeats = [1] * len(shape_of(x))
        repeats[tracing.integers(required(inputs, 2))[0]] = tracing.integers(required(inputs, 1))[0]
        return tiled(tracing, x, tuple(repeats))
    return tiled(tracing, x, tracing.integers(required(inputs, 1)))


def tiled(tracing: Tracing, x: Tensorlike, repeats: tuple[int, ...]) -> Tensorlike:
    """`x` with each axis repeated: a new axis in front of it, expanded, and both merged."""
    shape = shape_of(x)
    if len(repeats) != len(shape):
        raise ArchitectureMismatchError(f"{len(repeats)} repeats of {list(shape)}")
    apart: list[int] = []
    wide: list[int] = []
    for size, repeat in zip(shape, repeats, strict=True):
        is_plain = repeat == 1 or size == 1
        apart += [size] if is_plain else [1, size]
        wide += [size * repeat] if is_plain else [repeat, size]
    repeated = expanded(tracing, reshaped(tracing, x, tuple(apart)), tuple(wide))
    return reshaped(tracing, repeated, tuple(size * repeat for size, repeat in zip(shape, repeats, strict=True)))


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "Expand"): expand,
    ("", "Tile"): tile,
}
