"""From a parameter to its numbers."""

from math import prod
from typing import assert_never

import numpy as np

from metagauge.architecture.parameter import Parameter, Reshape, Scale, Slice, Transpose, View
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import ArchitectureMismatchError

_RANK_MAX = 64
"""numpy's own bound on the axes of an array."""


def resolve(parameter: Parameter, checkpoint: Checkpoint) -> np.ndarray:
    """The elements of `parameter`; a view over the file unless a Scale or an odd Reshape forces a copy.

    Raises:
        TensorMissingError: the checkpoint has no such tensor.
        ArchitectureMismatchError: a view does not fit the tensor's shape.
    """
    array = checkpoint.tensor(parameter.tensor).array()
    for view in parameter.views:
        array = apply_view(array, view, parameter.tensor)
    return array


def parameter_shape(parameter: Parameter, checkpoint: Checkpoint) -> tuple[int, ...]:
    """The shape of `parameter`, without touching its elements."""
    tensor = checkpoint.tensor(parameter.tensor)
    stand_in = np.broadcast_to(np.float32(0), tensor.shape)
    for view in parameter.views:
        match view:
            case Reshape():
                if not _reshapes(stand_in.size, view.shape):
                    raise _misfit(parameter.tensor, stand_in.shape, view)
                stand_in = np.broadcast_to(np.float32(0), view.shape)
            case Scale():
                pass
            case _:
                stand_in = apply_view(stand_in, view, parameter.tensor)
    return stand_in.shape


def apply_view(array: np.ndarray, view: View, name: str) -> np.ndarray:
    """`array` of tensor `name` through one view."""
    match view:
        case Transpose():
            if sorted(view.axes) != list(range(array.ndim)):
                raise _misfit(name, array.shape, view)
            return array.transpose(view.axes)
        case Reshape():
            if not _reshapes(array.size, view.shape):
                raise _misfit(name, array.shape, view)
            return array.reshape(view.shape)
        case Slice():
            if not (0 <= view.axis < array.ndim and 0 <= view.start <= view.stop <= array.shape[view.axis]):
                raise _misfit(name, array.shape, view)
            return array[(slice(None),) * view.axis + (slice(view.start, view.stop),)]
        case Scale():
            return array * np.asarray(view.factor, dtype=array.dtype)
        case _:
            assert_never(view)


def _reshapes(size: int, shape: tuple[int, ...]) -> bool:
    """Whether `size` elements fill `shape`; sizes come from a specification, and may be of any magnitude and sign."""
    return min(shape, default=1) > 0 and len(shape) <= _RANK_MAX and prod(shape) == size


def _misfit(name: str, shape: tuple[int, ...], view: View) -> ArchitectureMismatchError:
    return ArchitectureMismatchError(f"tensor {name!r} has shape {list(shape)}, to which {view} does not apply")
