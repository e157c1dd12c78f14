"""Templates' programs as ONNX files that ONNX Runtime runs."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from metagauge.checkpoint.checkpoint import Checkpoint

_TYPES = {"F32": TensorProto.FLOAT, "I64": TensorProto.INT64, "BOOL": TensorProto.BOOL}


def onnx_file(checkpoint: Checkpoint) -> bytes:
    """The checkpoint's program with its tensors as a model; floats of other widths become float32."""
    program = checkpoint.program
    assert program is not None
    used = {name for node in program.nodes for name in node.inputs} | {port.name for port in program.outputs}
    initializers = []
    for name in used & set(checkpoint.tensors):
        tensor = checkpoint.tensors[name]
        array = np.array(tensor.array())
        initializers.append(numpy_helper.from_array(array.astype(np.float32) if tensor.is_float else array, name))
    nodes = []
    for node in program.nodes:
        proto = helper.make_node(node.operator, node.inputs, node.outputs, name=node.name, domain=node.domain)
        proto.attribute.extend(helper.make_attribute(key, value) for key, value in node.attributes.items())
        nodes.append(proto)
    inputs = [helper.make_tensor_value_info(port.name, _TYPES[port.dtype], port.shape) for port in program.inputs]
    outputs = [helper.make_tensor_value_info(port.name, TensorProto.FLOAT, None) for port in program.outputs]
    graph = helper.make_graph(nodes, "template", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", program.opset)], ir_version=9)
    return model.SerializeToString()


def outputs_of(model: bytes, given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """What ONNX Runtime computes from those of the given values that the model asks for."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return [np.asarray(output) for output in session.run(None, {name: given[name] for name in names})]


def random_inputs(path: Path, seed: int = 3) -> dict[str, np.ndarray]:
    """Random values for every input of an ONNX file: ids below 100, masks of ones, and normal numbers."""
    random = np.random.default_rng(seed)
    given: dict[str, np.ndarray] = {}
    for value in onnx.load(path, load_external_data=False).graph.input:
        shape = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        if value.type.tensor_type.elem_type == TensorProto.INT64:
            is_mask = "mask" in value.name
            given[value.name] = np.ones(shape, np.int64) if is_mask else random.integers(3, 100, shape)
        else:
            given[value.name] = random.normal(size=shape).astype(np.float32)
    return given
