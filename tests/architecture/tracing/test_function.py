"""Local functions: their nodes at each call, with the call's attributes in their place."""

import numpy as np
import pytest
from onnx import AttributeProto, FunctionProto, ModelProto, NodeProto, helper

from metagauge.architecture.tracing.trace import trace
from metagauge.errors import ArchitectureMismatchError, LimitExceededError
from tests.architecture.tracing.same import assert_same, checkpoint, followed, kinds, model, port, random

X = random(2, 4)


def function(
    name: str, inputs: list[str], nodes: list[NodeProto], attributes: tuple[str, ...] = (), opset: int = 17, **more
) -> FunctionProto:
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    return helper.make_function("local", name, inputs, [nodes[-1].output[0]], nodes, opsets, attributes, **more)


def call(name: str, inputs: list[str], output: str, **attributes) -> NodeProto:
    return helper.make_node(name, inputs, [output], domain="local", **attributes)


def with_functions(nodes: list[NodeProto], *functions: FunctionProto, **constants: np.ndarray) -> ModelProto:
    proto = model(nodes, [port("x", 2, 4)], constants, domains=["local"])
    proto.functions.extend(functions)
    return proto


def reference(node: NodeProto, own: str, of_call: str, kind: int) -> NodeProto:
    node.attribute.append(AttributeProto(name=own, ref_attr_name=of_call, type=kind))
    return node


def layer() -> FunctionProto:
    nodes = [helper.make_node("MatMul", ["a", "w"], ["m"]), helper.make_node("Relu", ["m"], ["b"])]
    return function("Layer", ["a", "w"], nodes)


def test_each_call_has_its_own_weights():
    nodes = [call("Layer", ["x", "w1"], "h"), call("Layer", ["h", "w2"], "y")]
    proto = with_functions(nodes, layer(), w1=random(4, 4, seed=1), w2=random(4, 4, seed=2))
    assert kinds(followed(proto)) == {"given": 1, "weight": 2, "contract": 2, "unary": 2}
    assert_same(proto, {"x": X})


def test_functions_call_functions():
    inner = [call("Layer", ["a", "w"], "h"), call("Layer", ["h", "w"], "b")]
    proto = with_functions(
        [call("Twice", ["x", "w"], "y")], function("Twice", ["a", "w"], inner), layer(), w=random(4, 4)
    )
    assert_same(proto, {"x": X})


def test_attributes_of_the_call_and_defaults_reach_the_nodes():
    slope = reference(helper.make_node("LeakyRelu", ["a"], ["s"]), "alpha", "slope", AttributeProto.FLOAT)
    shift = reference(helper.make_node("Constant", [], ["k"]), "value_float", "shift", AttributeProto.FLOAT)
    nodes = [slope, shift, helper.make_node("Add", ["s", "k"], ["b"])]
    leaky = function("Leaky", ["a"], nodes, ("slope",), attribute_protos=[helper.make_attribute("shift", 0.25)])
    calls = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        call("Leaky", ["h"], "g", slope=0.5),
        call("Leaky", ["g"], "y", slope=0.125, shift=2.0),
    ]
    assert_same(with_functions(calls, leaky, w=random(4, 4)), {"x": X})


def test_references_reach_into_the_branches_of_a_function():
    inner = reference(helper.make_node("LeakyRelu", ["a"], ["t"]), "alpha", "slope", AttributeProto.FLOAT)
    then = helper.make_graph([inner], "then", [], [helper.make_empty_tensor_value_info("t")])
    other = helper.make_graph(
        [helper.make_node("Identity", ["a"], ["e"])], "else", [], [helper.make_empty_tensor_value_info("e")]
    )
    node = helper.make_node("If", ["c"], ["b"], then_branch=then, else_branch=other)
    maybe = function("Maybe", ["a", "c"], [node], ("slope",))
    calls = [helper.make_node("MatMul", ["x", "w"], ["h"]), call("Maybe", ["h", "c"], "y", slope=0.5)]
    proto = with_functions(calls, maybe, w=random(4, 4), c=np.array(True))
    assert kinds(followed(proto))["unary"] == 1
    assert_same(proto, {"x": X})


def test_an_input_that_the_call_leaves_out_is_left_out_inside():
    clip = function("Bounded", ["a", "low", "high"], [helper.make_node("Clip", ["a", "low", "high"], ["b"])])
    calls = [helper.make_node("MatMul", ["x", "w"], ["h"]), call("Bounded", ["h", "", "top"], "y")]
    assert_same(with_functions(calls, clip, w=random(4, 4), top=np.array(0.5, np.float32)), {"x": X})


def test_a_function_means_the_operators_of_its_own_opset():
    """Softmax over all axes behind the first was Softmax until opset 12."""
    old = function("OldSoftmax", ["a"], [helper.make_node("Softmax", ["a"], ["b"], axis=1)], opset=11)
    apart = [helper.make_node("Reshape", ["x", "shape"], ["r"]), call("OldSoftmax", ["r"], "s")]
    last = helper.make_node("MatMul", ["s", "w"], ["y"])
    constants = {"w": random(2, 3), "shape": np.array([2, 2, 2])}
    dataflow = followed(with_functions([*apart, last], old, **constants))
    (softmax,) = [step for step in dataflow.steps if step.operator.kind == "softmax"]
    flat = [step for step in dataflow.steps if softmax.inputs[0] in step.outputs]
    assert flat[0].operator.shape == (2, 4) if flat[0].operator.kind == "reshape" else flat[0].operator.kind == "given"


def test_what_a_function_does_not_define_is_not_looked_up_around_the_call():
    leaking = function("Leaking", ["a"], [helper.make_node("MatMul", ["a", "w"], ["b"])])
    nodes = [call("Leaking", ["x"], "h"), helper.make_node("MatMul", ["h", "v"], ["y"])]
    dataflow = trace(checkpoint(with_functions(nodes, leaking, w=random(4, 4), v=random(4, 2))))
    assert next(each.operator for each in dataflow.unsupported if not each.tensors) == "MatMul"
    assert [each.tensors for each in dataflow.unsupported if each.tensors] == [("w",)]


def test_a_function_that_calls_itself_is_refused():
    proto = with_functions([call("F", ["x"], "y")], function("F", ["a"], [call("F", ["a"], "b")]), w=random(4, 4))
    with pytest.raises(ArchitectureMismatchError, match="circle"):
        checkpoint(proto)


def test_functions_that_double_at_every_level_are_refused():
    functions = [layer()]
    for level in range(30):
        name = "Layer" if level == 0 else f"F{level - 1}"
        nodes = [call(name, ["a", "w"], "h"), call(name, ["h", "w"], "b")]
        functions.append(function(f"F{level}", ["a", "w"], nodes))
    proto = with_functions([call("F29", ["x", "w"], "y")], *functions, w=random(4, 4))
    with pytest.raises(LimitExceededError, match="inlined"):
        checkpoint(proto)


def test_functions_nested_deeper_than_any_network_are_refused():
    functions = [layer()]
    for level in range(100):
        name = "Layer" if level == 0 else f"F{level - 1}"
        functions.append(function(f"F{level}", ["a", "w"], [call(name, ["a", "w"], "b")]))
    proto = with_functions([call("F99", ["x", "w"], "y")], *functions, w=random(4, 4))
    with pytest.raises(LimitExceededError, match="nested deeper"):
        trace(checkpoint(proto))
