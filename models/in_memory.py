"""Checkpoints that are in no file."""

from collections.abc import Mapping

import numpy as np

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.tensor import Tensor


def checkpoint_of(arrays: Mapping[str, np.ndarray]) -> Checkpoint:
    """A checkpoint of arrays by name, of floats or integers."""
    tensors = {
        name: Tensor(
            name=name,
            dtype="I64" if np.issubdtype(array.dtype, np.integer) else "F32",
            shape=array.shape,
            load=lambda array=array: array,
        )
        for name, array in arrays.items()
    }
    size = sum(array.nbytes for array in arrays.values())
    return Checkpoint(format=Format.SAFETENSORS, size_bytes=size, tensors=tensors, metadata={})
