"""Small models of every kind that branches, repeats, calls, packs or fuses; to be changed at random."""

from collections.abc import Callable, Mapping

import numpy as np
from onnx import ModelProto, NodeProto, helper

from tests.architecture.tracing.same import model, port, random

WIDTH, TOKENS, HEADS = 8, 4, 2
INT32 = 6


def _one(operator: str, inputs: list[str], outputs: int = 1, **attributes) -> NodeProto:
    names = ["y", "z", "v", "u"][:outputs]
    return helper.make_node(operator, inputs, names, domain="com.microsoft", **attributes)


def _tokens(nodes: list[NodeProto], outputs: int = 1, **constants: np.ndarray) -> ModelProto:
    names = ["y", "z", "v", "u"][:outputs]
    return model(nodes, [port("x", 1, TOKENS, WIDTH)], constants, outputs=names)


def _attention() -> ModelProto:
    node = _one("Attention", ["x", "w", "b", "mask", "past"], 2, num_heads=HEADS, unidirectional=1)
    mask = np.array([[1, 1, 1, 1, 0, 1]], np.int32)
    past = random(2, 1, HEADS, 2, WIDTH // HEADS)
    return _tokens([node], 2, w=random(WIDTH, 3 * WIDTH), b=random(3 * WIDTH), mask=mask, past=past)


def _multi_head() -> ModelProto:
    nodes = [helper.make_node("MatMul", ["x", name], [f"x{name}"]) for name in "qkv"]
    nodes.append(_one("MultiHeadAttention", ["xq", "xk", "xv", "b"], num_heads=HEADS))
    weights = {name: random(WIDTH, WIDTH, seed=place) for place, name in enumerate("qkv")}
    return _tokens(nodes, **weights, b=random(3 * WIDTH))


def _grouped() -> ModelProto:
    nodes = [helper.make_node("MatMul", ["x", name], [f"x{name}"]) for name in "qkv"]
    inputs = ["xq", "xk", "xv", "", "", "length", "total", "cos", "sin"]
    nodes.append(_one("GroupQueryAttention", inputs, num_heads=4, kv_num_heads=2, do_rotary=1, local_window_size=3))
    angles = np.outer(np.arange(16), 0.5 ** np.arange(8))
    weights = {"q": random(WIDTH, 64), "k": random(WIDTH, 32, seed=1), "v": random(WIDTH, 32, seed=2)}
    tables = {"cos": np.cos(angles).astype(np.float32), "sin": np.sin(angles).astype(np.float32)}
    lengths = {"length": np.array([TOKENS - 1], np.int32), "total": np.array(TOKENS, np.int32)}
    return _tokens(nodes, **weights, **tables, **lengths)


def _norms() -> ModelProto:
    nodes = [
        _one("SkipLayerNormalization", ["x", "x", "scale", "shift", "bias"], epsilon=1e-3),
        helper.make_node("MatMul", ["y", "w"], ["m"]),
        helper.make_node("BiasGelu", ["m", "bias"], ["g"], domain="com.microsoft"),
        helper.make_node("FusedMatMul", ["g", "w"], ["z"], domain="com.microsoft", transB=1, alpha=0.5),
    ]
    vectors = {name: random(WIDTH, seed=place) for place, name in enumerate(["scale", "shift", "bias"])}
    return _tokens(nodes, 2, **vectors, w=random(WIDTH, WIDTH))


def _packed() -> ModelProto:
    codes = np.random.default_rng(1).integers(0, 256, (6, 2, 8)).astype(np.uint8)
    node = _one("MatMulNBits", ["m", "q", "s", "o"], K=20, N=6, bits=4, block_size=16)
    zeros = np.full(6, 0x78, np.uint8)
    expand = helper.make_node("MatMul", ["x", "w"], ["m"])
    return _tokens([expand, node], w=random(WIDTH, 20), q=codes, s=np.abs(random(12)), o=zeros)


def _quantised() -> ModelProto:
    names = ["q", "s", "z", "w", "ws", "wz", "ys", "yz", "b"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("QLinearConv", names, ["r"], pads=[1, 1]),
        helper.make_node("DequantizeLinear", ["r", "ys", "yz"], ["y"], axis=1),
    ]
    constants = {
        "s": np.array(0.02, np.float32),
        "z": np.array(120, np.uint8),
        "w": np.random.default_rng(1).integers(-128, 128, (3, TOKENS, 3)).astype(np.int8),
        "ws": np.array([0.01, 0.02, 0.03], np.float32),
        "wz": np.zeros(3, np.int8),
        "ys": np.array(0.1, np.float32),
        "yz": np.array(100, np.uint8),
        "b": np.array([1, -200, 300], np.int32),
    }
    return _tokens(nodes, **constants)


def _scan() -> ModelProto:
    nodes = [
        helper.make_node("MatMul", ["h", "w"], ["m"]),
        helper.make_node("Add", ["m", "row"], ["s"]),
        helper.make_node("Tanh", ["s"], ["next"]),
        helper.make_node("Identity", ["next"], ["out"]),
    ]
    ports = [port("h", 1, WIDTH), port("row", 1, WIDTH)]
    body = helper.make_graph(nodes, "body", ports, [port("next", 1, WIDTH), port("out", 1, WIDTH)])
    attributes = {"scan_input_axes": [1], "scan_output_axes": [1], "scan_input_directions": [0]}
    node = helper.make_node("Scan", ["h0", "x"], ["y", "z"], body=body, num_scan_inputs=1, **attributes)
    return _tokens([node], 2, w=random(WIDTH, WIDTH, scale=0.5), h0=random(1, WIDTH))


def _loop() -> ModelProto:
    nodes = [
        helper.make_node("MatMul", ["h", "w"], ["m"]),
        helper.make_node("Tanh", ["m"], ["next"]),
        helper.make_node("ReduceMax", ["next"], ["top"], keepdims=0),
        helper.make_node("Less", ["top", "bound"], ["on"]),
    ]
    ports = [port("turn", kind=7), port("go", kind=9), port("h", 1, TOKENS, WIDTH)]
    outs = [helper.make_empty_tensor_value_info(name) for name in ("on", "next")]
    body = helper.make_graph(nodes, "body", ports, outs)
    node = helper.make_node("Loop", ["times", "", "x"], ["y"], body=body)
    bound = np.array(0.9, np.float32)
    return _tokens([node], w=random(WIDTH, WIDTH, scale=0.4), times=np.array(6), bound=bound)


def _branch() -> ModelProto:
    then = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["t"])], "then", [], [helper.make_empty_tensor_value_info("t")]
    )
    other = helper.make_graph(
        [helper.make_node("MatMul", ["x", "v"], ["e"])], "else", [], [helper.make_empty_tensor_value_info("e")]
    )
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0),
        helper.make_node("Less", ["s", "zero"], ["c"]),
        helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other),
    ]
    return _tokens(nodes, w=random(WIDTH, 3), v=random(WIDTH, 3, seed=1), zero=np.array(0.0, np.float32))


def _function() -> ModelProto:
    body = [
        helper.make_node("MatMul", ["a", "w"], ["m"]),
        helper.make_node("LayerNormalization", ["m", "s"], ["n"], axis=-1),
        helper.make_node("Add", ["a", "n"], ["b"]),
    ]
    opsets = [helper.make_opsetid("", 17)]
    proto = _tokens(
        [
            helper.make_node("F", ["x", "w", "s"], ["h"], domain="f"),
            helper.make_node("F", ["h", "w", "s"], ["y"], domain="f"),
        ],
        w=random(WIDTH, WIDTH),
        s=random(WIDTH),
    )
    proto.functions.append(helper.make_function("f", "F", ["a", "w", "s"], ["b"], body, opsets))
    proto.opset_import.append(helper.make_opsetid("f", 1))
    return proto


MODELS: Mapping[str, Callable[[], ModelProto]] = {
    "attention": _attention,
    "multi_head": _multi_head,
    "grouped": _grouped,
    "norms": _norms,
    "packed": _packed,
    "quantised": _quantised,
    "scan": _scan,
    "loop": _loop,
    "branch": _branch,
    "function": _function,
}
"""Each reads `x` (1, TOKENS, WIDTH)."""
