"""Moving elements, for the operators that are written with it; what would change nothing is left out."""

from math import prod

from metagauge.architecture.operators.movement import Concat, Expand, Reshape, Slice, Transpose
from metagauge.architecture.tracing.states import Shape, Tensorlike, shape_of
from metagauge.architecture.tracing.tracing import Tracing
from metagauge.errors import ArchitectureMismatchError


def reshaped(tracing: Tracing, x: Tensorlike, shape: Shape) -> Tensorlike:
    """The elements in another shape."""
    return x if x.shape == shape else tracing.apply(Reshape(shape=shape), x)


def transposed(tracing: Tracing, x: Tensorlike, axes: tuple[int, ...]) -> Tensorlike:
    """The axes in another order."""
    return x if axes == tuple(range(len(axes))) else tracing.apply(Transpose(axes=axes), x)


def expanded(tracing: Tracing, x: Tensorlike, shape: Shape) -> Tensorlike:
    """Repeated along axes of size one, and along new ones in front."""
    return x if x.shape == shape else tracing.apply(Expand(shape=shape), x)


def sliced(tracing: Tracing, x: Tensorlike, axis: int, start: int, count: int, step: int = 1) -> Tensorlike:
    """`count` elements of one axis."""
    if (start, count, step) == (0, shape_of(x)[axis], 1):
        return x
    return tracing.apply(Slice(axis=axis, start=start if count else 0, count=count, step=step), x)


def concatenated(tracing: Tracing, parts: tuple[Tensorlike, ...], axis: int) -> Tensorlike:
    """One behind the other; parts without elements are left out."""
    kept = tuple(part for part in parts if part.shape is None or prod(part.shape)) or parts[:1]
    return kept[0] if len(kept) == 1 else tracing.apply(Concat(axis=axis), *kept)


def axis_of(axis: int, rank: int) -> int:
    """`axis` counted from the front.

    Raises:
        ArchitectureMismatchError: there is no such axis.
    """
    if not -rank <= axis < rank:
        raise ArchitectureMismatchError(f"axis {axis} of a value with {rank} axes")
    return axis % rank


def axes_of(axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, in order, each once."""
    return tuple(sorted({axis_of(axis, rank) for axis in axes}))
