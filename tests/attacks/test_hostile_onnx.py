"""ONNX files that are broken, contradict themselves or ask for too much, each in one way."""

import tracemalloc

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.errors import (
    ArchitectureMismatchError,
    ExternalDataRefusedError,
    LimitExceededError,
    MalformedCheckpointError,
    NoParametersError,
    TensorMissingError,
)
from tests.attacks.protobuf_bytes import chunk, number, varint
from tests.checkpoint.onnx_models import gemm, linear, model, read_model, weight

GOOD = linear().SerializeToString()
GRAPH, NODE, ATTRIBUTE, SUBGRAPH, INITIALIZER = 7, 1, 5, 6, 5


def read(content: bytes, limits: Limits = Limits()):  # noqa: B008 - a frozen value
    return read_onnx(memoryview(content), limits)


def test_the_model_which_the_attacks_are_made_from_is_read():
    assert list(read(GOOD).tensors) == ["w"]


MALFORMED = {
    "one byte short": (GOOD[:-1], "cut short"),
    "ends inside a number": (GOOD + b"\x08\x80", "inside a varint"),
    "endless number": (GOOD + b"\x08" + b"\xff" * 11, "ten bytes"),
    "field number zero": (GOOD + b"\x00\x00", "field number 0"),
    "group": (GOOD + b"\x0b\x0c", "wire type 3"),
    "a number where a graph belongs": (number(GRAPH, 1), "wire type"),
    "a name that is not UTF-8": (chunk(GRAPH, chunk(NODE, chunk(1, b"\xff\xfe"))), "not UTF-8"),
    "packed floats that end inside one": (chunk(GRAPH, chunk(INITIALIZER, chunk(4, b"abc"))), "protobuf"),
    "no graph": (number(1, 8), "no graph"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_bytes_that_are_no_model_are_malformed_and_the_message_says_how(case):
    content, reason = MALFORMED[case]
    with pytest.raises(MalformedCheckpointError, match=reason):
        read(content)


def with_tensor(**fields) -> bytes:
    tensor = weight()
    for name, value in fields.items():
        if isinstance(value, list):
            tensor.ClearField(name)
            getattr(tensor, name).extend(value)
        else:
            setattr(tensor, name, value)
    return model([gemm()], [tensor]).SerializeToString()


def with_sparse(indices: list, shape: list[int], values: int = 2) -> bytes:
    value = numpy_helper.from_array(np.ones(values, np.float32), "w")
    index = numpy_helper.from_array(np.array(indices, np.int64), "i")
    sparse = helper.make_sparse_tensor(value, index, shape)
    return model([gemm()], sparse_initializer=[sparse]).SerializeToString()


def without_output() -> bytes:
    proto = linear()
    del proto.graph.output[:]
    return proto.SerializeToString()


RELU = helper.make_node("Relu", ["y"], ["y"], name="loop")
CONTRADICTIONS = {
    "raw data too short": (with_tensor(raw_data=bytes(44)), "needs 48 bytes, and its raw_data has 44"),
    "raw data too long": (with_tensor(raw_data=bytes(49)), "49"),
    "raw data and numbers": (with_tensor(float_data=[0.0] * 12), "twice"),
    "negative size": (with_tensor(dims=[-3, -4]), "negative"),
    "sizes that wrap in 64 bits": (with_tensor(dims=[2**33, 2**33]), "memory"),
    "no sizes wrap past a zero": (with_tensor(dims=[0, 2**62, 2**62], raw_data=b""), "memory"),
    "unknown type": (with_tensor(data_type=99), "data type 99"),
    "no type": (with_tensor(data_type=0), "data type 0"),
    "sparse index outside": (with_sparse([0, 12], [3, 4]), "outside"),
    "sparse index below zero": (with_sparse([[0, 0], [0, -1]], [3, 4]), "outside"),
    "sparse indices of another number": (with_sparse([0, 1, 2], [3, 4]), "indices"),
    "sparse without sizes": (with_sparse([0, 0], []), "dimensions"),
    "one name for two weights": (model([gemm()], [weight(), weight()]).SerializeToString(), "'w'"),
    "one name for two results": (
        model([gemm(), gemm()], [weight()]).SerializeToString(),
        "two sources",
    ),
    "a weight and a result of one name": (model([gemm(target="w")], [weight()]).SerializeToString(), "two sources"),
    "node that feeds itself": (model([RELU], [weight()]).SerializeToString(), "circle"),
    "output from nowhere": (model([gemm()], [weight()], output="z").SerializeToString(), "'z'"),
    "no output": (without_output(), "no output"),
    "two models in one file": (GOOD + GOOD, "two models"),
    "two graphs that protobuf would merge": (chunk(GRAPH, b"") + chunk(GRAPH, b""), "occurs twice"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_model_that_contradicts_itself_is_refused_and_the_message_says_where(case):
    content, reason = CONTRADICTIONS[case]
    with pytest.raises(ArchitectureMismatchError, match=reason):
        read(content)


def test_two_bodies_of_weights_for_one_tensor_are_refused():
    tensor = chunk(9, bytes(4)) + chunk(9, bytes(4))
    with pytest.raises(ArchitectureMismatchError, match="raw_data occurs twice"):
        read(chunk(GRAPH, chunk(INITIALIZER, tensor)))


def test_a_weight_that_nothing_gives_is_named():
    with pytest.raises(TensorMissingError, match="'missing'"):
        read_model(model([gemm(tensor="missing")], [weight()]))


@pytest.mark.parametrize("location", ["weights.bin", "../../../etc/passwd", "http://127.0.0.1:1/w", ""])
def test_weights_in_another_file_are_refused_by_its_name(location):
    tensor = weight()
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    with pytest.raises(ExternalDataRefusedError) as refusal:
        read_model(model([gemm()], [tensor]))
    assert repr(location) in str(refusal.value)


def test_weights_in_another_file_are_refused_in_a_nested_graph_too():
    tensor = weight("inner")
    tensor.external_data.add(key="location", value="weights.bin")
    then = helper.make_graph([], "then", [], [], [tensor])
    branch = helper.make_node("If", ["x"], ["y"], then_branch=then)
    with pytest.raises(ExternalDataRefusedError, match=r"weights\.bin"):
        read_model(model([branch], [weight()]))


def test_a_segment_of_a_tensor_is_refused():
    tensor = weight()
    tensor.segment.begin, tensor.segment.end = 0, 4
    with pytest.raises(ArchitectureMismatchError, match="segment"):
        read_model(model([gemm()], [tensor]))


def test_a_model_without_weights_has_no_parameters():
    with pytest.raises(NoParametersError):
        read_model(model([helper.make_node("Relu", ["x"], ["y"])]))


def test_a_weight_that_is_an_input_is_no_parameter_and_is_named():
    proto = model([gemm()])
    proto.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [3, 4]))
    with pytest.raises(NoParametersError, match="'w'"):
        read_model(proto)


def nested(depth: int) -> bytes:
    graph = b""
    for _ in range(depth):
        graph = chunk(NODE, chunk(ATTRIBUTE, chunk(SUBGRAPH, graph)))
    return chunk(GRAPH, graph)


def test_graphs_nested_too_deeply_are_refused():
    for depth in (22, 1000):
        with pytest.raises(LimitExceededError, match="nest deeper"):
            read(nested(depth))


def test_graphs_nested_as_deeply_as_allowed_are_read():
    with pytest.raises(NoParametersError):
        read(nested(20))


def test_more_nodes_than_the_limit_are_refused():
    with pytest.raises(LimitExceededError, match="more nodes"):
        read(chunk(GRAPH, chunk(NODE, b"") * 11), Limits(nodes=10))


def test_more_tensors_than_the_limit_are_refused():
    with pytest.raises(LimitExceededError, match="more tensors"):
        read(chunk(GRAPH, chunk(INITIALIZER, b"") * 11), Limits(tensors=10))


@pytest.mark.parametrize(
    "content",
    [
        chunk(GRAPH, chunk(NODE, chunk(ATTRIBUTE, b"") * 8_000)),
        chunk(GRAPH, chunk(INITIALIZER, chunk(7, bytes(250_000)))),
        chunk(GRAPH, chunk(NODE, chunk(1, b"") * 80_000)),
        b"\x98\x06\x00" * 80_000,
    ],
    ids=["empty attributes", "one-byte integers", "empty names", "unknown fields"],
)
def test_small_bytes_that_become_large_objects_are_refused_before_they_do(content):
    limits = Limits(expanded_bytes=1024**2)
    tracemalloc.start()
    with pytest.raises(LimitExceededError, match="more than 1048576 bytes"):
        read(content, limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * limits.expanded_bytes


def test_sparse_tensors_that_fill_up_beyond_the_limit_are_refused():
    read(with_sparse([0, 1], [3, 4]), Limits(expanded_bytes=10_000))
    with pytest.raises(LimitExceededError, match="sparse"):
        read(with_sparse([0, 1], [2**30, 2**20]))


def test_more_axes_than_the_limit_are_refused():
    with pytest.raises(LimitExceededError, match="9 axes"):
        read(with_tensor(dims=[1] * 7 + [3, 4]))


def functions(*calls: tuple[str, list[str]]):
    proto = model([helper.make_node(calls[0][0], ["x"], ["y"], domain="f")], [weight()])
    for name, called in calls:
        body = [helper.make_node(other, ["a"], [f"b{n}"], domain="f") for n, other in enumerate(called)]
        proto.functions.append(helper.make_function("f", name, ["a"], ["b0"], body, [helper.make_opsetid("", 17)]))
    return proto


def test_functions_that_call_each_other_in_a_circle_are_refused():
    with pytest.raises(ArchitectureMismatchError, match="circle: f::"):
        read_model(functions(("A", ["B"]), ("B", ["A"])))


def test_functions_that_stand_for_too_many_nodes_are_refused():
    doubling = [(f"F{n}", [f"F{n + 1}"] * 2) for n in range(40)]
    with pytest.raises(LimitExceededError, match=f"{2**40} nodes"):
        read_model(functions(*doubling))
    assert len(read_model(functions(*doubling[:10])).program.functions) == 10


def test_two_functions_of_one_name_are_refused():
    with pytest.raises(ArchitectureMismatchError, match="f::A"):
        read_model(functions(("A", []), ("A", [])))


def test_unknown_fields_are_counted_and_left_out():
    hidden = chunk(1000, b"PK\x03\x04 something hidden")
    (finding,) = read(GOOD + hidden).findings
    assert (finding.rule, finding.value) == ("unknown-fields", len(hidden))


def test_a_chain_of_many_nodes_is_put_in_order_without_recursion():
    nodes = [helper.make_node("Relu", [f"h{n}"], [f"h{n + 1}"]) for n in range(25_000)]
    proto = model([*reversed(nodes), gemm("x", "h0")], [weight()], output="h25000")
    checkpoint = read_model(proto)
    assert [node.outputs[0] for node in checkpoint.program.nodes[:3]] == ["h0", "h1", "h2"]
    assert [finding.rule for finding in checkpoint.findings] == ["unsorted-nodes", "many-nodes"]


def test_a_long_way_to_write_a_small_number_changes_nothing():
    longer = varint(1 << 3)[:-1] + b"\x88\x80\x00\x08"
    assert read(longer + GOOD).program == read(GOOD).program
