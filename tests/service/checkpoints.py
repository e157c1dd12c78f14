"""Small checkpoints as bytes: a real network in both formats, and the bad ones that each have a code of their own."""

import io
import pickle

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.codec import METADATA_KEY, to_json
from metagauge.architecture.layers import Activation, Conv, GlobalPool, Linear
from metagauge.architecture.parameter import Parameter

CHANNELS, CLASSES = 8, 10

SPECIFICATION = Architecture(
    input_shape=(3, 32, 32),
    operations=(
        Operation(
            name="conv",
            inputs=("input",),
            layer=Conv(
                weight=Parameter(tensor="conv.weight"),
                bias=Parameter(tensor="conv.bias"),
                stride=(1, 1),
                padding=((1, 1), (1, 1)),
                dilation=(1, 1),
            ),
        ),
        Operation(name="relu", inputs=("conv",), layer=Activation(function="relu")),
        Operation(name="pool", inputs=("relu",), layer=GlobalPool(reduction="mean")),
        Operation(
            name="head",
            inputs=("pool",),
            layer=Linear(weight=Parameter(tensor="head.weight"), bias=Parameter(tensor="head.bias")),
        ),
    ),
)


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of a convolution and a linear layer."""
    rng = np.random.default_rng(seed)
    return {
        "conv.weight": rng.normal(0, 0.3, (CHANNELS, 3, 3, 3)).astype(np.float32),
        "conv.bias": rng.normal(0, 0.1, CHANNELS).astype(np.float32),
        "head.weight": rng.normal(0, 0.3, (CLASSES, CHANNELS)).astype(np.float32),
        "head.bias": rng.normal(0, 0.1, CLASSES).astype(np.float32),
    }


def safetensors_bytes(seed: int = 0, *, declared: bool = True) -> bytes:
    """The network as safetensors, with the architecture in its metadata unless not `declared`."""
    return save(tensors(seed), metadata={METADATA_KEY: to_json(SPECIFICATION)} if declared else None)


def onnx_bytes(seed: int = 0) -> bytes:
    """The network as an exporter writes it."""
    nodes = [
        helper.make_node("Conv", ["input", "conv.weight", "conv.bias"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"], axis=1),
        helper.make_node("Gemm", ["d", "head.weight", "head.bias"], ["output"], transB=1),
    ]
    initializers = [numpy_helper.from_array(array, name) for name, array in tensors(seed).items()]
    return _model(nodes, initializers, [1, 3, 32, 32], [1, CLASSES])


def onnx_without_parameters() -> bytes:
    """A well-formed graph with nothing to judge."""
    return _model([helper.make_node("Relu", ["input"], ["output"])], [], [1, 3, 32, 32], [1, 3, 32, 32])


def truncated() -> bytes:
    """A safetensors file whose end did not arrive."""
    return safetensors_bytes()[:-100]


def pickled() -> bytes:
    """What an old `torch.save` wrote, in spirit."""
    buffer = io.BytesIO()
    pickle.dump({"weight": [1.0, 2.0]}, buffer, protocol=2)
    return buffer.getvalue()


def unknown_structure() -> bytes:
    """Well-formed tensors that could be wired in many ways."""
    rng = np.random.default_rng(0)
    names = ("alpha", "beta", "gamma")
    return save({name: rng.normal(size=(7, 7)).astype(np.float32) for name in names})


def _model(
    nodes: list[onnx.NodeProto], initializers: list[TensorProto], given: list[int], answered: list[int]
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, answered)],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()
