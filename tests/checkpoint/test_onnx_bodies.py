"""Bodies and functions: what they hold, which names they mean, and that a cut never mixes two of them up."""

import numpy as np
import pytest
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from metagauge.checkpoint.program import Port
from metagauge.errors import ArchitectureMismatchError, TensorMissingError
from tests.checkpoint.onnx_models import gemm, model, read_model, weight


def value(name: str):
    return helper.make_empty_tensor_value_info(name)


def loop(nodes: list[NodeProto], **more) -> NodeProto:
    ports = [helper.make_tensor_value_info("turn", TensorProto.INT64, []), value("go"), value("h")]
    body = helper.make_graph(nodes, "body", ports, [value("go"), value("next")], **more)
    return helper.make_node("Loop", ["times", "", "x"], ["y"], name="loop", body=body)


def with_loop(nodes: list[NodeProto], **more) -> ModelProto:
    times = numpy_helper.from_array(np.array(3), "times")
    return model([loop(nodes, **more)], [weight(shape=(4, 4)), times])


def test_the_inputs_of_a_loops_body_are_in_order_and_its_weights_are_outside():
    (node,) = read_model(with_loop([gemm("h", "next")])).program.nodes
    body = node.bodies["body"]
    assert body.inputs[0] == Port(name="turn", shape=(), dtype="I64")
    assert [port.name for port in body.inputs] == ["turn", "go", "h"]
    assert [port.name for port in body.outputs] == ["go", "next"]
    assert (body.captures, body.constants) == (("w",), {})


def test_a_name_of_a_body_means_its_own_tensor_before_the_one_around_it():
    inner = numpy_helper.from_array(np.zeros((4, 4), np.float32), "w")
    checkpoint = read_model(with_loop([gemm("h", "next")], initializer=[inner]))
    body = checkpoint.program.nodes[0].bodies["body"]
    assert (body.captures, body.constants) == ((), {"w": "y/body/w"})
    assert checkpoint.tensor("w").array().any()
    assert not checkpoint.tensor("y/body/w").array().any()


def test_an_input_that_the_bodys_initializer_fills_is_none():
    inner = weight("bias", (4,))
    proto = with_loop([gemm("h", "a"), helper.make_node("Add", ["a", "bias"], ["next"])], initializer=[inner])
    proto.graph.node[0].attribute[0].g.input.append(value("bias"))
    (node,) = read_model(proto).program.nodes
    assert [port.name for port in node.bodies["body"].inputs] == ["turn", "go", "h"]


def test_nodes_of_a_body_are_put_into_execution_order():
    nodes = [helper.make_node("Relu", ["a"], ["next"]), gemm("h", "a")]
    (node,) = read_model(with_loop(nodes)).program.nodes
    assert [inner.operator for inner in node.bodies["body"].nodes] == ["Gemm", "Relu"]


def test_a_body_that_reads_a_value_of_nowhere_is_refused():
    with pytest.raises(TensorMissingError, match="nowhere"):
        read_model(with_loop([gemm("nowhere", "next")]))


def test_a_body_that_needs_its_own_output_is_refused():
    with pytest.raises(ArchitectureMismatchError, match="circle"):
        read_model(with_loop([gemm("next", "next")]))


def test_what_a_branch_lists_as_inputs_comes_from_around_it():
    branch = helper.make_graph([helper.make_node("Relu", ["h"], ["t"])], "then", [value("h")], [value("t")])
    condition = numpy_helper.from_array(np.array(True), "c")
    choice = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    program = read_model(model([choice, gemm("x", "h")], [weight(), condition])).program
    assert [node.operator for node in program.nodes] == ["Gemm", "If"]
    assert program.nodes[1].bodies["then_branch"].captures == ("h",)
    assert program.nodes[1].bodies["then_branch"].inputs == ()


def test_tensors_of_two_bodies_of_one_node_are_kept_apart():
    def branch(number: float):
        inner = numpy_helper.from_array(np.full((2,), number, np.float32), "b")
        return helper.make_graph([helper.make_node("Add", ["h", "b"], ["t"])], "branch", [], [value("t")], [inner])

    condition = numpy_helper.from_array(np.array(True), "c")
    choice = helper.make_node("If", ["c"], ["y"], then_branch=branch(1), else_branch=branch(2))
    checkpoint = read_model(model([gemm("x", "h"), choice], [weight(), condition]))
    bodies = checkpoint.program.nodes[1].bodies
    assert {key: body.tensors for key, body in bodies.items()} == {
        "then_branch": ("y/then_branch/b",),
        "else_branch": ("y/else_branch/b",),
    }
    assert checkpoint.tensor("y/else_branch/b").array().tolist() == [2, 2]


def with_reference() -> ModelProto:
    softmax = helper.make_node("Softmax", ["a"], ["s"])
    softmax.attribute.append(AttributeProto(name="axis", ref_attr_name="along", type=AttributeProto.INT))
    constant = helper.make_node("Constant", [], ["k"])
    constant.attribute.append(AttributeProto(name="value_float", ref_attr_name="shift", type=AttributeProto.FLOAT))
    body = [softmax, constant, helper.make_node("Add", ["s", "k"], ["b"])]
    opsets = [helper.make_opsetid("", 13)]
    default = helper.make_attribute("shift", 0.5)
    function = helper.make_function("local", "F", ["a"], ["b"], body, opsets, ["along"], [default])
    proto = model([gemm("x", "h"), helper.make_node("F", ["h"], ["y"], domain="local", along=1)], [weight()])
    proto.functions.append(function)
    return proto


def test_attributes_of_a_functions_nodes_may_be_those_of_the_call():
    (function,) = read_model(with_reference()).program.functions
    softmax, constant, _ = function.body.nodes
    assert (softmax.attributes, softmax.references) == ({}, {"axis": "along"})
    assert (constant.operator, constant.references) == ("Constant", {"value_float": "shift"})
    assert (function.attributes, function.defaults) == (("along", "shift"), {"shift": 0.5})
    assert function.opset == 13


def test_a_tensor_that_a_function_has_for_an_attribute_left_out_is_in_the_checkpoint():
    proto = with_reference()
    proto.functions[0].attribute_proto.append(helper.make_attribute("table", weight("t", (2,))))
    checkpoint = read_model(proto)
    name = checkpoint.program.functions[0].default_tensors["table"]
    assert checkpoint.tensor(name).array().tolist() == [0, 1]


def test_many_bodies_cost_no_more_than_they_hold():
    """Cutting each body's tensors out of all tensors made this quadratic."""
    branch = helper.make_graph([helper.make_node("Relu", ["x"], ["t"])], "branch", [], [value("t")])
    condition = numpy_helper.from_array(np.array(True), "c")
    choices = [
        helper.make_node("If", ["c"], [f"y{number}"], then_branch=branch, else_branch=branch) for number in range(3000)
    ]
    many = [helper.make_tensor(f"t{number}", TensorProto.FLOAT, [2], [0.0, 1.0]) for number in range(3000)]
    program = read_model(model([gemm(), *choices], [weight(), condition, *many])).program
    assert sum(len(body.tensors) for node in program.nodes for body in node.bodies.values()) == 0


def test_sparse_tensors_of_a_body_are_filled_up_under_its_name():
    values = numpy_helper.from_array(np.array([5.0], np.float32), "")
    sparse = helper.make_sparse_tensor(values, numpy_helper.from_array(np.array([2])), [4])
    named = helper.make_sparse_tensor(
        numpy_helper.from_array(np.array([7.0], np.float32), "s"), numpy_helper.from_array(np.array([1])), [4]
    )
    nodes = [
        helper.make_node("Constant", [], ["k"], sparse_value=sparse),
        helper.make_node("Add", ["h", "k"], ["a"]),
        helper.make_node("Add", ["a", "s"], ["next"]),
    ]
    checkpoint = read_model(with_loop(nodes, sparse_initializer=[named]))
    body = checkpoint.program.nodes[0].bodies["body"]
    assert [node.operator for node in body.nodes] == ["Add", "Add"]
    assert checkpoint.tensor(body.constants["k"]).array().tolist() == [0, 0, 5, 0]
    assert checkpoint.tensor(body.constants["s"]).array().tolist() == [0, 7, 0, 0]
