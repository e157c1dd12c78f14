"""Numbers of the wiring as text: what a `Constant` holds, packed and unpacked under bounds."""

import binascii
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from math import prod
from typing import Literal

import numpy as np

from metagauge.architecture.operators.source import Constant
from metagauge.errors import ArchitectureMismatchError, LimitExceededError

CONSTANT_BYTES = 64 << 20
"""Most bytes of one constant, unpacked: a mask of 8192 positions by 8192 is as large."""

ALL_CONSTANTS_BYTES = 256 << 20
"""Most bytes of all constants of a dataflow together, unpacked."""

MOST_AXES = 32
"""numpy counts no further than 64, einsum's letters end at 52."""

_STORED = {"float32": np.dtype("<f4"), "float64": np.dtype("<f8"), "int64": np.dtype("<i8"), "bool": np.dtype("?")}


def pack(array: np.ndarray) -> Constant:
    """An array as a constant. Integers are widened to int64, floats of less than 32 bits to float32.

    Raises:
        ArchitectureMismatchError: it holds something else than numbers or truth values.
        LimitExceededError: it is larger than a constant may be.
    """
    dtype = _stored_as(array.dtype)
    _check_size(array.shape, _STORED[dtype].itemsize)
    content = np.ascontiguousarray(array, dtype=_STORED[dtype]).tobytes()
    data = b64encode(zlib.compress(content, level=1)).decode("ascii")
    return Constant(dtype=dtype, shape=tuple(array.shape), data=data)


def unpack(constant: Constant) -> np.ndarray:
    """The array of a constant, read-only. Never decompresses more than its shape and dtype say.

    Raises:
        ArchitectureMismatchError: the data is damaged, or has another length than shape and dtype say.
        LimitExceededError: it would be larger than a constant may be.
    """
    dtype = _STORED[constant.dtype]
    expected_bytes = _check_size(constant.shape, dtype.itemsize)
    decompressor = zlib.decompressobj()
    try:
        compressed = b64decode(constant.data, validate=True)
        content = decompressor.decompress(compressed, expected_bytes + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        message = f"a constant of shape {constant.shape} is no base64 of zlib-compressed bytes: {error}"
        raise ArchitectureMismatchError(message) from error
    if len(content) != expected_bytes:
        found = f"{len(content)}" if len(content) < expected_bytes else f"more than {expected_bytes}"
        message = f"a constant of {constant.dtype} and shape {constant.shape} holds {found} bytes, not {expected_bytes}"
        raise ArchitectureMismatchError(message)
    return np.frombuffer(content, dtype=dtype).reshape(constant.shape)


def check_constants(constants: Iterable[Constant]) -> None:
    """Bounds what all constants of one dataflow take together, without unpacking one.

    Raises:
        LimitExceededError: they, or one of them, would take too much.
    """
    total = sum(_check_size(constant.shape, _STORED[constant.dtype].itemsize) for constant in constants)
    if total > ALL_CONSTANTS_BYTES:
        message = f"the constants of the dataflow take {total} bytes; {ALL_CONSTANTS_BYTES} are the limit"
        raise LimitExceededError(message)


def _stored_as(dtype: np.dtype) -> Literal["float32", "float64", "int64", "bool"]:
    if dtype.kind == "b":
        return "bool"
    if dtype.kind in "iu" or dtype.name.startswith(("int", "uint")):
        return "int64"
    if dtype.kind == "f" or dtype.name.startswith(("bfloat", "float")):
        return "float64" if dtype.itemsize == 8 else "float32"
    message = f"a constant cannot hold {dtype.name}; numbers and truth values are what it can hold"
    raise ArchitectureMismatchError(message)


def _check_size(shape: tuple[int, ...], element_bytes: int) -> int:
    """The bytes it takes."""
    if len(shape) > MOST_AXES or any(size < 0 for size in shape):
        message = f"a constant of shape {shape}: at most {MOST_AXES} axes, and no size below zero"
        raise ArchitectureMismatchError(message)
    size_bytes = prod(shape) * element_bytes
    if size_bytes > CONSTANT_BYTES or any(size > CONSTANT_BYTES for size in shape):
        message = f"a constant of shape {shape} takes {size_bytes} bytes; {CONSTANT_BYTES} are the limit"
        raise LimitExceededError(message)
    return size_bytes
