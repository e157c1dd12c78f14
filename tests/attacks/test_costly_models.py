"""A small ONNX file that asks for much: the answer is a graph or a refusal, in seconds and in bounded memory."""

import tracemalloc
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper

from metagauge.architecture.infer import infer
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.errors import MetagaugeError
from metagauge.graph.build import build
from tests.attacks.dataflow_models import array, network, node, noise, value

MIB = 1024**2
LONGEST_S = 30.0
"""With memory traced, which takes several times as long as without; alone each takes a second or two at most."""
HUGE = 10**10
HEAD = node("Gemm", ["h", "head"], ["y"], transB=1)
WEIGHTS = [noise("w", 4, 4), noise("head", 3, 4)]


def ints(name: str, *values: int) -> TensorProto:
    return array(name, list(values), np.int64)


def with_body(body_nodes: Sequence[NodeProto], trips: int) -> ModelProto:
    body = helper.make_graph(
        list(body_nodes),
        "body",
        [value("step", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("state")],
        [value("go_on", TensorProto.BOOL, []), value("next")],
    )
    weights = [*WEIGHTS, ints("trips", trips), array("yes", True, bool)]
    nodes = [node("Squeeze", ["trips"], ["count"]), node("Loop", ["count", "yes", "x"], ["h"], body=body), HEAD]
    return network(nodes, weights)


def many_trips() -> ModelProto:
    return with_body([node("Identity", ["go"], ["go_on"]), node("MatMul", ["state", "w"], ["next"])], 2**62)


def nested_branches(depth: int = 60) -> ModelProto:
    graph = helper.make_graph([node("MatMul", ["x", "w"], ["b0"])], "g", [], [value("b0")])
    for level in range(1, depth):
        inner = node("If", ["yes"], [f"b{level}"], then_branch=graph, else_branch=graph)
        graph = helper.make_graph([inner], "g", [], [value(f"b{level}")])
        if len(graph.SerializeToString()) > MIB / 16:
            break
    nodes = [node("If", ["yes"], ["h"], then_branch=graph, else_branch=graph), HEAD]
    return network(nodes, [*WEIGHTS, array("yes", True, bool)])


def deep_functions(depth: int = 1000) -> ModelProto:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    last = [node("MatMul", ["a", "b"], ["c"])]
    made = [helper.make_function("own", f"F{depth}", ["a", "b"], ["c"], last, opsets)]
    for number in range(depth):
        call = [node(f"F{number + 1}", ["a", "b"], ["c"], "own")]
        made.append(helper.make_function("own", f"F{number}", ["a", "b"], ["c"], call, opsets))
    return network([node("F0", ["x", "w"], ["h"], "own"), HEAD], WEIGHTS, functions=made)


def doubled_constants() -> ModelProto:
    """Constants that are concatenated with themselves, which folding would double forty times."""
    nodes = [node("Concat", ["c0", "c0"], ["c1"], axis=0)]
    nodes += [node("Concat", [f"c{n}", f"c{n}"], [f"c{n + 1}"], axis=0) for n in range(1, 40)]
    nodes += [node("ReduceSum", ["c40"], ["s"], keepdims=0), node("Mul", ["x", "s"], ["h"]), HEAD]
    return network(nodes, [*WEIGHTS, array("c0", [1.0, 2.0])])


def doubled_shapes() -> ModelProto:
    nodes = [node("Concat", ["x", "x"], ["v1"], axis=0)]
    nodes += [node("Concat", [f"v{n}", f"v{n}"], [f"v{n + 1}"], axis=0) for n in range(1, 60)]
    return network([*nodes, node("Gemm", ["v60", "head"], ["y"], transB=1)], WEIGHTS)


def filled() -> ModelProto:
    nodes = [node("ConstantOfShape", ["shape"], ["c"]), node("MatMul", ["x", "c"], ["y"])]
    return network(nodes, [*WEIGHTS, ints("shape", 4, HUGE)])


def filled_often() -> ModelProto:
    """Each fill is within bounds, and there are many."""
    nodes, last = [], "x"
    for number in range(800):
        nodes += [
            node("ConstantOfShape", ["shape"], [f"c{number}"]),
            node("MatMul", [last, f"c{number}"], [f"m{number}"]),
        ]
        last = f"m{number}"
    return network([*nodes, node("Relu", [last], ["y"])], [*WEIGHTS, ints("shape", 4096, 4096)], shape=(1, 4096))


def stretched(operator: str, sizes: Sequence[int]) -> ModelProto:
    return network([node(operator, ["x", "sizes"], ["h"]), HEAD], [*WEIGHTS, ints("sizes", *sizes)])


def stretched_constant(operator: str, sizes: Sequence[int]) -> ModelProto:
    nodes = [node(operator, ["c", "sizes"], ["big"]), node("ReduceSum", ["big"], ["s"], keepdims=0)]
    weights = [*WEIGHTS, array("c", [[1.0, 2.0]]), ints("sizes", *sizes)]
    return network([*nodes, node("Mul", ["x", "s"], ["h"]), HEAD], weights)


def ranged() -> ModelProto:
    nodes = [node("Range", ["from", "to", "by"], ["r"]), node("ReduceSum", ["r"], ["s"], keepdims=0)]
    weights = [*WEIGHTS, array("from", 0, np.int64), array("to", HUGE, np.int64), array("by", 1, np.int64)]
    return network([*nodes, node("Cast", ["s"], ["f"], to=1), node("Mul", ["x", "f"], ["h"]), HEAD], weights)


def padded() -> ModelProto:
    nodes = [node("Pad", ["c", "pads"], ["p"]), node("ReduceSum", ["p"], ["s"], keepdims=0)]
    weights = [*WEIGHTS, array("c", [1.0]), ints("pads", 0, HUGE)]
    return network([*nodes, node("Mul", ["x", "s"], ["h"]), HEAD], weights)


def wide_input() -> ModelProto:
    return network([node("Relu", ["x"], ["h"]), HEAD], WEIGHTS, shape=(HUGE, HUGE, HUGE, 4))


def long_chain() -> ModelProto:
    nodes = [node("Relu", ["x"], ["r0"])]
    nodes += [
        node("Mystery" if n % 3 else "MatMul", [f"r{n}", "w"], [f"r{n + 1}"], "own" if n % 3 else "")
        for n in range(600)
    ]
    return network([*nodes, node("Gemm", ["r600", "head"], ["y"], transB=1)], WEIGHTS)


def wide_fan() -> ModelProto:
    """One value that very many nodes read, and one node that reads very many values."""
    nodes = [node("MatMul", ["x", "w"], [f"p{n}"]) for n in range(800)]
    return network([*nodes, node("Sum", [f"p{n}" for n in range(800)], ["h"]), HEAD], WEIGHTS)


def ladder() -> ModelProto:
    """Each value is the sum of the last with itself: two to the thousandth paths."""
    nodes = [node("Add", ["x", "x"], ["l0"])]
    nodes += [node("Add", [f"l{n}", f"l{n}"], [f"l{n + 1}"]) for n in range(300)]
    nodes += [node("Gemm", ["l300", "head"], ["y"], transB=1)]
    return network(nodes, WEIGHTS)


def residual_ladder() -> ModelProto:
    nodes, last = [], "x"
    for number in range(150):
        nodes += [
            node("MatMul", [last, "w"], [f"m{number}"]),
            node("Relu", [f"m{number}"], [f"r{number}"]),
            node("Add", [f"r{number}", last], [f"a{number}"]),
        ]
        last = f"a{number}"
    return network([*nodes, node("Gemm", [last, "head"], ["y"], transB=1)], WEIGHTS)


def huge_window() -> ModelProto:
    nodes = [
        node("MaxPool", ["x"], ["p"], kernel_shape=[HUGE, HUGE], pads=[HUGE] * 4, strides=[1, 1]),
        node("Conv", ["p", "k"], ["y"], dilations=[HUGE, HUGE], pads=[HUGE] * 4),
    ]
    return network(nodes, [noise("k", 2, 3, 3, 3)], shape=(1, 3, 8, 8))


def einsum() -> ModelProto:
    letters = "abcdefghijklmnopqrstuvwxyz"
    terms = ",".join([letters[:8]] * 30)
    return network([node("Einsum", ["c"] * 30, ["y"], equation=f"{terms}->{letters[:8]}")], [noise("c", *(2,) * 8)])


COSTLY = {
    each.__name__: each
    for each in (
        many_trips, nested_branches, deep_functions, doubled_constants, doubled_shapes, filled, filled_often, ranged,
        padded, wide_input, long_chain, wide_fan, ladder, residual_ladder, huge_window, einsum,
    )
} | {
    "expand": lambda: stretched("Expand", [HUGE, HUGE, 1, 4]),
    "tile": lambda: stretched("Tile", [HUGE, 1]),
    "reshape": lambda: stretched("Reshape", [-1, HUGE]),
    "expand constant": lambda: stretched_constant("Expand", [HUGE, 2]),
    "tile constant": lambda: stretched_constant("Tile", [HUGE, HUGE]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(COSTLY))
def test_what_a_small_file_asks_for_is_bounded(name: str):
    content = memoryview(COSTLY[name]().SerializeToString())
    assert len(content) < 2 * MIB
    tracemalloc.start()
    started = perf_counter()
    with suppress(MetagaugeError):
        checkpoint = read_onnx(content, Limits())
        build(infer(checkpoint, None), checkpoint)
    seconds = perf_counter() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (seconds < LONGEST_S, peak < 512 * MIB) == (True, True), (seconds, peak / MIB)
