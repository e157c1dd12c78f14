"""Networks as ONNX files that ONNX Runtime runs: the referee of what a network computes."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import jaxtyping
import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from metagauge.architecture.architecture import Architecture
from models.interpreter import run
from tests.permutation import Tensors


class Network(nn.Module):
    """An architecture and its tensors as a module."""

    def __init__(self, architecture: Architecture, tensors: Tensors) -> None:
        super().__init__()
        self.architecture = architecture
        self.names = tuple(tensors)
        arrays = (torch.from_numpy(array) for array in tensors.values())
        self.arrays = nn.ParameterList([nn.Parameter(array, requires_grad=False) for array in arrays])

    def forward(self, images: Tensor) -> Tensor:
        return run(self.architecture, dict(zip(self.names, self.arrays, strict=True)), images)


def onnx_outputs(architecture: Architecture, tensors: Tensors, images: np.ndarray) -> np.ndarray:
    """What ONNX Runtime computes from an export of the network: (images, classes)."""
    file = io.BytesIO()
    network = Network(architecture, tensors).eval()
    with warnings.catch_warnings(), shapes_unchecked():
        warnings.simplefilter("ignore")  # tracing through Python numbers, and the age of this exporter
        torch.onnx.export(network, (torch.from_numpy(images),), file, dynamo=False, opset_version=18)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
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
