"""What has no layer is refused by its operator's name, or recorded when the output does not need it: never silence."""

import numpy as np
import pytest
from onnx import NodeProto

from metagauge.architecture.onnx.lift import lift
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.format import Format
from metagauge.errors import LimitExceededError, StructureNotInferableError
from tests.architecture.onnx_programs import call, checkpoint_of, numbers, program
from tests.architecture.test_onnx_lift_spellings import attention

CONSTANTS = {
    "w": numbers(8, 4),
    "u": numbers(2, 8),
    "b": numbers(4),
    "k": numbers(4, 4, 3),
    "one": np.array([1]),
    "two": np.array([2]),
    "four": np.array([4]),
    "zeros": np.zeros(3, np.int64),
    "gamma": numbers(8),
    "high": np.float32(1),
}


def refusal(nodes: list[NodeProto], shape: tuple[object, ...] = ("batch", 4), **more) -> str:
    with pytest.raises(StructureNotInferableError) as caught:
        lift(checkpoint_of(program(nodes, CONSTANTS, shape, **more)))  # pyright: ignore[reportArgumentType]
    return str(caught.value)


@pytest.mark.parametrize(
    ("nodes", "operator"),
    [
        ([call("Gemm", "x w", "h", transB=1), call("Det", "h", "y")], "Det"),
        ([call("Gemm", "x w", "h", transB=1), call("Mul", "h gamma", "m"), call("Relu", "m", "y")], "Mul"),
        ([call("Gemm", "x w", "h", transB=1), call("Clip", "h - high", "y")], "Clip"),
        ([call("Gemm", "x w", "h", transB=1), call("Softmax", "h", "s", axis=0), call("Relu", "s", "y")], "Softmax"),
        ([call("Gemm", "x w", "h", transB=1), call("LSTM", "h w w", "y", hidden_size=2)], "LSTM"),
        ([call("Gemm", "x x", "y", transB=1)], "Gemm"),
        ([call("Split", "x", "p q", axis=1), call("Mul", "p q", "y")], "Mul"),
        ([call("Gemm", "x w", "h", transB=1), call("Split", "h", "p q", axis=1), call("Mul", "p q", "y")], "Mul"),
        ([call("Concat", "x x", "y", axis=1)], "Concat"),
        ([call("ReduceMean", "x", "y", axes=[0])], "ReduceMean"),
        ([call("TopK", "x one", "y i")], "TopK"),
    ],
)
def test_an_operator_without_a_layer_is_named(nodes: list[NodeProto], operator: str):
    assert operator in refusal(nodes)


@pytest.mark.parametrize(
    "nodes",
    [
        [call("Conv", "x k", "h"), call("Transpose", "h", "y", perm=[0, 2, 1]), call("Conv", "y k", "z")],
        [call("Conv", "x k", "h"), call("Slice", "h one two two", "p"), call("Conv", "p k", "z")],
        [call("Conv", "x k", "h"), call("Transpose", "h", "t", perm=[0, 2, 1]), call("Add", "h t", "z")],
        [call("Slice", "x one four two", "p"), call("Slice", "x zeros one two", "q"), call("Add", "p q", "z")],
    ],
)
def test_values_in_another_order_are_not_taken_for_the_right_one(nodes: list[NodeProto]):
    refusal(nodes, ("batch", 4, 6), outputs=("z",))


@pytest.mark.parametrize("pads", [[-1, 0], [0, -1]])
@pytest.mark.parametrize("window", ["Conv", "MaxPool"])
def test_padding_that_cuts_off_is_refused(window: str, pads: list[int]):
    """There is no such padding in a layer; ONNX Runtime computes it, of convolutions."""
    node = (
        call("Conv", "c k", "y", pads=pads) if window == "Conv" else call(window, "c", "y", kernel_shape=[2], pads=pads)
    )
    assert "cannot begin inside its input" in refusal([call("Conv", "x k", "c"), node], ("batch", 4, 9))


def test_attention_with_a_learned_bias_is_refused():
    nodes, constants = attention("root", "bias")
    with pytest.raises(StructureNotInferableError, match="bias or a mask"):
        lift(checkpoint_of(program(nodes, constants, ("batch", 5, 6))))


def test_cross_attention_is_refused():
    nodes, constants = attention("root", None)
    other = [call("Gather", "heads2 v", "vh", axis=0) if node.output[0] == "vh" else node for node in nodes]
    place = next(index for index, node in enumerate(nodes) if node.op_type == "Gather")
    twice = [
        call("Relu", "x", "x2"),
        call("MatMul", "x2 w", "m2"),
        call("Reshape", "m2 shape", "r2"),
        call("Transpose", "r2", "heads2", perm=[2, 0, 3, 1, 4]),
    ]
    with pytest.raises(StructureNotInferableError, match="cross attention"):
        lift(checkpoint_of(program([*other[:place], *twice, *other[place:]], constants, ("batch", 5, 6))))


def test_parameters_off_the_path_are_recorded_with_their_operator():
    nodes = [
        call("Gemm", "x w", "h", transB=1),
        call("Gemm", "h u", "y", transB=1),
        call("Mul", "h gamma", "g"),
        call("Det", "g", "other"),
    ]
    constants = {"w": numbers(8, 4), "u": numbers(2, 8), "gamma": numbers(8), "stray": numbers(3)}
    architecture = lift(checkpoint_of(program(nodes, constants, ("batch", 4), outputs=("y", "other"))))
    assert [operation.layer.kind for operation in architecture.operations] == ["linear", "linear"]
    lost = {entry.operator: entry.tensors for entry in architecture.unsupported}
    assert lost == {"Mul": ("gamma",), "none": ("stray",)}


def test_what_is_on_the_path_is_not_recorded():
    nodes = [call("Gemm", "x w", "h", transB=1), call("Gemm", "h u", "y", transB=1)]
    assert lift(checkpoint_of(program(nodes, {"w": numbers(8, 4), "u": numbers(2, 8)}, ("batch", 4)))).unsupported == ()


@pytest.mark.parametrize("shape", [("batch", None), ("batch", "width", 3), ()])
def test_open_sizes_are_refused_with_advice(shape: tuple[object, ...]):
    assert "dynamic" in refusal([call("Relu", "x", "h"), call("Gemm", "h w", "y", transB=1)], shape)


def test_a_checkpoint_without_a_program_is_refused():
    checkpoint = Checkpoint(format=Format.SAFETENSORS, size_bytes=0, tensors={}, metadata={})
    with pytest.raises(StructureNotInferableError, match="no program"):
        lift(checkpoint)


def test_constants_that_grow_without_end_are_refused():
    grow = [call("Concat", "zeros zeros", "c0", axis=0)]
    grow += [call("Concat", f"c{n} c{n}", f"c{n + 1}", axis=0) for n in range(40)]
    nodes = [*grow, call("Reshape", "x c40", "h"), call("Gemm", "h w", "y", transB=1)]
    with pytest.raises((StructureNotInferableError, LimitExceededError), match="constant"):
        lift(checkpoint_of(program(nodes, CONSTANTS, ("batch", 4))))


def test_many_large_constants_are_refused():
    sizes = {"many": np.array([1 << 20])}
    nodes = [call("ConstantOfShape", "many", f"c{n}") for n in range(20)]
    nodes.append(call("Gemm", "x w", "y", transB=1))
    with pytest.raises(LimitExceededError, match="numbers"):
        lift(checkpoint_of(program(nodes, CONSTANTS | sizes, ("batch", 4))))
