"""Element types by their safetensors name, and how their bytes become an array."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import ml_dtypes
import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementType:
    """How one element is stored: in `bits` bits, little-endian; below eight bits they are packed, first one lowest."""

    array: np.dtype
    bits: int

    def stored_bytes(self, elements: int) -> int:
        """Bytes that `elements` elements take in a file."""
        return (elements * self.bits + 7) // 8


_WIDEST_BYTES = 16


def _whole(dtype: str | type) -> ElementType:
    array = np.dtype(dtype)
    return ElementType(array=array, bits=array.itemsize * 8)


def _part(dtype: type, bits: int) -> ElementType:
    return ElementType(array=np.dtype(dtype), bits=bits)


ELEMENT_TYPES: Mapping[str, ElementType] = {
    "BOOL": _whole("?"),
    "U8": _whole("u1"),
    "I8": _whole("i1"),
    "U16": _whole("<u2"),
    "I16": _whole("<i2"),
    "U32": _whole("<u4"),
    "I32": _whole("<i4"),
    "U64": _whole("<u8"),
    "I64": _whole("<i8"),
    "F16": _whole("<f2"),
    "F32": _whole("<f4"),
    "F64": _whole("<f8"),
    "C64": _whole("<c8"),
    "C128": _whole("<c16"),
    "BF16": _whole(ml_dtypes.bfloat16),
    "F8_E4M3": _whole(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": _whole(ml_dtypes.float8_e5m2),
    "F8_E4M3FNUZ": _whole(ml_dtypes.float8_e4m3fnuz),
    "F8_E5M2FNUZ": _whole(ml_dtypes.float8_e5m2fnuz),
    "F8_E8M0": _whole(ml_dtypes.float8_e8m0fnu),
    "F6_E2M3": _part(ml_dtypes.float6_e2m3fn, 6),
    "F6_E3M2": _part(ml_dtypes.float6_e3m2fn, 6),
    "F4": _part(ml_dtypes.float4_e2m1fn, 4),
    "I4": _part(ml_dtypes.int4, 4),
    "U4": _part(ml_dtypes.uint4, 4),
    "I2": _part(ml_dtypes.int2, 2),
    "U2": _part(ml_dtypes.uint2, 2),
}
"""safetensors' names (I4, U4, I2, U2 and C128 in its style, for ONNX)."""

SCALED_DTYPES = frozenset({"F8_E8M0", "F6_E2M3", "F6_E3M2", "F4"})
"""Types of block-scaled formats (OCP MX): an element means nothing without the scale stored beside it."""


def is_addressable(shape: tuple[int, ...]) -> bool:
    """Whether an array of `shape` can exist. A size of zero does not excuse the other sizes, as strides need them."""
    return prod(size for size in shape if size > 0) * _WIDEST_BYTES < 2**63


def view_stored(content: memoryview, element: ElementType, shape: tuple[int, ...]) -> np.ndarray:
    """`content`, which is exactly the stored bytes, as a read-only array; a copy only for packed types."""
    if element.bits < 8:
        array = _unpack(np.frombuffer(content, dtype=np.uint8), element, shape)
    else:
        array = np.frombuffer(content, dtype=element.array).reshape(shape)
    array.flags.writeable = False
    return array


def _unpack(packed: np.ndarray, element: ElementType, shape: tuple[int, ...]) -> np.ndarray:
    elements = prod(shape)
    bits = np.unpackbits(packed, bitorder="little")[: elements * element.bits]
    widened = np.zeros((elements, 8), dtype=np.uint8)
    widened[:, : element.bits] = bits.reshape(elements, element.bits)
    return np.packbits(widened, axis=1, bitorder="little").reshape(shape).view(element.array)
