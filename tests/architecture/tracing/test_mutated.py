"""A changed model is refused, says what it does not understand, or is what the changed model computes."""

from functools import cache

import numpy as np
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, numpy_helper
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from metagauge.architecture.tracing.trace import trace
from metagauge.errors import InputError, OperatorUnknownError
from tests.architecture.tracing.fused_models import MODELS, TOKENS, WIDTH
from tests.architecture.tracing.same import assert_same, checkpoint, random, run

REFUSALS = (
    runtime.Fail,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.NotImplemented,
    runtime.RuntimeException,
)
"""What onnxruntime raises for a model that is not valid."""
X = random(1, TOKENS, WIDTH)


@cache
def unchanged(name: str) -> ModelProto:
    return MODELS[name]()


def _graphs(proto: ModelProto) -> list[list[NodeProto]]:
    found = [list(proto.graph.node), *(list(function.node) for function in proto.functions)]
    for node in list(proto.graph.node):
        found += [list(attribute.g.node) for attribute in node.attribute if attribute.HasField("g")]
    return found


@st.composite
def changed(draw: st.DrawFn) -> ModelProto:
    """A model in which one operand, attribute, constant or size is another one."""
    proto = ModelProto()
    proto.CopyFrom(unchanged(draw(st.sampled_from(sorted(MODELS)))))
    nodes = draw(st.sampled_from(_graphs(proto)))
    node, other = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
    match draw(st.sampled_from(["operand", "swap", "leave out", "attribute", "constant", "shape", "operator"])):
        case "operand" if node.input and other.input:
            node.input[draw(st.integers(0, len(node.input) - 1))] = draw(st.sampled_from(list(other.input)))
        case "swap" if len(node.input) > 1:
            node.input[0], node.input[1] = node.input[1], node.input[0]
        case "leave out" if node.input:
            node.input[draw(st.integers(0, len(node.input) - 1))] = ""
        case "attribute":
            _change_attribute(draw, node)
        case "constant":
            _change_constant(draw, proto.graph)
        case "shape":
            tensor = draw(st.sampled_from(list(proto.graph.initializer)))
            array = numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array.T), tensor.name))
        case "operator":
            node.op_type = other.op_type
        case _:
            pass
    return proto


def _change_attribute(draw: st.DrawFn, node: NodeProto) -> None:
    if not node.attribute:
        return
    attribute = draw(st.sampled_from(list(node.attribute)))
    value = draw(st.one_of(st.integers(-2, 5), st.sampled_from([2**31 - 1, 2**62, -(2**62)])))
    match attribute.type:
        case AttributeProto.INT:
            attribute.i = value
        case AttributeProto.INTS if attribute.ints:
            attribute.ints[0] = value
        case AttributeProto.FLOAT:
            attribute.f = draw(st.sampled_from([0.0, -1.0, 3.0, float("nan"), float("inf")]))
        case _:
            pass


def _change_constant(draw: st.DrawFn, graph: GraphProto) -> None:
    tensor = draw(st.sampled_from(list(graph.initializer)))
    array = numpy_helper.to_array(tensor).copy()
    if array.dtype.kind in "iu":
        array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from([0, 1, 3, 100]))
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(changed())
def test_what_is_understood_computes_the_same(proto: ModelProto):
    try:
        dataflow = trace(checkpoint(proto))
    except InputError:
        return
    try:
        wanted = by_runtime(proto)
    except REFUSALS:
        return  # no valid model, whatever it was taken for
    try:
        found = run(dataflow, checkpoint(proto), {"x": X})
    except OperatorUnknownError:
        assert dataflow.unsupported or dataflow.provenance.assumed
        return
    for one, want in zip(found, wanted, strict=True):
        assert one.shape == want.shape
        np.testing.assert_allclose(one, want, rtol=1e-3, atol=1e-3)


def by_runtime(proto: ModelProto) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": X})


@pytest.mark.parametrize("name", sorted(MODELS))
def test_unchanged_the_model_is_understood(name: str):
    assert_same(unchanged(name), {"x": X}, 1e-3)
