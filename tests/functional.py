"""Permutes the weights inside an ONNX model by a symmetry, and lets ONNX Runtime say what it computes."""

from collections.abc import Mapping

import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, TensorProto, numpy_helper

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.shapes import shapes
from metagauge.architecture.operators.source import Given
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.graph.symmetry.inference import Symmetry, infer_symmetry

Feeds = dict[str, np.ndarray]


def symmetry_of(dataflow: Dataflow, checkpoint: Checkpoint) -> Symmetry:
    """What may be permuted."""
    return infer_symmetry(dataflow, shapes(dataflow, lambda name: checkpoint.tensor(name).shape))


def some_inputs(model: ModelProto, dataflow: Dataflow, seed: int = 0) -> Feeds:
    """Random numbers for every input, of the sizes that the dataflow has; masks are ones and ids small."""
    random = np.random.default_rng(seed)
    types = {
        each.name: onnx.helper.tensor_dtype_to_np_dtype(each.type.tensor_type.elem_type) for each in model.graph.input
    }
    feeds: Feeds = {}
    for step in dataflow.steps:
        if not isinstance(step.operator, Given) or step.outputs[0] not in types:
            continue
        (name,), shape = step.outputs, step.operator.shape
        match step.operator.numbers:
            case "float":
                feeds[name] = random.standard_normal(shape).astype(types[name])
            case "int":
                numbers = np.ones(shape) if "mask" in name else random.integers(0, 2, shape)
                feeds[name] = numbers.astype(types[name])
            case "bool":
                feeds[name] = np.ones(shape, bool)
    return feeds


def computed(model: ModelProto, feeds: Feeds) -> list[np.ndarray]:
    """The outputs that are arrays of numbers."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {each.name: feeds[each.name] for each in session.get_inputs()})
    return [array for array in outputs if isinstance(array, np.ndarray) and array.dtype.kind in "fiub"]


def distance(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    """The largest difference, in units of each output's largest value (of at least one)."""
    apart = [
        float(np.abs(left.astype(np.float64) - right).max(initial=0) / max(np.abs(left).max(initial=0), 1.0))
        for left, right in zip(one, other, strict=True)
    ]
    return max(apart, default=0.0)


def moved(model: ModelProto, permutations: Mapping[str, tuple[np.ndarray, ...]]) -> tuple[ModelProto, list[str]]:
    """A copy of the model with these tensors permuted, and which of them really were."""
    copy, holders = _copied(model)
    changed: list[str] = []
    for name, indices in permutations.items():
        if name in holders and any((index != np.arange(len(index))).any() for index in indices):
            array = numpy_helper.to_array(holders[name])
            permuted = np.ascontiguousarray(array[np.ix_(*indices)])
            if (permuted != array).any():
                holders[name].CopyFrom(numpy_helper.from_array(permuted, holders[name].name))
                changed.append(name)
    return copy, changed


def with_noise(model: ModelProto, name: str) -> ModelProto:
    """A copy of the model in which one tensor is something else."""
    copy, holders = _copied(model)
    array = numpy_helper.to_array(holders[name])
    noise = np.random.default_rng(9).standard_normal(array.shape) * (np.abs(array).max() + 0.1)
    holders[name].CopyFrom(numpy_helper.from_array((array + noise).astype(array.dtype), holders[name].name))
    return copy


def _copied(model: ModelProto) -> tuple[ModelProto, dict[str, TensorProto]]:
    """A copy, and its tensors by the name of their value."""
    copy = ModelProto()
    copy.CopyFrom(model)
    holders = {tensor.name: tensor for tensor in copy.graph.initializer}
    for node in copy.graph.node:
        if node.op_type == "Constant":
            holders |= {name: each.t for name in node.output for each in node.attribute if each.name == "value"}
    return copy, holders
