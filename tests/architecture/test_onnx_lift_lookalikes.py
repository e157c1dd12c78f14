"""What only looks like a layer is not lifted to it, and what is made of it instead computes what ONNX Runtime does."""

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, NodeProto, TensorProto

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.architecture.layers import Activation, Attention, LayerNorm
from metagauge.architecture.onnx.lift import lift
from metagauge.architecture.values import MAX_OPERATIONS
from metagauge.errors import LimitExceededError, StructureNotInferableError
from tests.architecture.onnx_programs import call, checkpoint_of, lifted_program, numbers, program
from tests.architecture.running import as_tensors, run_ours

NUMBERS = {
    name: np.asarray(number, dtype=np.float32)
    for name, number in {
        "zero": 0,
        "one": 1,
        "two": 2,
        "eight": 8,
        "n13": 13,
        "n14": 14,
        "n15": 15,
        "n50": 50,
        "n150": 150,
        "n200": 200,
        "m200": -200,
        "n1024": 1024,
        "tiny": 1e-5,
        "eps": 0.01,
    }.items()
}
FAR = np.array([[-3e5, -1000, -250, -20, -0.3, -0.01, 0, 0.003, 0.06, 0.7, 3, 13.5, 14, 14.5, 60, 151, 260, 1000, 3e5]])
EYE = np.eye(FAR.size, dtype=np.float32)


def traced(model: ModelProto, inputs: np.ndarray) -> Dataflow:
    """The dataflow of a program that has no layers, once it is known to compute what ONNX Runtime computes."""
    checkpoint = checkpoint_of(model)
    with pytest.raises(StructureNotInferableError):
        lift(checkpoint)
    network = infer(checkpoint, None)
    assert isinstance(network, Dataflow)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(["y"], {"x": inputs})
    (found,) = run_ours(network, as_tensors(checkpoint), {"x": inputs})
    np.testing.assert_allclose(found.reshape(-1), np.asarray(expected).reshape(-1), rtol=1e-4, atol=1e-4)
    return network


def between(nodes: list[NodeProto]) -> ModelProto:
    """Two layers that change nothing, with these operators of `h` to `z` between them."""
    whole = [call("MatMul", "x w", "h"), *nodes, call("MatMul", "z v", "y")]
    return program(whole, {**NUMBERS, "w": EYE, "v": EYE}, FAR.shape)


ELEMENTWISE = {
    "a clip far out": [call("Clip", "h zero n200", "z")],
    "a clip far out on both sides": [call("Clip", "h m200 n200", "z")],
    "a smaller number far out": [call("Min", "h n150", "a"), call("Relu", "a", "z")],
    "a difference far out": [
        call("Relu", "h", "a"),
        call("Sub", "h n150", "b"),
        call("Relu", "b", "c"),
        call("Sub", "a c", "z"),
    ],
    "a clip of a small share": [call("Mul", "h tiny", "a"), call("Clip", "a - eps", "b"), call("Div", "b tiny", "z")],
    "a tanh that is straight for long": [
        call("Mul", "h tiny", "a"),
        call("Tanh", "a", "b"),
        call("Div", "b tiny", "c"),
        call("Relu", "c", "z"),
    ],
    "steps of the grid": [call("Mul", "h eight", "a"), call("Floor", "a", "b"), call("Div", "b eight", "z")],
    "fine steps": [
        call("Mul", "h n1024", "a"),
        call("Ceil", "a", "b"),
        call("Div", "b n1024", "c"),
        call("Relu", "c", "z"),
    ],
    "a jump and back": [
        call("Greater", "h n13", "a"),
        call("Less", "h n15", "b"),
        call("And", "a b", "c"),
        call("Where", "c n50 zero", "d"),
        call("Relu", "h", "e"),
        call("Add", "d e", "z"),
    ],
    "a bump": [
        call("Relu", "h", "a"),
        call("Sub", "h n14", "b"),
        call("Mul", "b b", "c"),
        call("Mul", "c eight", "d"),
        call("Neg", "d", "e"),
        call("Exp", "e", "f"),
        call("Add", "a f", "z"),
    ],
    "a truth value": [
        call("Relu", "h", "a"),
        call("Cast", "a", "b", to=TensorProto.BOOL),
        call("Cast", "b", "z", to=1),
    ],
    "whole numbers": [
        call("Relu", "h", "a"),
        call("Cast", "a", "b", to=TensorProto.INT32),
        call("Cast", "b", "z", to=1),
    ],
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_function_that_differs_where_few_look_is_no_known_one(name: str):
    traced(between(ELEMENTWISE[name]), FAR.astype(np.float32))


def test_whole_numbers_of_a_weight_are_not_that_weight():
    nodes = [
        call("Cast", "w", "a", to=TensorProto.INT32),
        call("Cast", "a", "b", to=1),
        call("MatMul", "x b", "y"),
    ]
    traced(program(nodes, {"w": 3 * numbers(5, 4)}, (1, 5)), numbers(1, 5))


def test_truth_values_cast_to_numbers_are_added_as_numbers():
    """`2 (x > 0) x` is no relu."""
    nodes = [
        call("Greater", "h zero", "a"),
        call("Cast", "a", "b", to=1),
        call("Add", "b b", "c"),
        call("Mul", "c h", "z"),
    ]
    traced(between(nodes), FAR.astype(np.float32))


@pytest.mark.parametrize(
    "nodes",
    [
        [call("Cast", "h", "a", to=TensorProto.FLOAT), call("Relu", "a", "z")],
        [call("CastLike", "h zero", "a"), call("Relu", "a", "z")],
        [call("Greater", "h zero", "a"), call("Where", "a h zero", "z")],
        [call("Greater", "h zero", "a"), call("Cast", "a", "b", to=1), call("Mul", "b h", "z")],
        [call("Max", "h zero", "z")],
    ],
)
def test_a_relu_is_still_one(nodes: list[NodeProto]):
    whole = [call("MatMul", "x w", "h"), *nodes, call("MatMul", "z v", "y")]
    architecture = lifted_program(program(whole, {**NUMBERS, "w": numbers(5, 4), "v": numbers(4, 3)}, ("n", 5)))
    assert architecture.operations[1].layer == Activation(function="relu")


def norm(mean: int, variance: int, keep: int = 1, cast: int = 1) -> ModelProto:
    nodes = [
        call("MatMul", "x w", "h"),
        call("ReduceMean", "h", "mean", axes=[mean], keepdims=keep),
        call("Sub", "h mean", "c"),
        call("Cast", "c", "i", to=cast),
        call("Cast", "i", "f", to=1),
        call("Mul", "f f", "q"),
        call("ReduceMean", "q", "v", axes=[variance], keepdims=keep),
        call("Add", "v eps", "e"),
        call("Sqrt", "e", "r"),
        call("Div", "f r", "n"),
        call("MatMul", "n o", "y"),
    ]
    constants = {**NUMBERS, "w": 4 * numbers(5, 5), "o": numbers(5, 3)}
    return program(nodes, constants, (1, 5, 5))


@pytest.mark.parametrize(
    "more",
    [
        {"mean": 1, "variance": 1},
        {"mean": -2, "variance": -2},
        {"mean": 2, "variance": 1},
        {"mean": 1, "variance": 2},
        {"mean": -1, "variance": -1, "keep": 0},
        {"mean": -1, "variance": -1, "cast": TensorProto.INT32},
    ],
)
def test_a_norm_over_other_axes_is_no_layer_norm(more: dict[str, int]):
    traced(norm(**more), numbers(1, 5, 5))


@pytest.mark.parametrize("last", [-1, 2])
def test_a_norm_over_the_last_axis_is_one(last: int):
    architecture = lifted_program(norm(last, last))
    assert isinstance(architecture.operations[1].layer, LayerNorm)


def attention(mask: np.ndarray, *after: NodeProto, before: str = "p") -> ModelProto:
    """As many heads as tokens. The mask is added to `before`; what follows ends in `t`."""
    nodes = [
        *(call("MatMul", f"x w{each}", f"m{each}") for each in "qkv"),
        *(call("Reshape", f"m{each} shape", f"r{each}") for each in "qkv"),
        *(call("Transpose", f"r{each}", f"h{each}", perm=[0, 2, 1, 3]) for each in "qv"),
        call("Transpose", "rk", "hk", perm=[0, 2, 3, 1]),
        call("MatMul", "hq hk", "p"),
        call("Add", f"{before} mask", "s"),
        *(after or [call("Identity", "s", "t")]),
        call("Softmax", "t", "n", axis=-1),
        call("MatMul", "n hv", "c"),
        call("Transpose", "c", "ct", perm=[0, 2, 1, 3]),
        call("Reshape", "ct joined", "cj"),
        call("MatMul", "cj o", "y"),
    ]
    constants = {**NUMBERS, **{f"w{each}": numbers(6, 8, seed=place) for place, each in enumerate("qkv")}}
    constants |= {"shape": np.array([1, 4, 4, 2]), "joined": np.array([1, 4, 8]), "o": numbers(8, 3)}
    return program(nodes, {**constants, "mask": mask.astype(np.float32)}, (1, 4, 6))


CAUSAL = np.triu(np.full((4, 4), -1e4), 1)


@pytest.mark.parametrize(
    "mask",
    [CAUSAL[None, :, None, :], CAUSAL[None, :, :, None], CAUSAL.T, np.stack([CAUSAL, 0 * CAUSAL] * 2)[None]],
)
def test_a_mask_of_other_axes_is_not_causal(mask: np.ndarray):
    traced(attention(mask), numbers(1, 4, 6))


@pytest.mark.parametrize("factor", ["tiny", "eps"])
def test_a_mask_that_a_factor_makes_small_is_not_causal(factor: str):
    traced(attention(CAUSAL, call("Mul", f"s {factor}", "t")), numbers(1, 4, 6))


@pytest.mark.parametrize("mask", [CAUSAL, CAUSAL[None, None], np.stack([CAUSAL] * 4)[None]])
@pytest.mark.parametrize("factor", ["one", "eight"])
def test_a_mask_over_queries_and_keys_is_causal(mask: np.ndarray, factor: str):
    architecture = lifted_program(attention(mask, call("Mul", f"s {factor}", "t")))
    layer = architecture.operations[0].layer
    assert isinstance(layer, Attention) and layer.causal and layer.heads == 4


def test_a_long_program_is_not_lifted():
    nodes = [call("Identity", f"v{n}", f"v{n + 1}") for n in range(MAX_OPERATIONS)]
    nodes = [call("MatMul", "x w", "v0"), *nodes, call("Relu", f"v{MAX_OPERATIONS}", "y")]
    with pytest.raises(LimitExceededError, match="nodes"):
        lift(checkpoint_of(program(nodes, {"w": numbers(5, 4)}, ("n", 5))))
