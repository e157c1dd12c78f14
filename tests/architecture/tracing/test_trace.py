"""A program becomes steps; what is not understood, contradicts itself or is never read is named and stops nothing."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from metagauge.architecture.operators.elementwise import Unary
from metagauge.architecture.operators.source import Given, Weight
from metagauge.architecture.tracing.trace import trace
from metagauge.errors import LimitExceededError, StructureNotInferableError
from tests.architecture.tracing.same import BOOL, INT64, assert_same, checkpoint, followed, kinds, model, port, random

_NODE = helper.make_node


def test_an_unknown_operator_is_wired_and_named() -> None:
    nodes = [
        _NODE("Mystery", ["x", "w"], ["h"], name="here", domain="com.example", power=3),
        _NODE("Relu", ["h"], ["y"]),
    ]
    dataflow = trace(checkpoint(model(nodes, [port("x", 1, 4)], {"w": random(4, 4)}, domains=["com.example"])))
    (opaque,) = [step for step in dataflow.steps if step.operator.kind == "opaque"]
    assert opaque.inputs == ("x", "w")
    assert opaque.operator.operator == "com.example::Mystery"
    assert opaque.operator.attributes == ("power=3",)
    (lost,) = dataflow.unsupported
    assert (lost.operator, lost.name) == ("com.example::Mystery", "here: the operator is not known")


def test_nodes_behind_an_unknown_one_go_on_where_shapes_do_not_matter() -> None:
    nodes = [_NODE("Mystery", ["x"], ["h"], domain="com.example"), _NODE("Mul", ["h", "w"], ["y"])]
    dataflow = trace(checkpoint(model(nodes, [port("x", 1, 4)], {"w": random(4)}, domains=["com.example"])))
    assert kinds(dataflow) == {"given": 1, "opaque": 1, "weight": 1, "binary": 1}


def test_a_node_that_contradicts_itself_is_named_and_the_rest_goes_on() -> None:
    nodes = [
        _NODE("MatMul", ["x", "w"], ["a"]),
        _NODE("MatMul", ["x", "other"], ["b"]),
    ]
    proto = model(nodes, [port("x", 1, 4)], {"w": random(4, 2), "other": random(5, 2)}, outputs=["a", "b"])
    dataflow = trace(checkpoint(proto))
    (lost,) = dataflow.unsupported
    assert lost.name == "b: axis k of 'mk,kn->mn' has sizes 4 and 5"
    assert "contract" in kinds(dataflow)


def test_weights_that_no_output_needs_are_listed_with_the_node_that_reads_them() -> None:
    nodes = [_NODE("MatMul", ["x", "w"], ["y"]), _NODE("MatMul", ["x", "unused"], ["nowhere"])]
    constants = {"w": random(4, 2), "unused": random(4, 3), "unread": random(7)}
    dataflow = trace(checkpoint(model(nodes, [port("x", 1, 4)], constants)))
    assert {each.operator: each.tensors for each in dataflow.unsupported} == {
        "MatMul": ("unused",),
        "none": ("unread",),
    }
    assert [step.operator.kind for step in dataflow.steps] == ["given", "weight", "contract"]


def test_a_weight_is_never_computed_with_and_one_step_stands_for_it() -> None:
    nodes = [
        _NODE("Transpose", ["w"], ["turned"], perm=[1, 0]),
        _NODE("Mul", ["turned", "half"], ["scaled"]),
        _NODE("MatMul", ["x", "scaled"], ["a"]),
        _NODE("MatMul", ["a", "w"], ["y"]),
    ]
    proto = model(nodes, [port("x", 1, 4)], {"w": random(3, 4), "half": np.array(0.5, dtype=np.float32)})
    dataflow = followed(proto)
    assert [step.operator.tensor for step in dataflow.steps if isinstance(step.operator, Weight)] == ["w"]
    assert kinds(dataflow)["transpose"] == kinds(dataflow)["unary"] == 1
    assert_same(proto, {"x": random(1, 4)})


def test_a_known_number_makes_a_function_of_one_value() -> None:
    nodes = [
        _NODE("MatMul", ["x", "w"], ["h"]),
        _NODE("Div", ["h", "number"], ["divided"]),
        _NODE("Sub", ["number", "divided"], ["y"]),
    ]
    proto = model(nodes, [port("x", 1, 4)], {"w": random(4, 2), "number": np.array(4, dtype=np.float32)})
    unary = [step.operator for step in followed(proto).steps if isinstance(step.operator, Unary)]
    assert unary == [Unary(function="affine", alpha=0.25), Unary(function="affine", alpha=-1.0, beta=4.0)]
    assert_same(proto, {"x": random(1, 4)})


def test_the_only_bias_of_a_layer_with_one_output_stays_a_weight() -> None:
    for node in (_NODE("Gemm", ["x", "w", "b"], ["y"]), _NODE("Add", ["h", "b"], ["y"])):
        nodes = [_NODE("MatMul", ["x", "w"], ["h"]), node]
        dataflow = followed(model(nodes, [port("x", 1, 4)], {"w": random(4, 1), "b": random(1)}))
        tensors = {step.operator.tensor for step in dataflow.steps if isinstance(step.operator, Weight)}
        assert tensors == {"w", "b"}


def test_inputs_keep_their_order_and_kind_even_if_nothing_reads_them() -> None:
    nodes = [_NODE("MatMul", ["x", "w"], ["y"])]
    inputs = [port("ids", 1, 3, kind=INT64), port("x", 1, 4), port("mask", 1, 3, kind=BOOL)]
    dataflow = trace(checkpoint(model(nodes, inputs, {"w": random(4, 2)})))
    given = [(step.outputs[0], step.operator) for step in dataflow.steps if isinstance(step.operator, Given)]
    assert given == [
        ("ids", Given(shape=(1, 3), numbers="int")),
        ("x", Given(shape=(1, 4))),
        ("mask", Given(shape=(1, 3), numbers="bool")),
    ]


def test_sizes_of_a_reshape_are_computed_from_shapes() -> None:
    nodes = [
        _NODE("MatMul", ["x", "w"], ["h"]),
        _NODE("Shape", ["h"], ["sizes"]),
        _NODE("Slice", ["sizes", "zero", "two"], ["front"]),
        _NODE("Concat", ["front", "heads"], ["wanted"], axis=0),
        _NODE("Reshape", ["h", "wanted"], ["y"]),
    ]
    constants = {"w": random(4, 6), "zero": np.array([0]), "two": np.array([2]), "heads": np.array([3, -1])}
    proto = model(nodes, [port("x", "batch", 5, 4)], constants)
    assert set(kinds(followed(proto))) == {"given", "weight", "contract", "reshape"}
    assert_same(proto, {"x": random(1, 5, 4)})


def test_a_file_none_of_whose_outputs_needs_a_weight_is_refused() -> None:
    proto = model([_NODE("Relu", ["x"], ["y"])], [port("x", 1, 4)], {"w": random(4)})
    with pytest.raises(StructureNotInferableError, match="depends on a tensor"):
        trace(checkpoint(proto))


def test_values_that_no_memory_holds_are_refused() -> None:
    nodes = [_NODE("Add", ["x", "w"], ["v0"])]
    nodes += [_NODE("Concat", [f"v{i}", f"v{i}"], [f"v{i + 1}"], axis=0) for i in range(40)]
    proto = model(nodes, [port("x", 4)], {"w": random(4)}, outputs=["v40"])
    with pytest.raises(LimitExceededError, match="elements are the limit"):
        trace(checkpoint(proto))


def test_known_numbers_are_computed_within_bounds_and_are_steps_beyond() -> None:
    """Twenty times the numbers twice over: 5 million, none of which is in the file."""
    nodes = [_NODE("Range", ["zero", "five", "one"], ["v0"])]
    nodes += [_NODE("Concat", [f"v{i}", f"v{i}"], [f"v{i + 1}"], axis=0) for i in range(22)]
    nodes += [_NODE("Cast", ["v22"], ["floats"], to=TensorProto.FLOAT), _NODE("Mul", ["floats", "w"], ["y"])]
    constants = {"zero": np.array(0), "five": np.array(5), "one": np.array(1), "w": random(2, 1)}
    dataflow = trace(checkpoint(model(nodes, [], constants)))
    assert kinds(dataflow)["concat"] > 0
    assert sum(len(step.operator.data) for step in dataflow.steps if step.operator.kind == "constant") < 1 << 20


def test_a_filler_takes_no_memory() -> None:
    nodes = [
        _NODE("ConstantOfShape", ["shape"], ["ones"], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [1])),
        _NODE("Mul", ["ones", "w"], ["y"]),
    ]
    proto = model(nodes, [], {"shape": np.array([1 << 15, 1 << 14]), "w": random(1 << 14)})
    dataflow = trace(checkpoint(proto))
    assert kinds(dataflow) == {"constant": 1, "expand": 1, "weight": 1, "binary": 1}


def test_new_axes_that_are_one_are_a_contradiction() -> None:
    nodes = [_NODE("MatMul", ["x", "w"], ["h"]), _NODE("Unsqueeze", ["h", "axes"], ["y"])]
    proto = model(nodes, [port("x", 1, 4)], {"w": random(4, 2), "axes": np.array([0, 0])})
    assert trace(checkpoint(proto)).unsupported[0].name == "y: new axes [0, 0] name one twice"
