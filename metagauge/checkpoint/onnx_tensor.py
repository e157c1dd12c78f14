"""ONNX tensors as lazy views: from a TensorProto of a skeleton to a named tensor."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np
from onnx import SparseTensorProto, TensorProto

from metagauge.checkpoint.dtypes import ELEMENT_TYPES, ElementType, is_addressable, view_stored
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_external import Companions, is_external
from metagauge.checkpoint.tensor import Tensor
from metagauge.checkpoint.wire_scan import Place
from metagauge.errors import ArchitectureMismatchError, LimitExceededError

DTYPES: Mapping[int, str] = {
    TensorProto.FLOAT: "F32",
    TensorProto.UINT8: "U8",
    TensorProto.INT8: "I8",
    TensorProto.UINT16: "U16",
    TensorProto.INT16: "I16",
    TensorProto.INT32: "I32",
    TensorProto.INT64: "I64",
    TensorProto.BOOL: "BOOL",
    TensorProto.FLOAT16: "F16",
    TensorProto.DOUBLE: "F64",
    TensorProto.UINT32: "U32",
    TensorProto.UINT64: "U64",
    TensorProto.COMPLEX64: "C64",
    TensorProto.COMPLEX128: "C128",
    TensorProto.BFLOAT16: "BF16",
    TensorProto.FLOAT8E4M3FN: "F8_E4M3",
    TensorProto.FLOAT8E4M3FNUZ: "F8_E4M3FNUZ",
    TensorProto.FLOAT8E5M2: "F8_E5M2",
    TensorProto.FLOAT8E5M2FNUZ: "F8_E5M2FNUZ",
    TensorProto.FLOAT8E8M0: "F8_E8M0",
    TensorProto.UINT4: "U4",
    TensorProto.INT4: "I4",
    TensorProto.FLOAT4E2M1: "F4",
    25: "U2",
    26: "I2",
    27: "F6_E2M3",
    28: "F6_E3M2",
}
"""onnx.TensorProto.DataType -> dtype. Numbers where onnx 1.21 has no name yet. STRING has no dtype here."""


def is_text(proto: TensorProto) -> bool:
    """Whether the elements are strings, which no tensor of a checkpoint is."""
    return proto.data_type == TensorProto.STRING


@dataclass(slots=True, kw_only=True)
class TensorReader:
    """Makes tensors whose bytes are in `content` or the companions. `filled_bytes` is what sparse ones fill up to."""

    content: memoryview
    limits: Limits
    companions: Companions
    filled_bytes: int = 0

    def dense(self, proto: TensorProto, name: str) -> Tensor:
        """`proto` as a tensor called `name`.

        Raises:
            ExternalDataRefusedError: its bytes are in another file, which did not come along.
            ArchitectureMismatchError: type, dimensions and data contradict each other.
            LimitExceededError: its rank is above the limit.
        """
        if proto.HasField("segment"):
            raise ArchitectureMismatchError(
                f"tensor {name!r} is one segment of a larger one, and the others are not here"
            )
        dtype = DTYPES.get(proto.data_type)
        if dtype is None:
            raise ArchitectureMismatchError(f"tensor {name!r} has ONNX data type {proto.data_type}, which is not known")
        shape, element = self._shape(tuple(proto.dims), name), ELEMENT_TYPES[dtype]
        if is_external(proto):
            stored = self.companions.stored(proto, name, element.stored_bytes(prod(shape)))
            return Tensor(name=name, dtype=dtype, shape=shape, load=partial(view_stored, stored, element, shape))
        if proto.HasField("raw_data"):
            if any((proto.float_data, proto.double_data, proto.int32_data, proto.int64_data, proto.uint64_data)):
                raise ArchitectureMismatchError(f"tensor {name!r} holds its elements twice, as bytes and as numbers")
            stored = self._raw(proto, element, shape, name)
            return Tensor(name=name, dtype=dtype, shape=shape, load=partial(view_stored, stored, element, shape))
        array = _typed(proto, element, prod(shape), name).reshape(shape)
        array.flags.writeable = False
        return Tensor(name=name, dtype=dtype, shape=shape, load=lambda: array)

    def sparse(self, proto: SparseTensorProto, name: str) -> Tensor:
        """`proto` as a dense tensor called `name`, filled up with zeros when it is read.

        Raises:
            LimitExceededError: filled up it would be larger than `limits` allows.
            ArchitectureMismatchError: values, indices and dimensions contradict each other.
        """
        shape = self._shape(tuple(proto.dims), name)
        if not shape:
            raise ArchitectureMismatchError(f"sparse tensor {name!r} has no dimensions")
        values, indices = self.dense(proto.values, name), self.dense(proto.indices, f"{name} (indices)")
        element = ELEMENT_TYPES[values.dtype]
        self.filled_bytes += prod(shape) * element.array.itemsize
        if self.filled_bytes > self.limits.expanded_bytes:
            limit = self.limits.expanded_bytes
            message = f"sparse tensors up to {name!r} fill {self.filled_bytes} bytes; the limit is {limit}"
            raise LimitExceededError(message)
        positions = _positions(indices, values, shape, name)

        def load() -> np.ndarray:
            array = np.zeros(prod(shape), dtype=element.array)
            array[positions] = values.array()
            array = array.reshape(shape)
            array.flags.writeable = False
            return array

        return Tensor(name=name, dtype=values.dtype, shape=shape, load=load)

    def _shape(self, dims: tuple[int, ...], name: str) -> tuple[int, ...]:
        if min(dims, default=0) < 0:
            raise ArchitectureMismatchError(f"tensor {name!r} has a negative size in its dimensions {list(dims)[:16]}")
        if len(dims) > self.limits.rank:
            raise LimitExceededError(f"tensor {name!r} has {len(dims)} axes; the limit is {self.limits.rank}")
        if not is_addressable(dims):
            raise ArchitectureMismatchError(f"tensor {name!r} has dimensions {list(dims)}, which no memory can hold")
        return dims

    def _raw(self, proto: TensorProto, element: ElementType, shape: tuple[int, ...], name: str) -> memoryview:
        place = Place.unpacked(proto.raw_data)
        needed = element.stored_bytes(prod(shape))
        if place.size != needed:
            message = f"tensor {name!r} of shape {list(shape)} needs {needed} bytes, and its raw_data has {place.size}"
            raise ArchitectureMismatchError(message)
        return self.content[place.begin : place.begin + place.size]


def _typed(proto: TensorProto, element: ElementType, elements: int, name: str) -> np.ndarray:
    """The elements from the field that ONNX assigns to their type; a copy."""
    expected, kind, width = elements, element.array, element.array.itemsize
    match proto.data_type:
        case TensorProto.FLOAT | TensorProto.COMPLEX64:
            field = np.array(proto.float_data, dtype=np.float32)
            expected *= width // 4
        case TensorProto.DOUBLE | TensorProto.COMPLEX128:
            field = np.array(proto.double_data, dtype=np.float64)
            expected *= width // 8
        case TensorProto.INT64:
            field = np.array(proto.int64_data, dtype=np.int64)
        case TensorProto.UINT32 | TensorProto.UINT64:
            field = np.array(proto.uint64_data, dtype=np.uint64).astype(kind)
        case TensorProto.BOOL:
            field = np.array(proto.int32_data, dtype=np.int32) != 0
        case _:
            if element.bits == 6:  # one element to an entry, unlike the other packed types
                field = np.array(proto.int32_data, dtype=np.int32).astype(np.uint8)
            elif element.bits < 8:
                return _typed_packed(proto, element, elements, name)
            else:
                field = np.array(proto.int32_data, dtype=np.int32).astype(f"<u{width}")
    if field.size != expected:
        raise ArchitectureMismatchError(
            f"tensor {name!r} needs {expected} numbers, and its data field has {field.size}"
        )
    return field.view(kind)


def _typed_packed(proto: TensorProto, element: ElementType, elements: int, name: str) -> np.ndarray:
    stored = np.array(proto.int32_data, dtype=np.int32).astype(np.uint8)
    needed = element.stored_bytes(elements)
    if stored.size != needed:
        raise ArchitectureMismatchError(f"tensor {name!r} needs {needed} bytes, and its data field has {stored.size}")
    return view_stored(memoryview(stored.tobytes()), element, (elements,)).copy()


def _positions(indices: Tensor, values: Tensor, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Row-major positions of the values in a dense tensor of `shape`."""
    count = values.size
    is_flat = indices.shape == (count,)
    if values.shape != (count,) or indices.dtype != "I64" or not (is_flat or indices.shape == (count, len(shape))):
        message = (
            f"sparse tensor {name!r} has values {list(values.shape)} and {indices.dtype} indices {list(indices.shape)}"
        )
        raise ArchitectureMismatchError(message)
    numbers = indices.array().reshape(count, 1 if is_flat else len(shape))
    bounds = np.array([prod(shape)] if is_flat else shape, dtype=np.int64)
    if ((numbers < 0) | (numbers >= bounds)).any():
        raise ArchitectureMismatchError(f"sparse tensor {name!r} has an index outside its shape {list(shape)}")
    return numbers[:, 0] if is_flat else np.ravel_multi_index(tuple(numbers.T), shape)
