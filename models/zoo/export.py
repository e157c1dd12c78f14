"""A zoo's networks as the files a user would send: safetensors with the specification inside, and ONNX."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.codec import METADATA_KEY, to_json
from models.interpreter.layers import run

OPSET = 18


class Network(nn.Module):
    """An architecture and its tensors as a module, in evaluation mode."""

    def __init__(self, architecture: Architecture, tensors: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        self._architecture = architecture
        self._names = tuple(tensors)
        arrays = (torch.from_numpy(array) for array in tensors.values())
        self._arrays = nn.ParameterList([nn.Parameter(array, requires_grad=False) for array in arrays])
        self.eval()

    def forward(self, inputs: Tensor) -> Tensor:
        """The network's output. inputs: (batch, *input_shape)."""
        return run(self._architecture, dict(zip(self._names, self._arrays, strict=True)), inputs)


def to_onnx(architecture: Architecture, tensors: Mapping[str, np.ndarray], batch: int = 1) -> bytes:
    """An ONNX file of the network, for this batch size."""
    inputs = torch.zeros(batch, *architecture.input_shape)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing goes through Python numbers, and this exporter is the older one
        path = Path(folder) / "network.onnx"
        torch.onnx.export(Network(architecture, tensors), (inputs,), path, dynamo=False, opset_version=OPSET)
        return path.read_bytes()


def export(architecture: Architecture, tensors: Mapping[str, np.ndarray], stem: Path) -> None:
    """Writes STEM.safetensors and STEM.onnx."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), stem.with_suffix(".safetensors"), metadata={METADATA_KEY: to_json(architecture)})
    stem.with_suffix(".onnx").write_bytes(to_onnx(architecture, tensors))
