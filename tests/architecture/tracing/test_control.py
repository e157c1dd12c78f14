"""Branches: one side where the condition is known, both where it is not."""

import numpy as np
import pytest
from onnx import NodeProto, helper, numpy_helper

from metagauge.architecture.tracing.trace import trace
from tests.architecture.tracing.same import BOOL, assert_same, checkpoint, followed, kinds, model, port, random

X = random(2, 3)


def side(nodes: list[NodeProto], *outputs: str, **constants: np.ndarray):
    return helper.make_graph(
        nodes,
        "side",
        [],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )


def branches(condition: str = "c", **more) -> NodeProto:
    then = side([helper.make_node("MatMul", ["x", "w"], ["t"])], "t", w=random(3, 4, seed=1))
    other = side([helper.make_node("MatMul", ["x", "w"], ["e"])], "e", w=random(3, 4, seed=2))
    return helper.make_node("If", [condition], ["y"], then_branch=then, else_branch=other, **more)


@pytest.mark.parametrize("condition", [True, False])
def test_a_known_condition_leaves_one_side(condition):
    proto = model([branches()], [port("x", 2, 3)], {"c": np.array(condition)})
    assert_same(proto, {"x": X})
    dataflow = trace(checkpoint(proto))
    weights = [step.operator.tensor for step in dataflow.steps if step.operator.kind == "weight"]
    names = ["y/then_branch/w", "y/else_branch/w"]
    taken, other = names if condition else reversed(names)
    assert weights == [taken]
    assert [(each.operator, each.tensors) for each in dataflow.unsupported] == [("If", (other,))]


@pytest.mark.parametrize("condition", [True, False])
def test_a_condition_that_is_given_keeps_both_sides(condition):
    proto = model([branches()], [port("x", 2, 3), port("c", kind=BOOL)], {})
    assert kinds(followed(proto)) == {"given": 2, "weight": 2, "contract": 2, "choose": 1}
    assert_same(proto, {"x": X, "c": np.array(condition)})


def test_a_condition_computed_from_shapes_is_known():
    nodes = [
        helper.make_node("Size", ["x"], ["n"]),
        helper.make_node("Equal", ["n", "six"], ["c"]),
        branches(),
    ]
    proto = model(nodes, [port("x", 2, 3)], {"six": np.array(6)})
    assert "choose" not in kinds(followed(proto))
    assert_same(proto, {"x": X})


def test_branches_inside_branches_see_the_names_around_them():
    then = side([branches("d")], "y")
    other = side([helper.make_node("MatMul", ["x", "v"], ["e"])], "e")
    nodes = [helper.make_node("If", ["c"], ["z"], then_branch=then, else_branch=other)]
    ports = [port("x", 2, 3), port("c", kind=BOOL), port("d", kind=BOOL)]
    proto = model(nodes, ports, {"v": random(3, 4, seed=3)}, outputs=["z"])
    for outer in (True, False):
        for inner in (True, False):
            assert_same(proto, {"x": X, "c": np.array(outer), "d": np.array(inner)})


def test_a_side_that_is_not_understood_leaves_the_other_one_whole():
    strange = side([helper.make_node("Strange", ["x"], ["s"], domain="nobody")], "s")
    then = side([helper.make_node("MatMul", ["x", "w"], ["t"])], "t", w=random(3, 4))
    node = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=strange)
    proto = model([node], [port("x", 2, 3), port("c", kind=BOOL)], {}, domains=["nobody"])
    dataflow = trace(checkpoint(proto))
    assert [each.operator for each in dataflow.unsupported] == ["nobody::Strange"]
    assert kinds(dataflow) == {"given": 2, "weight": 1, "contract": 1, "opaque": 1, "choose": 1}


def test_a_list_is_gone_through_item_by_item():
    body = helper.make_graph(
        [helper.make_node("MatMul", ["item", "w"], ["row"])], "body", [port("item", 1, 3)], [port("row", 1, 4)]
    )
    nodes = [
        helper.make_node("SplitToSequence", ["x"], ["items"], axis=0),
        helper.make_node("SequenceMap", ["items"], ["rows"], body=body),
        helper.make_node("ConcatFromSequence", ["rows"], ["y"], axis=0),
    ]
    proto = model(nodes, [port("x", 2, 3)], {"w": random(3, 4)})
    assert kinds(followed(proto))["contract"] == 2
    assert_same(proto, {"x": X})
