"""The three kinds of numbers of a dataflow, and how arrays of narrower types become them."""

from collections.abc import Sequence

import numpy as np

from metagauge.errors import ArchitectureMismatchError

Inputs = Sequence[np.ndarray | None]
"""What an operator reads; None is an input left out."""


def widen(array: np.ndarray) -> np.ndarray:
    """Floats of less than 32 bits as float32, integers as int64; truth values, float32 and float64 as they are."""
    name = array.dtype.name
    if name in ("bool", "float32", "float64", "int64"):
        return array
    if array.dtype.kind in "iu" or name.startswith(("int", "uint")):
        return array.astype(np.int64)
    if array.dtype.kind == "f" or name.startswith(("bfloat", "float")):
        return array.astype(np.float32)
    message = f"cannot compute with elements of type {name}; give real numbers or truth values"
    raise ArchitectureMismatchError(message)


def numeric(array: np.ndarray) -> np.ndarray:
    """Widened, truth values as the integers 0 and 1."""
    wide = widen(array)
    return wide.astype(np.int64) if wide.dtype.kind == "b" else wide


def floating(array: np.ndarray) -> np.ndarray:
    """Widened, and integers and truth values as float32."""
    wide = widen(array)
    return wide if wide.dtype.kind == "f" else wide.astype(np.float32)


def required(inputs: Inputs, count: int) -> tuple[np.ndarray, ...]:
    """The first `count` inputs, which all have to be there.

    Raises:
        ArchitectureMismatchError: one is missing.
    """
    present = tuple(array for array in inputs[:count] if array is not None)
    if len(present) != count:
        message = f"an operator that reads {count} values was given {len(present)}"
        raise ArchitectureMismatchError(message)
    return present


def only(inputs: Inputs) -> np.ndarray:
    """The one input of an operator of one value."""
    return required(inputs, 1)[0]
