"""Which tensors of a checkpoint are numbers of the wiring, and how such numbers are kept."""

import numpy as np

from metagauge.checkpoint.tensor import Tensor

READ_LIMIT = 1 << 20
"""Most elements of a tensor whose numbers we look at: a causal mask of 1024 tokens."""
FOLD_LIMIT = 1 << 23
"""Most numbers that are computed from constants and shapes in one program; what is more becomes steps."""
SMALL = 4096
"""Most elements of a constant that is computed without counting, and that is written into the dataflow even where a
tensor of the file holds it."""

_PACKED = frozenset({"I8", "U8", "I4", "U4", "I2", "U2", "F4", "F6_E2M3", "F6_E3M2", "F8_E8M0"})
"""How quantised weights are stored."""


def is_wiring(tensor: Tensor) -> bool:
    """Whether a tensor is shapes, indices, masks and factors of the program, and can be no weight."""
    if tensor.is_parameter or tensor.size > READ_LIMIT or tensor.dtype.startswith("C"):
        return False
    return tensor.dtype not in _PACKED or tensor.size == 1


def as_numbers(array: np.ndarray) -> np.ndarray:
    """An array as one of the types numbers of the wiring have; floats of less than 32 bits are widened."""
    if array.dtype.kind == "b" or array.dtype in (np.int64, np.float32, np.float64):
        return array
    if array.dtype.kind in "iu" or array.dtype.name in ("int4", "uint4", "int2", "uint2"):
        return array.astype(np.int64)
    return array.astype(np.float32)


def uniform(array: np.ndarray) -> np.ndarray | None:
    """The one number, as an array without axes, that is everywhere in `array`; None where there are several."""
    if array.size == 0:
        return None
    first = array[(0,) * array.ndim].reshape(())
    is_repeated = all(stride == 0 or size == 1 for stride, size in zip(array.strides, array.shape, strict=True))
    return first if is_repeated or (array.size <= FOLD_LIMIT and bool(np.all(array == first))) else None
