"""ONNX programs written by hand, operator by operator."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.onnx.lift import lift
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from tests.architecture.onnx_export import by_runtime, computed

Call = tuple[str, str, str, dict[str, object]]


def call(operator: str, inputs: str, output: str, **attributes: object) -> NodeProto:
    """A node; inputs are named in one string, `-` for one that is left out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(
        operator, names, output.split(), name=f"{operator}_{output.split(maxsplit=1)[0]}", **attributes
    )


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Normally distributed float32 numbers."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def program(
    nodes: Sequence[NodeProto],
    constants: Mapping[str, np.ndarray],
    shape: Sequence[int | str | None],
    opset: int = 17,
    outputs: Sequence[str] = ("y",),
) -> ModelProto:
    """A model from `x` of this shape to the outputs."""
    graph = helper.make_graph(
        list(nodes),
        "main",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def checkpoint_of(model: ModelProto) -> Checkpoint:
    """The model as it is read."""
    return read_onnx(memoryview(model.SerializeToString()), Limits())


def lifted_program(model: ModelProto) -> Architecture:
    """Its architecture, once that is known to compute what ONNX Runtime computes."""
    checkpoint = checkpoint_of(model)
    architecture = lift(checkpoint)
    sizes = [dim.dim_value or 3 for dim in model.graph.input[0].type.tensor_type.shape.dim]
    inputs = numbers(*sizes, seed=1)
    found = computed(architecture, checkpoint, torch.from_numpy(inputs))
    np.testing.assert_allclose(found.numpy(), by_runtime(model, inputs), rtol=1e-4, atol=1e-5)
    return architecture
