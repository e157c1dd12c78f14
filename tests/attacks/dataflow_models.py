"""Small valid ONNX models that only a dataflow can say: branches, loops, functions, quantised weights, attention."""

from collections.abc import Sequence

import numpy as np
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def array(name: str, values: object, dtype: type = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def noise(name: str, *shape: int) -> TensorProto:
    return array(name, np.random.default_rng(len(name) + sum(shape)).normal(size=shape))


def value(name: str, kind: int = FLOAT, shape: Sequence[int | str] | None = None):
    return helper.make_tensor_value_info(name, kind, shape)


def network(
    nodes: Sequence[NodeProto], weights: Sequence[TensorProto], *, shape=("batch", 4), functions=()
) -> ModelProto:
    graph = helper.make_graph(list(nodes), "main", [value("x", shape=shape)], [value("y")], list(weights))
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=domains, functions=list(functions))


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **more) -> NodeProto:
    return helper.make_node(operator, list(inputs), list(outputs), domain=domain, **more)


def branches() -> ModelProto:
    """Which of two layers is applied depends on the input; a branch within one depends on a constant."""
    inner = helper.make_graph([node("Relu", ["h"], ["inner_out"])], "inner", [], [value("inner_out")])
    yes = helper.make_graph(
        [
            node("MatMul", ["x", "w_yes"], ["h"]),
            node("If", ["always"], ["yes_out"], then_branch=inner, else_branch=inner),
        ],
        "yes",
        [],
        [value("yes_out")],
        [noise("w_yes", 4, 4)],
    )
    no = helper.make_graph([node("MatMul", ["x", "w"], ["no_out"])], "no", [], [value("no_out")])
    nodes = [
        node("ReduceSum", ["x"], ["total"], keepdims=0),
        node("Greater", ["total", "zero"], ["positive"]),
        node("If", ["positive"], ["chosen"], then_branch=yes, else_branch=no),
        node("Gemm", ["chosen", "head"], ["y"], transB=1),
    ]
    return network(nodes, [noise("w", 4, 4), noise("head", 3, 4), array("zero", 0), array("always", True, bool)])


def loop() -> ModelProto:
    """A layer applied over and over, and every state kept."""
    body = helper.make_graph(
        [
            node("Identity", ["go"], ["go_on"]),
            node("MatMul", ["state", "w"], ["product"]),
            node("Tanh", ["product"], ["next"]),
            node("Identity", ["next"], ["kept"]),
        ],
        "body",
        [value("step", INT64, []), value("go", BOOL, []), value("state")],
        [value("go_on", BOOL, []), value("next"), value("kept")],
    )
    nodes = [
        node("Loop", ["count", "go_in", "x"], ["last", "all"], body=body),
        node("ReduceMean", ["all"], ["mean"], axes=[0], keepdims=0),
        node("Add", ["last", "mean"], ["sum"]),
        node("Gemm", ["sum", "head"], ["y"], transB=1),
    ]
    weights = [noise("w", 4, 4), noise("head", 3, 4), array("count", 10, np.int64), array("go_in", True, bool)]
    return network(nodes, weights)


def scan() -> ModelProto:
    """A recurrent cell along the first axis."""
    body = helper.make_graph(
        [
            node("MatMul", ["row", "w"], ["inner"]),
            node("Add", ["inner", "state"], ["sum"]),
            node("Tanh", ["sum"], ["next"]),
            node("Identity", ["next"], ["out"]),
        ],
        "body",
        [value("state", shape=[4]), value("row", shape=[4])],
        [value("next", shape=[4]), value("out", shape=[4])],
    )
    nodes = [
        node("Scan", ["start", "x"], ["last", "all"], body=body, num_scan_inputs=1),
        node("MatMul", ["all", "head"], ["y"]),
    ]
    return network(nodes, [noise("w", 4, 4), noise("head", 4, 3), array("start", np.zeros(4))], shape=(6, 4))


def functions() -> ModelProto:
    """A function of the file, called twice, that calls another one and has an attribute."""
    leak = node("LeakyRelu", ["c"], ["out"])
    leak.attribute.append(AttributeProto(name="alpha", ref_attr_name="slope", type=AttributeProto.FLOAT))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    inner = helper.make_function("own", "Product", ["a", "b"], ["c"], [node("MatMul", ["a", "b"], ["c"])], opsets)
    body = [node("Product", ["a", "b"], ["c"], "own"), leak]
    layer = helper.make_function("own", "Layer", ["a", "b"], ["out"], body, opsets, attributes=["slope"])
    nodes = [
        node("Layer", ["x", "one"], ["h"], "own", slope=0.1),
        node("Layer", ["h", "two"], ["y"], "own", slope=0.2),
    ]
    return network(nodes, [noise("one", 4, 5), noise("two", 5, 3)], functions=[inner, layer])


def quantised() -> ModelProto:
    """Weights as integers with scales: dequantised, multiplied as integers, and packed in fours."""
    nodes = [
        node("DequantizeLinear", ["w8", "scale", "zero"], ["w"], axis=1),
        node("MatMul", ["x", "w"], ["h"]),
        node("DynamicQuantizeLinear", ["h"], ["hq", "hs", "hz"]),
        node("MatMulInteger", ["hq", "i8", "hz"], ["product"]),
        node("Cast", ["product"], ["float"], to=FLOAT),
        node("Mul", ["float", "hs"], ["scaled"]),
        node("MatMulNBits", ["scaled", "packed", "scales"], ["y"], "com.microsoft", K=16, N=3, bits=4, block_size=16),
    ]
    rng = np.random.default_rng(0)
    weights = [
        array("w8", rng.integers(-9, 9, (4, 6)), np.int8),
        array("scale", rng.random(6) + 0.1),
        array("zero", np.zeros(6), np.int8),
        array("i8", rng.integers(-9, 9, (6, 16)), np.int8),
        array("packed", rng.integers(0, 255, (3, 1, 8)), np.uint8),
        array("scales", rng.random(3)),
    ]
    return network(nodes, weights)


def fused() -> ModelProto:
    """Attention and norms as ONNX Runtime fuses them, then an embedding, a recurrent layer and one nobody knows."""
    nodes = [
        node("Attention", ["x", "qkv", "qkv_bias"], ["a"], "com.microsoft", num_heads=2),
        node("SkipLayerNormalization", ["a", "x", "gamma", "beta"], ["n"], "com.microsoft"),
        node("Transpose", ["n"], ["steps"], perm=[1, 0, 2]),
        node("GRU", ["steps", "gw", "gr"], ["states", "last"], hidden_size=5),
        node("Squeeze", ["last", "axis"], ["s"]),
        node("Mystery", ["s", "m"], ["odd"], "own"),
        node("Gather", ["table", "ids"], ["e"]),
        node("Add", ["odd", "e"], ["sum"]),
        node("MatMul", ["sum", "head"], ["y"]),
    ]
    weights = [
        noise("qkv", 8, 24), noise("qkv_bias", 24), noise("gamma", 8), noise("beta", 8), noise("gw", 1, 15, 8),
        noise("gr", 1, 15, 5), array("axis", [0], np.int64), noise("m", 5, 5), noise("table", 7, 5),
        array("ids", [3], np.int64), noise("head", 5, 3),
    ]  # fmt: skip
    return network(nodes, weights, shape=("batch", 6, 8))


MODELS = {each.__name__: each() for each in (branches, loop, scan, functions, quantised, fused)}
