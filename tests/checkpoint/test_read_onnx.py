"""Reading well-formed ONNX models."""

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from metagauge.checkpoint.format import Format
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_tensor import DTYPES
from metagauge.checkpoint.program import Port
from metagauge.checkpoint.read import read
from metagauge.errors import NoParametersError
from tests.checkpoint.onnx_models import gemm, linear, model, read_model, weight

STRING = TensorProto.STRING
UNPRINTABLE = {TensorProto.UNDEFINED, STRING}


def rules(checkpoint) -> list[str]:
    return [finding.rule for finding in checkpoint.findings]


def test_the_main_graph_becomes_plain_values():
    checkpoint = read_model(linear())
    program = checkpoint.program
    assert (checkpoint.format, program.opset, program.producer) == (Format.ONNX, 17, "test")
    assert program.inputs == (Port(name="x", shape=(None, 4), dtype="F32", symbols=("batch", "")),)
    assert program.outputs == (Port(name="y", shape=None, dtype="F32"),)
    (node,) = program.nodes
    assert (node.operator, node.domain, node.inputs, node.outputs) == ("Gemm", "", ("x", "w"), ("y",))
    assert node.attributes == {"transB": 1}
    assert checkpoint.findings == ()


def test_weights_are_read_only_views_over_the_mapped_file(tmp_path):
    onnx.save_model(linear(), tmp_path / "a.onnx")
    array = read(tmp_path / "a.onnx", Limits()).tensor("w").array()
    assert array.tolist() == np.arange(12).reshape(3, 4).tolist()
    assert not array.flags.owndata
    assert not array.flags.writeable


def samples(kind: int) -> np.ndarray:
    """Values every type has, one of them odd in number so that packed types end inside a byte."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    return np.array([[0, 1, 1], [1, 0, 1], [1, 1, 1]]).astype(dtype)


@pytest.mark.parametrize("kind", sorted(set(TensorProto.DataType.values()) - UNPRINTABLE))
def test_every_type_is_read_from_raw_bytes_as_onnx_reads_it(kind):
    proto = numpy_helper.from_array(samples(kind), "t")
    assert proto.HasField("raw_data")
    tensor = read_model(model([gemm()], [weight(), proto])).tensor("t")
    assert tensor.dtype == DTYPES[kind]
    assert tensor.array().tobytes() == numpy_helper.to_array(proto).tobytes()


@pytest.mark.parametrize("kind", sorted(set(TensorProto.DataType.values()) - UNPRINTABLE))
def test_every_type_is_read_from_its_own_field_as_onnx_reads_it(kind):
    proto = helper.make_tensor("t", kind, (3, 3), samples(kind).reshape(-1))
    assert not proto.HasField("raw_data")
    tensor = read_model(model([gemm()], [weight(), proto])).tensor("t")
    assert tensor.array().tobytes() == numpy_helper.to_array(proto).tobytes()


def test_every_type_of_the_installed_onnx_has_a_dtype():
    assert DTYPES.keys() >= set(TensorProto.DataType.values()) - UNPRINTABLE


def test_half_precision_keeps_its_values():
    proto = numpy_helper.from_array(np.array([0.5, -2.0], dtype=ml_dtypes.bfloat16), "t")
    array = read_model(model([gemm()], [weight(), proto])).tensor("t").array()
    assert array.astype(np.float32).tolist() == [0.5, -2.0]


def test_sparse_initializers_are_filled_up():
    for indices in ([[0, 1], [2, 3]], [1, 11]):
        values = numpy_helper.from_array(np.array([5.0, 7.0], dtype=np.float32), "w")
        positions = numpy_helper.from_array(np.array(indices, dtype=np.int64), "i")
        sparse = helper.make_sparse_tensor(values, positions, [3, 4])
        tensor = read_model(model([gemm()], sparse_initializer=[sparse])).tensor("w")
        expected = np.zeros((3, 4))
        expected[0, 1], expected[2, 3] = 5, 7
        assert tensor.array().tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({"value": weight("t", (2, 2))}, [[0.0, 1.0], [2.0, 3.0]]),
        ({"value_float": 1.5}, 1.5),
        ({"value_floats": [1.5, 2.5]}, [1.5, 2.5]),
        ({"value_int": 3}, 3),
        ({"value_ints": [3, 4]}, [3, 4]),
    ],
)
def test_constant_nodes_become_tensors_named_like_their_output(attribute, expected):
    constant = helper.make_node("Constant", [], ["c"], **attribute)
    checkpoint = read_model(model([constant, gemm()], [weight()]))
    assert [node.operator for node in checkpoint.program.nodes] == ["Gemm"]
    assert checkpoint.tensor("c").array().tolist() == expected


def test_tensor_attributes_of_other_nodes_are_tensors_the_node_names():
    shape = helper.make_node("ConstantOfShape", ["s"], ["y"], value=weight("t", (1,)))
    size = numpy_helper.from_array(np.array([3]), "s")
    checkpoint = read_model(model([shape], [weight(), size]))
    (node,) = checkpoint.program.nodes
    assert checkpoint.tensor(node.tensors["value"]).shape == (1,)


def test_an_input_that_an_initializer_fills_is_no_input_of_the_program():
    proto = linear()
    proto.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [3, 4]))
    assert [port.name for port in read_model(proto).program.inputs] == ["x"]


def test_a_model_of_trees_is_refused_by_what_it_is_made_of():
    node = helper.make_node("TreeEnsembleClassifier", ["x"], ["y"], domain="ai.onnx.ml", class_ids=[0, 1])
    with pytest.raises(NoParametersError, match="TreeEnsembleClassifier"):
        read_model(model([node]))


def test_sizes_that_are_not_fixed_are_none():
    proto = linear()
    del proto.graph.input[:]
    proto.graph.input.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [-1, None]))
    assert read_model(proto).program.inputs[0].shape == (None, None)


def branches(inner: TensorProto):
    then = helper.make_graph(
        [gemm("h", "t", inner.name)], "then", [], [helper.make_empty_tensor_value_info("t")], [inner]
    )
    other = helper.make_graph(
        [helper.make_node("Relu", ["h"], ["e"])], "else", [], [helper.make_empty_tensor_value_info("e")]
    )
    condition = numpy_helper.from_array(np.array(True), "c")
    branch = helper.make_node("If", ["c"], ["y"], name="if", then_branch=then, else_branch=other)
    return model([helper.make_node("Relu", ["x"], ["h"]), branch], [condition])


def test_a_subgraph_is_visible_with_its_tensors_and_what_it_reads():
    checkpoint = read_model(branches(weight("inner")))
    body = checkpoint.program.nodes[1].bodies["then_branch"]
    (node,) = body.nodes
    assert (node.operator, node.inputs, body.outputs[0].name) == ("Gemm", ("h", "inner"), "t")
    assert (body.constants, body.captures) == ({"inner": "y/then_branch/inner"}, ("h",))
    assert body.tensors == ("y/then_branch/inner",)
    assert checkpoint.tensor("y/then_branch/inner").shape == (3, 4)
    assert checkpoint.program.nodes[1].bodies["else_branch"].tensors == ()


def test_a_node_comes_after_what_its_subgraph_reads():
    proto = branches(weight("inner"))
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend(reversed(nodes))
    checkpoint = read_model(proto)
    assert [node.operator for node in checkpoint.program.nodes] == ["Relu", "If"]
    assert rules(checkpoint) == ["unsorted-nodes"]


def with_function():
    constant = helper.make_node("Constant", [], ["k"], value=weight("t", (4,)))
    body = [constant, helper.make_node("Add", ["a", "k"], ["b"])]
    function = helper.make_function("local", "Shift", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    proto = model([helper.make_node("Shift", ["x"], ["h"], domain="local"), gemm("h")], [weight()])
    proto.functions.append(function)
    return proto


def test_a_local_function_is_visible_with_its_tensors():
    checkpoint = read_model(with_function())
    (function,) = checkpoint.program.functions
    assert (function.domain, function.name) == ("local", "Shift")
    assert [node.operator for node in function.body.nodes] == ["Add"]
    assert ([port.name for port in function.body.inputs], function.opset) == (["a"], 17)
    assert (function.body.constants, function.body.captures) == ({"k": "local::Shift/k"}, ())
    assert checkpoint.tensor("local::Shift/k").array().tolist() == [0, 1, 2, 3]
    assert checkpoint.program.nodes[0].domain == "local"


def test_nodes_are_put_into_execution_order_and_otherwise_left_alone():
    chain = [helper.make_node("Relu", [f"h{n}"], [f"h{n + 1}"]) for n in range(4)]
    nodes = [chain[2], chain[0], gemm("x", "h0"), chain[1], chain[3]]
    checkpoint = read_model(model(nodes, [weight()], output="h4"))
    assert [node.outputs[0] for node in checkpoint.program.nodes] == ["h0", "h1", "h2", "h3", "h4"]
    assert rules(checkpoint) == ["unsorted-nodes"]


def test_onnx_own_domain_has_one_spelling():
    proto = linear()
    proto.graph.node[0].domain = "ai.onnx"
    proto.opset_import[0].domain = "ai.onnx"
    program = read_model(proto).program
    assert (program.nodes[0].domain, program.opset) == ("", 17)


def test_attributes_without_a_type_are_read_by_the_field_that_is_set():
    proto = linear()
    proto.graph.node[0].attribute[0].ClearField("type")
    proto.graph.node[0].attribute.append(AttributeProto(name="pads", ints=[1, 2]))
    assert read_model(proto).program.nodes[0].attributes == {"transB": 1, "pads": (1, 2)}


def test_metadata_is_kept():
    proto = linear()
    helper.set_model_props(proto, {"key": "value"})
    assert read_model(proto).metadata == {"key": "value"}


def test_an_opset_of_the_future_is_noted():
    proto = linear()
    proto.opset_import[0].version = 9999
    assert rules(read_model(proto)) == ["future-opset"]


def test_a_training_graph_is_noted():
    proto = linear()
    proto.training_info.add().algorithm.name = "sgd"
    assert rules(read_model(proto)) == ["training-info"]


def test_string_tensors_are_noted_and_not_among_the_tensors():
    words = helper.make_tensor("words", STRING, [1], [b"yes"])
    checkpoint = read_model(model([gemm()], [weight(), words]))
    assert rules(checkpoint) == ["text-tensor"]
    assert list(checkpoint.tensors) == ["w"]
