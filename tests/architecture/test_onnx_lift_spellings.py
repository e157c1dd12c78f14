"""The many ways in which exporters spell one layer lift to that layer; each is compared with ONNX Runtime."""

import numpy as np
import pytest
from onnx import NodeProto

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.layers import (
    Activation,
    Attention,
    BatchNorm,
    Conv,
    GlobalPool,
    GroupNorm,
    LayerNorm,
    Linear,
    Pool,
    PositionTable,
    SetPool,
)
from metagauge.architecture.onnx.lift import lift
from metagauge.architecture.parameter import Parameter, Scale, Slice, Transpose
from tests.architecture.onnx_programs import call, checkpoint_of, lifted_program, numbers, program


def layers(architecture: Architecture) -> list[object]:
    return [operation.layer for operation in architecture.operations]


def kinds(architecture: Architecture) -> list[str]:
    return [operation.layer.kind for operation in architecture.operations]


W = Parameter(tensor="w")
TURNED = Parameter(tensor="w", views=(Transpose(axes=(1, 0)),))
B = Parameter(tensor="b")


@pytest.mark.parametrize(
    ("nodes", "shape", "linear"),
    [
        ([call("Gemm", "x w b", "y", transB=1)], (3, 5), Linear(weight=W, bias=B)),
        ([call("Gemm", "x w b", "y")], (5, 3), Linear(weight=TURNED, bias=B)),
        ([call("MatMul", "x w", "m"), call("Add", "m b", "y")], (5, 3), Linear(weight=TURNED, bias=B)),
        ([call("MatMul", "x w", "m"), call("Add", "b m", "y")], (5, 3), Linear(weight=TURNED, bias=B)),
        (
            [call("Transpose", "w", "t", perm=[1, 0]), call("MatMul", "x t", "m"), call("Add", "m b", "y")],
            (3, 5),
            Linear(weight=W, bias=B),
        ),
        (
            [
                call("Identity", "w", "i"),
                call("Cast", "i", "c", to=1),
                call("Dropout", "x", "d"),
                call("Gemm", "d c b", "y", transB=1),
            ],
            (3, 5),
            Linear(weight=W, bias=B),
        ),
    ],
)
def test_every_spelling_of_a_linear_layer_is_one_linear_layer(
    nodes: list[NodeProto], shape: tuple[int, int], linear: Linear
):
    model = program(nodes, {"w": numbers(*shape), "b": numbers(3)}, ("batch", 5))
    assert layers(lifted_program(model)) == [linear]


def test_alpha_and_beta_scale_weight_and_bias():
    model = program(
        [call("Gemm", "x w b", "y", transB=1, alpha=0.5, beta=2.0)], {"w": numbers(3, 5), "b": numbers(3)}, ("batch", 5)
    )
    (layer,) = layers(lifted_program(model))
    assert layer == Linear(
        weight=Parameter(tensor="w", views=(Scale(factor=0.5),)), bias=Parameter(tensor="b", views=(Scale(factor=2.0),))
    )


def test_a_factor_before_or_after_a_layer_goes_into_its_weights():
    constants = {"w": numbers(3, 5), "b": numbers(3), "half": np.float32(0.5)}
    before = [call("Mul", "x half", "h"), call("Gemm", "h w b", "y", transB=1)]
    (layer,) = layers(lifted_program(program(before, constants, ("batch", 5))))
    assert layer == Linear(weight=Parameter(tensor="w", views=(Scale(factor=0.5),)), bias=B)
    after = [call("Gemm", "x w b", "h", transB=1), call("Mul", "half h", "s"), call("Relu", "s", "y")]
    linear, _ = layers(lifted_program(program(after, constants, ("batch", 5))))
    assert isinstance(linear, Linear) and linear.bias == Parameter(tensor="b", views=(Scale(factor=0.5),))


@pytest.mark.parametrize(
    ("nodes", "function"),
    [
        ([call("Clip", "h zero six", "y")], "relu6"),
        ([call("Clip", "h zero -", "y")], "relu"),
        ([call("Max", "h zero", "y")], "relu"),
        ([call("Sigmoid", "h", "s"), call("Mul", "s h", "y")], "silu"),
        ([call("Softplus", "h", "p"), call("Tanh", "p", "t"), call("Mul", "h t", "y")], "mish"),
        ([call("HardSigmoid", "h", "s", alpha=1 / 6), call("Mul", "h s", "y")], "hardswish"),
        ([call("Add", "h three", "a"), call("Clip", "a zero six", "c"), call("Div", "c six", "y")], "hardsigmoid"),
        (
            [
                call("Div", "h root", "d"),
                call("Erf", "d", "e"),
                call("Add", "one e", "a"),
                call("Mul", "half h", "m"),
                call("Mul", "m a", "y"),
            ],
            "gelu",
        ),
    ],
)
def test_every_spelling_of_an_activation_is_that_activation(nodes: list[NodeProto], function: str):
    constants = {"w": numbers(3, 5), "b": numbers(3), "zero": np.float32(0), "six": np.float32(6)}
    constants |= {"one": np.float32(1), "half": np.float32(0.5), "root": np.float32(np.sqrt(2)), "three": np.float32(3)}
    model = program([call("Gemm", "x w b", "h", transB=1), *nodes], constants, ("batch", 5))
    assert layers(lifted_program(model))[1:] == [Activation(function=function)]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("squared", ["Pow", "Mul"])
def test_a_layer_norm_written_out_is_a_layer_norm(squared: str):
    nodes = [
        call("ReduceMean", "x", "mean", axes=[-1]),
        call("Sub", "x mean", "c"),
        call("Pow", "c two", "q") if squared == "Pow" else call("Mul", "c c", "q"),
        call("ReduceMean", "q", "v", axes=[-1]),
        call("Add", "v eps", "e"),
        call("Sqrt", "e", "r"),
        call("Div", "c r", "n"),
        call("Mul", "n scale", "s"),
        call("Add", "s shift", "y"),
    ]
    constants = {"two": np.float32(2), "eps": np.float32(1e-3), "scale": numbers(5), "shift": numbers(5, seed=3)}
    model = program(nodes, constants, ("batch", 4, 5), opset=13)
    scale, shift = Parameter(tensor="scale"), Parameter(tensor="shift")
    assert layers(lifted_program(model)) == [LayerNorm(scale=scale, shift=shift, epsilon=1e-3)]


def test_channels_in_groups_are_a_group_norm_and_alone_an_instance_norm():
    constants = {
        "groups": np.array([0, 2, -1]),
        "back": np.array([0, 4, 6, 6]),
        "ones": np.ones(2, np.float32),
        "zeros": np.zeros(2, np.float32),
        "scale": numbers(4, 1, 1),
        "shift": numbers(4),
        "shift4": numbers(4),
    }
    nodes = [
        call("Reshape", "x groups", "g"),
        call("InstanceNormalization", "g ones zeros", "n"),
        call("Reshape", "n back", "m"),
        call("Mul", "scale m", "y"),
    ]
    model = program(nodes, constants, ("batch", 4, 6, 6))
    (norm,) = layers(lifted_program(model))
    assert isinstance(norm, GroupNorm) and norm.groups == 2 and norm.scale is not None and norm.shift is None
    alone = program([call("InstanceNormalization", "x shift shift4", "y")], constants, ("batch", 4, 6, 6))
    (norm,) = layers(lifted_program(alone))
    assert isinstance(norm, GroupNorm) and norm.groups == 4


def test_a_batch_norm_left_in_the_program_keeps_its_statistics():
    constants = {
        name: np.abs(numbers(4, seed=seed)) for seed, name in enumerate(("scale", "shift", "mean", "variance"))
    }
    model = program([call("BatchNormalization", "x scale shift mean variance", "y")], constants, ("batch", 4, 6))
    (norm,) = layers(lifted_program(model))
    assert norm == BatchNorm(**{name: Parameter(tensor=name) for name in constants})


def test_padding_before_a_convolution_becomes_its_padding():
    constants = {"w": numbers(4, 3, 3, 3), "pads": np.array([0, 0, 1, 0, 0, 0, 2, 1])}
    model = program(
        [call("Pad", "x pads", "p"), call("Conv", "p w", "y", pads=[1, 1, 1, 1])], constants, ("n", 3, 8, 8)
    )
    (conv,) = layers(lifted_program(model))
    assert isinstance(conv, Conv) and conv.padding == ((2, 3), (1, 2))


@pytest.mark.parametrize(("mode", "padding"), [("SAME_UPPER", ((0, 1), (1, 1))), ("SAME_LOWER", ((1, 0), (1, 1)))])
def test_automatic_padding_is_worked_out(mode: str, padding: tuple[tuple[int, int], ...]):
    node = call("Conv", "x w", "y", auto_pad=mode, strides=[2, 1])
    (conv,) = layers(lifted_program(program([node], {"w": numbers(4, 3, 3, 3)}, ("n", 3, 8, 8))))
    assert isinstance(conv, Conv) and conv.padding == padding


@pytest.mark.parametrize(
    ("node", "pool"),
    [
        (
            call("MaxPool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
            Pool(reduction="max", kernel=(3, 3), stride=(2, 2), padding=((1, 1), (1, 1)), count_padding=False),
        ),
        (
            call("AveragePool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
            Pool(reduction="mean", kernel=(2, 2), stride=(2, 2), padding=((0, 0), (0, 0))),
        ),
        (
            call("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            Pool(reduction="mean", kernel=(3, 3), stride=(1, 1), padding=((1, 1), (1, 1)), count_padding=False),
        ),
    ],
)
def test_pools_keep_their_windows(node: NodeProto, pool: Pool):
    model = program([call("Conv", "x w", "c"), _renamed(node)], {"w": numbers(4, 3, 1, 1)}, ("n", 3, 8, 8))
    assert layers(lifted_program(model))[1] == pool


def _renamed(node: NodeProto) -> NodeProto:
    copy = NodeProto()
    copy.CopyFrom(node)
    copy.input[0] = "c"
    return copy


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([call("GlobalAveragePool", "x", "p"), call("Flatten", "p", "y")], GlobalPool(reduction="mean")),
        ([call("GlobalMaxPool", "x", "p"), call("Squeeze", "p axes", "y")], GlobalPool(reduction="max")),
        ([call("ReduceMean", "x", "y", axes=[-1, -2], keepdims=0)], GlobalPool(reduction="mean")),
        (
            [call("Reshape", "x flat", "f"), call("ReduceMean", "f", "y", axes=[2], keepdims=0)],
            GlobalPool(reduction="mean"),
        ),
    ],
)
def test_every_spelling_of_a_global_pool_is_one(nodes: list[NodeProto], expected: GlobalPool):
    constants = {"axes": np.array([2, 3]), "flat": np.array([0, 4, -1]), "w": numbers(4, 4)}
    model = program([*nodes, call("MatMul", "y w", "z")], constants, ("batch", 4, 3, 5), outputs=("z",))
    assert layers(lifted_program(model))[0] == expected


@pytest.mark.parametrize("keep", [0, 1])
def test_a_pooled_token_given_to_every_token_is_a_set_pool(keep: int):
    """DeepSets, whether the mean keeps its axis or gets it back after the layer."""
    nodes = [
        call("MatMul", "x w", "own"),
        call("ReduceMean", "x", "mean", axes=[1], keepdims=keep),
        call("MatMul", "mean v", "pooled"),
        call("Unsqueeze", "pooled one", "others") if not keep else call("Identity", "pooled", "others"),
        call("Add", "own others", "y"),
    ]
    constants = {"w": numbers(5, 4), "v": numbers(5, 4, seed=2), "one": np.array([1])}
    architecture = lifted_program(program(nodes, constants, ("batch", 7, 5)))
    assert SetPool(reduction="mean") in layers(architecture)
    assert kinds(architecture)[-1] == "add"


@pytest.mark.parametrize("order", ["tokens first", "features first"])
def test_a_table_of_positions_is_read_in_either_order(order: str):
    if order == "tokens first":
        nodes = [call("Transpose", "x", "t", perm=[0, 2, 1]), call("Add", "t table", "a"), call("MatMul", "a w", "y")]
        table = numbers(1, 6, 4)
    else:
        nodes = [call("Add", "x table", "a"), call("Transpose", "a", "t", perm=[0, 2, 1]), call("MatMul", "t w", "y")]
        table = numbers(1, 4, 6)
    conv = call("Conv", "i k", "x")
    model = program([conv, *nodes], {"table": table, "w": numbers(4, 3), "k": numbers(4, 4, 1)}, ("batch", 4, 6))
    model.graph.input[0].name = "i"
    architecture = lifted_program(model)
    assert any(isinstance(layer, PositionTable) for layer in layers(architecture))


def attention(scale: str, mask: str | None, qkv: str = "split") -> tuple[list[NodeProto], dict[str, np.ndarray]]:
    """Two heads of three features over five tokens, query, key and value from one product."""
    shape = (5, 3, 2, 3) if qkv == "split" else (5, 2, 3, 3)
    order = [2, 0, 3, 1, 4] if qkv == "split" else [3, 0, 2, 1, 4]
    constants = {
        "w": numbers(6, 18),
        "b": numbers(18),
        "o": numbers(6, 6, seed=5),
        "shape": np.array([0, *shape]),
        "joined": np.array([0, 5, 6]),
        "scale": np.float32(np.sqrt(3)),
        "half": np.float32(0.5),
        "causal": np.triu(np.full((5, 5), -np.inf, np.float32), 1),
        "bias": numbers(5, 5),
        **{name: np.array(index) for index, name in enumerate("qkv")},
    }
    scores = {"root": [call("Div", "p scale", "s")], "half": [call("Mul", "p half", "s")]}[scale]
    masked = [call("Add", f"s {mask}", "t")] if mask else [call("Identity", "s", "t")]
    nodes = [
        call("MatMul", "x w", "m"),
        call("Add", "m b", "a"),
        call("Reshape", "a shape", "r"),
        call("Transpose", "r", "heads", perm=order),
        *(call("Gather", f"heads {name}", f"{name}h", axis=0) for name in "qkv"),
        call("Transpose", "kh", "kt", perm=[0, 1, 3, 2]),
        call("MatMul", "qh kt", "p"),
        *scores,
        *masked,
        call("Softmax", "t", "n", axis=-1),
        call("MatMul", "n vh", "c"),
        call("Transpose", "c", "ct", perm=[0, 2, 1, 3]),
        call("Reshape", "ct joined", "cj"),
        call("MatMul", "cj o", "y"),
    ]
    return nodes, constants


@pytest.mark.parametrize("qkv", ["split", "interleaved"])
def test_fused_query_key_and_value_are_told_apart(qkv: str):
    nodes, constants = attention("root", None, qkv)
    (layer,) = layers(lifted_program(program(nodes, constants, ("batch", 5, 6))))
    assert isinstance(layer, Attention) and layer.heads == 2 and not layer.causal
    if qkv == "split":
        assert layer.key.bias == Parameter(tensor="b", views=(Slice(axis=0, start=6, stop=12),))


def test_an_unusual_scale_goes_into_the_query():
    nodes, constants = attention("half", None)
    (layer,) = layers(lifted_program(program(nodes, constants, ("batch", 5, 6))))
    assert isinstance(layer, Attention)
    assert [view for view in layer.query.weight.views if isinstance(view, Scale)] == [Scale(factor=0.5 * np.sqrt(3))]


def test_a_triangular_mask_makes_attention_causal():
    nodes, constants = attention("root", "causal")
    (layer,) = layers(lifted_program(program(nodes, constants, ("batch", 5, 6))))
    assert isinstance(layer, Attention) and layer.causal


def test_a_batch_of_one_in_the_shapes_is_stated():
    nodes = [call("Reshape", "x flat", "f"), call("Gemm", "f w", "y", transB=1)]
    constants = {"flat": np.array([1, -1]), "w": numbers(3, 8)}
    architecture = lifted_program(program(nodes, constants, (1, 2, 4)))
    assert architecture.provenance.assumed == ()
    model = program(nodes, constants, ("batch", 2, 4))
    assert lift(checkpoint_of(model)).provenance.assumed == ("the batch size is one",)
