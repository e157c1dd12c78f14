"""Rows that the input chooses are traced as far as nothing looks across them."""

import numpy as np
from onnx import ModelProto, NodeProto, helper

from metagauge.architecture.tracing.trace import trace
from tests.architecture.tracing.same import FLOAT, INT64, assert_same, checkpoint, kinds, model, port, random

TOKENS, EXPERTS, CHOSEN, WIDTH = 6, 4, 2, 8
_EDGES = np.array([[0, 1, 2, 2, 3], [1, 1, 0, 3, 3]])
_NODE = helper.make_node


def _routing() -> list[NodeProto]:
    """`mask` (experts, chosen, tokens): which token goes where, as transformers write it."""
    return [
        _NODE("MatMul", ["x", "router"], ["logits"]),
        _NODE("Softmax", ["logits"], ["shares"], axis=-1),
        _NODE("TopK", ["shares", "count"], ["best", "index"]),
        _NODE("OneHot", ["index", "depth", "off_on"], ["hot"], axis=-1),
        _NODE("Transpose", ["hot"], ["mask"], perm=[2, 1, 0]),
    ]


def _expert(number: int) -> list[NodeProto]:
    """One expert on its own tokens, added to what the others gave."""
    i = str(number)
    before = "zeros" if number == 0 else f"sum{number - 1}"
    return [
        _NODE("Gather", ["mask", f"number{i}"], [f"mask{i}"], axis=0),
        _NODE("NonZero", [f"mask{i}"], [f"places{i}"]),
        _NODE("Split", [f"places{i}", "halves"], [f"slot{i}", f"token{i}"], axis=0),
        _NODE("Squeeze", [f"token{i}", "first"], [f"row{i}"]),
        _NODE("Gather", ["x", f"row{i}"], [f"taken{i}"], axis=0),
        _NODE("MatMul", [f"taken{i}", f"weight{i}"], [f"hidden{i}"]),
        _NODE("Relu", [f"hidden{i}"], [f"active{i}"]),
        _NODE("Transpose", [f"places{i}"], [f"pairs{i}"], perm=[1, 0]),
        _NODE("Transpose", ["best"], ["shares_first" + i], perm=[1, 0]),
        _NODE("GatherND", ["shares_first" + i, f"pairs{i}"], [f"share{i}"]),
        _NODE("Unsqueeze", [f"share{i}", "second"], [f"column{i}"]),
        _NODE("Mul", [f"active{i}", f"column{i}"], [f"scaled{i}"]),
        _NODE("Unsqueeze", [f"row{i}", "second"], [f"rows{i}"]),
        _NODE("ScatterND", [before, f"rows{i}", f"scaled{i}"], [f"sum{i}"], reduction="add"),
    ]


def _mixture() -> ModelProto:
    constants = {
        "router": random(WIDTH, EXPERTS),
        "count": np.array([CHOSEN]),
        "depth": np.array(EXPERTS),
        "off_on": np.array([0, 1]),
        "halves": np.array([1, 1]),
        "first": np.array([0]),
        "second": np.array([1]),
        "zeros": np.zeros((TOKENS, WIDTH), dtype=np.float32),
        **{f"weight{i}": random(WIDTH, WIDTH, seed=i) for i in range(EXPERTS)},
        **{f"number{i}": np.array(i) for i in range(EXPERTS)},
    }
    nodes = [*_routing(), *(node for number in range(EXPERTS) for node in _expert(number))]
    return model(nodes, [port("x", TOKENS, WIDTH)], constants, outputs=[f"sum{EXPERTS - 1}"], opset=18)


def test_a_mixture_of_experts_computes_what_onnxruntime_does() -> None:
    for seed in range(3):
        assert_same(_mixture(), {"x": random(TOKENS, WIDTH, seed=seed)})


def test_experts_that_no_token_can_reach_do_not_count() -> None:
    """Some exporters add a class for tokens that go nowhere; splitting the experts that are hit still gives all."""
    nodes = [
        *_routing(),
        _NODE("ReduceSum", ["mask", "others"], ["loads"], keepdims=0),
        _NODE("Greater", ["loads", "none"], ["is_hit"]),
        _NODE("NonZero", ["is_hit"], ["hit"]),
        _NODE("Split", ["hit", "ones"], [f"hit{i}" for i in range(EXPERTS)], axis=1),
        _NODE("Gather", ["weights", "hit2"], ["weight"], axis=0),
        _NODE("Squeeze", ["weight", "leading"], ["matrix"]),
        _NODE("MatMul", ["x", "matrix"], ["y"]),
    ]
    constants = {
        "router": random(WIDTH, EXPERTS),
        "count": np.array([CHOSEN]),
        "depth": np.array(EXPERTS + 1),
        "off_on": np.array([0, 1]),
        "others": np.array([1, 2]),
        "none": np.array(0),
        "ones": np.array([1] * EXPERTS),
        "leading": np.array([0, 1]),
        "weights": random(EXPERTS, WIDTH, WIDTH),
    }
    proto = model(nodes, [port("x", TOKENS, WIDTH)], constants, opset=18)
    dataflow = trace(checkpoint(proto))
    assert "opaque" not in kinds(dataflow)
    x = next(random(TOKENS, WIDTH, seed=seed) for seed in range(50) if _all_are_hit(random(TOKENS, WIDTH, seed=seed)))
    assert_same(proto, {"x": x})


def _all_are_hit(x: np.ndarray) -> bool:
    best = np.argsort(-(x @ random(WIDTH, EXPERTS)), axis=1)[:, :CHOSEN]
    return set(best.ravel()) == set(range(EXPERTS))


def _graph(*last: NodeProto, reduction: str = "add") -> ModelProto:
    """Messages along the edges that are no self loops."""
    nodes = [
        _NODE("Split", ["edges", "halves"], ["from", "to"], axis=0),
        _NODE("Equal", ["from", "to"], ["is_loop"]),
        _NODE("Not", ["is_loop"], ["is_edge"]),
        _NODE("Squeeze", ["is_edge", "first"], ["kept"]),
        _NODE("NonZero", ["kept"], ["places"]),
        _NODE("Squeeze", ["places", "first"], ["place"]),
        _NODE("Gather", ["edges", "place"], ["pairs"], axis=1),
        _NODE("Split", ["pairs", "halves"], ["sources", "targets"], axis=0),
        _NODE("Squeeze", ["sources", "first"], ["source"]),
        _NODE("Transpose", ["targets"], ["target"], perm=[1, 0]),
        _NODE("MatMul", ["x", "weight"], ["hidden"]),
        _NODE("Gather", ["hidden", "source"], ["messages"], axis=0),
        *last,
        _NODE("ScatterND", ["start", "target", "sent"], ["y"], reduction=reduction),
    ]
    constants = {
        "halves": np.array([1, 1]),
        "first": np.array([0]),
        "weight": random(WIDTH, WIDTH),
        "start": random(4, WIDTH, seed=5),
    }
    return model(nodes, [port("x", 4, WIDTH), port("edges", 2, 5, kind=INT64)], constants, opset=18)


def test_edges_without_self_loops_compute_what_onnxruntime_does() -> None:
    for reduction in ("add", "mul", "max", "min"):
        proto = _graph(_NODE("Tanh", ["messages"], ["sent"]), reduction=reduction)
        assert_same(proto, {"x": random(4, WIDTH), "edges": _EDGES})


def test_looking_across_the_chosen_rows_is_not_understood() -> None:
    for operator in (_NODE("Softmax", ["messages"], ["sent"], axis=0), _NODE("CumSum", ["messages", "axis"], ["sent"])):
        proto = _graph(operator)
        proto.graph.initializer.append(helper.make_tensor("axis", INT64, [], [0]))
        dataflow = trace(checkpoint(proto))
        assert dataflow.unsupported[0].operator == operator.op_type
        assert "rows that the input chooses" in dataflow.unsupported[0].name


def test_how_many_rows_are_chosen_is_not_taken_for_a_number() -> None:
    proto = _graph(
        _NODE("Shape", ["place"], ["count"]),
        _NODE("Cast", ["count"], ["number"], to=1),
        _NODE("Div", ["messages", "number"], ["sent"]),
    )
    assert trace(checkpoint(proto)).unsupported[0].operator == "Cast"


def test_chosen_rows_that_are_returned_have_no_known_shape() -> None:
    nodes = [
        _NODE("MatMul", ["x", "weight"], ["hidden"]),
        _NODE("NonZero", ["hidden"], ["y"]),
    ]
    proto = model(nodes, [port("x", 4, WIDTH)], {"weight": random(WIDTH, WIDTH)})
    dataflow = trace(checkpoint(proto))
    assert [each.operator for each in dataflow.unsupported] == ["output"]


def test_what_is_repeated_for_every_chosen_row_counts_them() -> None:
    proto = _graph(_NODE("Shape", ["messages"], ["sizes"]), _NODE("Expand", ["one", "sizes"], ["sent"]))
    proto.graph.initializer.append(helper.make_tensor("one", FLOAT, [1], [1.0]))
    proto.graph.output.append(helper.make_empty_tensor_value_info("hidden"))
    assert_same(proto, {"x": random(4, WIDTH), "edges": _EDGES})
