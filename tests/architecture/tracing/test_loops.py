"""Loops: short ones turn by turn, others once, with what they carry as a circle."""

import numpy as np
import pytest
from onnx import NodeProto, helper, numpy_helper

from metagauge.architecture.operators.control import Carry
from metagauge.architecture.tracing.trace import trace
from metagauge.errors import OperatorUnknownError
from tests.architecture.tracing.same import (
    BOOL,
    INT64,
    assert_same,
    checkpoint,
    computed,
    followed,
    kinds,
    model,
    port,
    random,
)

WEIGHT = random(3, 3, seed=1, scale=0.5)


def cell() -> list[NodeProto]:
    """h' = tanh(h w + x)."""
    return [
        helper.make_node("MatMul", ["h", "w"], ["m"]),
        helper.make_node("Add", ["m", "x"], ["s"]),
        helper.make_node("Tanh", ["s"], ["next"]),
    ]


def scan(**attributes: list[int]) -> NodeProto:
    """A recurrent layer that gives its last state and all of them."""
    nodes = [*cell(), helper.make_node("Identity", ["next"], ["row"])]
    ports = [port("h", 1, 3), port("x", 1, 3)]
    body = helper.make_graph(nodes, "body", ports, [port("next", 1, 3), port("row", 1, 3)])
    return helper.make_node("Scan", ["h0", "xs"], ["last", "all"], body=body, num_scan_inputs=1, **attributes)


def with_scan(shape: tuple[int, ...], **attributes: list[int]):
    constants = {"w": WEIGHT, "h0": random(1, 3, seed=2)}
    return model([scan(**attributes)], [port("xs", *shape)], constants, outputs=["last", "all"])


@pytest.mark.parametrize("turns", [1, 3, 7])
def test_a_scan_computes_what_onnxruntime_does(turns):
    proto = with_scan((turns, 1, 3))
    assert_same(proto, {"xs": random(turns, 1, 3)})


@pytest.mark.parametrize("turns", [3, 6])
def test_a_scan_goes_along_other_axes_and_backwards(turns):
    attributes = {
        "scan_input_axes": [2],
        "scan_input_directions": [1],
        "scan_output_axes": [-1],
        "scan_output_directions": [1],
    }
    assert_same(with_scan((1, 3, turns), **attributes), {"xs": random(1, 3, turns)})


@pytest.mark.parametrize("turns", [3, 6])
def test_a_scan_of_opset_8_goes_over_a_batch_of_one(turns):
    proto = with_scan((1, turns, 1, 3))
    proto.opset_import[0].version = 8
    proto.graph.node[0].input.insert(0, "")
    state = numpy_helper.from_array(random(1, 1, 3, seed=2), "h0")
    proto.graph.initializer[1].CopyFrom(state)
    assert_same(proto, {"xs": random(1, turns, 1, 3)})


def test_a_long_scan_is_written_once_and_says_its_turns():
    dataflow = followed(with_scan((50, 1, 3)))
    assert kinds(dataflow)["contract"] == 1
    carried = [step.operator for step in dataflow.steps if isinstance(step.operator, Carry)]
    assert {(each.loop, each.turns) for each in carried} == {("last", 50)}
    assert len(dataflow.steps) < 30


def test_a_short_scan_is_written_turn_by_turn():
    dataflow = followed(with_scan((4, 1, 3)))
    assert (kinds(dataflow)["contract"], kinds(dataflow)["carry"]) == (4, 0)
    assert kinds(dataflow)["weight"] == 2


def loop(nodes: list[NodeProto], collected: int = 0, *, condition: str = "", carried: int = 1) -> NodeProto:
    ports = [port("turn", kind=INT64), port("go", kind=BOOL), port("h", 1, 3)]
    names = ["go_on", "next", "row"][: 1 + carried + collected]
    passes = [] if any("go_on" in node.output for node in nodes) else [helper.make_node("Identity", ["go"], ["go_on"])]
    body = helper.make_graph(
        [*nodes, *passes], "body", ports, [helper.make_empty_tensor_value_info(name) for name in names]
    )
    return helper.make_node("Loop", ["times", condition, "h0"], ["y", "all"][: carried + collected], body=body)


def with_loop(node: NodeProto, times: int, outputs: list[str], **constants: np.ndarray):
    held = {"w": WEIGHT, "times": np.array(times), **constants}
    return model([node], [port("h0", 1, 3), port("x", 1, 3)], held, outputs=outputs)


GIVEN = {"h0": random(1, 3, seed=4), "x": random(1, 3, seed=5)}


@pytest.mark.parametrize("times", [1, 4, 9])
def test_a_loop_computes_what_onnxruntime_does(times):
    nodes = [*cell(), helper.make_node("Identity", ["next"], ["row"])]
    assert_same(with_loop(loop(nodes, 1), times, ["y", "all"]), GIVEN)


def test_a_loop_knows_its_turn():
    nodes = [
        helper.make_node("Cast", ["turn"], ["t"], to=1),
        helper.make_node("MatMul", ["h", "w"], ["m"]),
        helper.make_node("Add", ["m", "t"], ["next"]),
    ]
    for times in (3, 6):
        assert_same(with_loop(loop(nodes), times, ["y"]), GIVEN, 1e-4)


@pytest.mark.parametrize("bound", [1.0, 50.0])
def test_a_loop_with_a_condition_stops_where_onnxruntime_stops(bound):
    nodes = [
        *cell(),
        helper.make_node("ReduceSum", ["next"], ["total"], keepdims=0),
        helper.make_node("Less", ["total", "bound"], ["go_on"]),
    ]
    proto = with_loop(loop(nodes), 8, ["y"], bound=np.array(bound, dtype=np.float32))
    assert kinds(followed(proto))["carry"] > 0
    assert_same(proto, GIVEN)


def test_a_loop_that_only_computes_numbers_leaves_no_steps():
    body_nodes = [helper.make_node("Mul", ["h", "half"], ["next"])]
    after = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "y"], ["z"])]
    half, eight = np.array(0.5, np.float32), np.array(8.0, np.float32)
    constants = {"w": WEIGHT, "times": np.array(20), "half": half, "h0": eight}
    proto = model([loop(body_nodes), *after], [port("x", 1, 3)], constants, outputs=["z"])
    assert kinds(followed(proto))["carry"] == 0
    assert_same(proto, {"x": GIVEN["x"]})


def test_a_loop_whose_turns_are_given_is_traced_and_not_run():
    proto = with_loop(loop(cell()), 5, ["y"])
    del proto.graph.initializer[1]
    proto.graph.input.append(port("times", kind=INT64))
    dataflow = followed(proto)
    assert any("turns" in each for each in dataflow.provenance.assumed)
    with pytest.raises(OperatorUnknownError, match="depends on what the network is given"):
        computed(proto, {**GIVEN, "times": np.array(5)})


def test_a_loop_that_carries_a_growing_value_is_opaque_and_its_weight_is_wired():
    nodes = [
        helper.make_node("Concat", ["h", "x"], ["longer"], axis=1),
        helper.make_node("MatMul", ["x", "w"], ["unused"]),
        helper.make_node("Concat", ["longer", "unused"], ["next"], axis=1),
    ]
    dataflow = trace(checkpoint(with_loop(loop(nodes), 9, ["y"])))
    (unknown,) = dataflow.unsupported
    assert (unknown.operator, "shape" in unknown.name) == ("Loop", True)
    opaque = next(step for step in dataflow.steps if step.operator.kind == "opaque")
    assert "w" in opaque.inputs


def test_loops_inside_loops_are_not_multiplied():
    """Each of many short loops would be written out: eleven of them inside each other are four million turns."""
    node = loop([helper.make_node("MatMul", ["h", "w"], ["next"])])
    for _ in range(11):
        node = loop([_inside(node)])
    dataflow = followed(with_loop(node, 4, ["y"]))
    assert kinds(dataflow)["carry"] > 0
    assert len(dataflow.steps) < 30_000


def _inside(node: NodeProto) -> NodeProto:
    copy = NodeProto()
    copy.CopyFrom(node)
    copy.input[2] = "h"
    copy.output[0] = "next"
    return copy


def test_the_same_initializer_serves_in_every_turn():
    proto = with_scan((3, 1, 3))
    proto.graph.node[0].attribute[0].g.initializer.append(numpy_helper.from_array(WEIGHT, "w"))
    del proto.graph.initializer[0]
    dataflow = followed(proto)
    assert [step.operator.tensor for step in dataflow.steps if step.operator.kind == "weight"].count("last/body/w") == 1
    assert_same(proto, {"xs": random(3, 1, 3)})
