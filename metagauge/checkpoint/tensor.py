"""A named tensor of a checkpoint, read when asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

FLOAT_DTYPES = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"})
"""Types whose elements are numbers by themselves; block-scaled ones are not."""


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """Name, dtype (as safetensors spells it: F32, BF16, I64, ...) and shape; the elements come from `load`.

    `array()` is a read-only view over the mapped file wherever the format allows it. Files do not align their tensors,
    so neither is the view (`flags.aligned`); numpy and torch compute with it all the same.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    load: Callable[[], np.ndarray]

    @cached_property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self.dtype in FLOAT_DTYPES

    @property
    def is_parameter(self) -> bool:
        """Whether it can be a learned parameter: floats, an axis at least and more than one element.

        Leaves out counters (BatchNorm's num_batches_tracked) and the scalars ONNX graphs compute with (epsilons).
        """
        return self.is_float and len(self.shape) > 0 and self.size > 1

    def array(self) -> np.ndarray:
        """The elements, of this shape.

        Raises:
            MalformedCheckpointError: the bytes do not hold this tensor.
        """
        return self.load()

    def flat(self) -> np.ndarray:
        """The elements in row-major order; no copy where they are contiguous, or one number repeated."""
        array = self.array()
        if array.size and not any(array.strides):
            return np.broadcast_to(array[(0,) * array.ndim], (array.size,))
        return array.reshape(-1)
