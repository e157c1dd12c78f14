"""Networks as PyTorch's two exporters write them, and what the lifted architecture computes."""

import logging
import warnings
from functools import cache
from io import BytesIO
from typing import Literal

import numpy as np
import onnxruntime
import torch
from onnx import ModelProto
from torch import nn

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.onnx.lift import lift
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from models.interpreter.layers import run
from tests.networks import IMAGE_SHAPE, built

Exporter = Literal["torchscript", "dynamo"]
Batch = Literal["static", "dynamic"]


@cache
def exported(name: str, exporter: Exporter, batch: Batch, opset: int = 17) -> Checkpoint:
    """The network called `name` of `tests.networks`, through a file."""
    return read_onnx(memoryview(export(built(name), exporter, batch, opset)), Limits())


@cache
def lifted(name: str, exporter: Exporter, batch: Batch) -> Architecture:
    """Its architecture."""
    return lift(exported(name, exporter, batch))


def export(network: nn.Module, exporter: Exporter, batch: Batch, opset: int = 17, **more) -> bytes:
    """The bytes of an ONNX file. `opset` is for TorchScript; the newer exporter writes what it prefers."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _exported(network, exporter, batch == "dynamic", opset, **more)
    finally:
        logging.disable(logging.NOTSET)
        torch.backends.mha.set_fastpath_enabled(before)


def computed(architecture: Architecture, checkpoint: Checkpoint, images: torch.Tensor) -> torch.Tensor:
    """What the architecture computes with the checkpoint's tensors."""
    tensors = {
        name: torch.from_numpy(np.array(tensor.array(), dtype=np.float32))
        for name, tensor in checkpoint.tensors.items()
        if tensor.is_float
    }
    with torch.no_grad():
        return run(architecture, tensors, images)


def by_runtime(model: ModelProto, inputs: np.ndarray) -> np.ndarray:
    """What ONNX Runtime computes."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (output,) = session.run([model.graph.output[0].name], {model.graph.input[0].name: inputs})
    return output


def some_images(count: int = 3) -> torch.Tensor:
    """Normally distributed images, always the same."""
    return torch.randn(count, *IMAGE_SHAPE, generator=torch.Generator().manual_seed(7))


def _exported(network: nn.Module, exporter: Exporter, dynamic: bool, opset: int, **more) -> bytes:
    images = some_images(2 if exporter == "dynamo" and dynamic else 1)
    if exporter == "torchscript":
        file = BytesIO()
        axes = {"image": {0: "batch"}} if dynamic else None
        torch.onnx.export(
            network,
            (images,),
            file,
            dynamo=False,
            opset_version=opset,
            input_names=["image"],
            dynamic_axes=axes,
            **more,
        )
        return file.getvalue()
    shapes = ({0: torch.export.Dim("batch")},) if dynamic else None
    program = torch.onnx.export(network, (images,), dynamo=True, dynamic_shapes=shapes, verbose=False, **more)
    assert program is not None
    return program.model_proto.SerializeToString()
