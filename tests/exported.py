"""Networks as ONNX files that ONNX Runtime runs: the referee of what a network computes."""

from collections.abc import Iterator
from contextlib import contextmanager

import jaxtyping
import numpy as np
import onnxruntime

from metagauge.architecture.architecture import Architecture
from models.zoo.export import to_onnx
from tests.permutation import Tensors


def onnx_outputs(architecture: Architecture, tensors: Tensors, images: np.ndarray) -> np.ndarray:
    """What ONNX Runtime computes from an export of the network: (images, classes)."""
    with shapes_unchecked():
        file = to_onnx(architecture, tensors, batch=len(images))
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: images})[0])


@contextmanager
def shapes_unchecked() -> Iterator[None]:
    """While a network is traced its sizes are tensors, of which jaxtyping can make nothing."""
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def images(count: int = 3) -> np.ndarray:
    """Random images."""
    return np.random.default_rng(5).normal(size=(count, 3, 32, 32)).astype(np.float32)
