"""Weights and inputs that a name and a shape decide, so that a test need not ship them."""

from collections.abc import Mapping
from zlib import crc32

import numpy as np

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.program import Port
from metagauge.checkpoint.tensor import Tensor


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Float32 numbers that suit the tensor: variances positive, the scales of norms near one, matrices small."""
    random = np.random.default_rng(crc32(name.encode()))
    if name.endswith("running_var"):
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    if len(shape) < 2:
        near = 1.0 if name.endswith("weight") else 0.0
        return (near + random.uniform(-0.5, 0.5, shape)).astype(np.float32)
    return (0.15 * random.normal(size=shape)).astype(np.float32)


def checkpoint(shapes: Mapping[str, tuple[int, ...]]) -> Checkpoint:
    """A safetensors checkpoint of such weights."""
    tensors = {name: _tensor(name, shape) for name, shape in shapes.items()}
    return Checkpoint(format=Format.SAFETENSORS, size_bytes=0, tensors=tensors, metadata={})


def given(port: Port, ids: int = 50) -> np.ndarray:
    """A value for an input: token ids from 3 up to `ids`, or normal numbers."""
    shape = tuple(size or 1 for size in port.shape or ())
    random = np.random.default_rng(crc32(port.name.encode()))
    if port.dtype == "I64":
        return random.integers(3, ids, shape)
    return random.normal(size=shape).astype(np.float32)


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    return Tensor(name=name, dtype="F32", shape=shape, load=lambda: weight(name, shape))
