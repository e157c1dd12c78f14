"""Small ONNX models for the reader's tests."""

from collections.abc import Sequence

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx


def weight(name: str = "w", shape: tuple[int, ...] = (3, 4)) -> TensorProto:
    return numpy_helper.from_array(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), name)


def model(
    nodes: Sequence[NodeProto],
    initializers: Sequence[TensorProto] = (),
    output: str = "y",
    **more,
) -> ModelProto:
    """A model from `x` (batch, 4) to `output`."""
    graph = helper.make_graph(
        list(nodes),
        "main",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        list(initializers),
        **more,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="test")


def gemm(source: str = "x", target: str = "y", tensor: str = "w") -> NodeProto:
    return helper.make_node("Gemm", [source, tensor], [target], transB=1, name=f"gemm_{target}")


def linear() -> ModelProto:
    return model([gemm()], [weight()])


def read_model(proto: ModelProto, limits: Limits = Limits()) -> Checkpoint:  # noqa: B008 - a frozen value
    return read_onnx(memoryview(proto.SerializeToString()), limits)
