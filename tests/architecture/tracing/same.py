"""What a traced model computes, beside what onnxruntime computes."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
import torch
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.source import Given
from metagauge.architecture.tracing.trace import trace
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from models.interpreter.dataflow import run_dataflow

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    constants: Mapping[str, np.ndarray],
    *,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    domains: Sequence[str] = ("com.microsoft",),
) -> ModelProto:
    """A model with these nodes, whose initializers are `constants`."""
    graph = helper.make_graph(
        list(nodes),
        "main",
        list(inputs),
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def port(name: str, *shape: int | str, kind: int = FLOAT) -> ValueInfoProto:
    """An input of this shape."""
    return helper.make_tensor_value_info(name, kind, shape)


def random(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """Normal numbers."""
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def checkpoint(proto: ModelProto) -> Checkpoint:
    """The model as it is read from a file."""
    return read_onnx(memoryview(proto.SerializeToString()), Limits())


def followed(proto: ModelProto) -> Dataflow:
    """The dataflow of a model in which everything is understood."""
    dataflow = trace(checkpoint(proto))
    assert [each for each in dataflow.unsupported if not each.tensors] == []
    assert "opaque" not in kinds(dataflow)
    return dataflow


def kinds(dataflow: Dataflow) -> Counter[str]:
    """How many steps there are of each kind."""
    return Counter(step.operator.kind for step in dataflow.steps)


def computed(proto: ModelProto, given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The outputs of the traced model."""
    return run(followed(proto), checkpoint(proto), given)


def run(dataflow: Dataflow, read: Checkpoint, given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The outputs of a dataflow with its checkpoint."""
    tensors = {name: _torch(tensor.array()) for name, tensor in read.tensors.items()}
    names = [step.outputs[0] for step in dataflow.steps if isinstance(step.operator, Given)]
    return [each.numpy() for each in run_dataflow(dataflow, tensors, [_torch(given[name]) for name in names])]


def assert_same(proto: ModelProto, given: Mapping[str, np.ndarray], tolerance: float = 1e-5) -> None:
    """The traced model computes what onnxruntime does."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    wanted = session.run(None, dict(given))
    for found, want in zip(computed(proto, given), wanted, strict=True):
        assert found.shape == want.shape
        np.testing.assert_allclose(found.astype(np.float64), want.astype(np.float64), atol=tolerance, rtol=tolerance)


def _torch(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(array if array.dtype.kind in "fiub" else array.astype(np.int64)))
