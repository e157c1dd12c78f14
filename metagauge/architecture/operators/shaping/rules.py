"""What all shape rules share: axes, broadcasting and misfits."""

from collections.abc import Iterable

from metagauge.errors import ArchitectureMismatchError

Shape = tuple[int, ...]
Shapes = tuple[Shape | None, ...]


def axis_in(axis: int, shape: Shape) -> int:
    """`axis`, which must be one of the shape's and not count from the end.

    Raises:
        ArchitectureMismatchError: it is not.
    """
    if not 0 <= axis < len(shape):
        raise ArchitectureMismatchError(f"axis {axis} of shape {list(shape)}")
    return axis


def axes_in(axes: tuple[int, ...], shape: Shape) -> set[int]:
    """Axes of a shape, each once.

    Raises:
        ArchitectureMismatchError: one is not the shape's, or comes twice.
    """
    found = {axis_in(axis, shape) for axis in axes}
    if len(found) != len(axes):
        raise ArchitectureMismatchError(f"axes {list(axes)} name one twice")
    return found


def same(shape: Shape | None, axes: tuple[int, ...]) -> Shape | None:
    """The shape itself, if it has these axes."""
    if shape is not None:
        axes_in(axes, shape)
    return shape


def broadcast(shapes: Iterable[Shape | None]) -> Shape | None:
    """The shape of values that are combined element by element, as numpy does.

    Raises:
        ArchitectureMismatchError: sizes differ and none of them is one.
    """
    found: Shape = ()
    for shape in shapes:
        if shape is None:
            return None
        rank = max(len(found), len(shape))
        pairs = zip((1,) * (rank - len(found)) + found, (1,) * (rank - len(shape)) + shape, strict=True)
        sizes = tuple(left if right == 1 else right if left in (1, right) else -1 for left, right in pairs)
        if -1 in sizes:
            raise ArchitectureMismatchError(f"shapes {list(found)} and {list(shape)} do not go together")
        found = sizes
    return found


def merged(shapes: Iterable[Shape | None]) -> bool:
    """Whether the known ones of these shapes are equal."""
    return len({shape for shape in shapes if shape is not None}) <= 1
