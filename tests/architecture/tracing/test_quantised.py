"""Quantised operators compute what onnxruntime computes of their integers."""

import numpy as np
import pytest
from onnx import NodeProto, helper, numpy_helper

from metagauge.architecture.tracing.trace import trace
from tests.architecture.tracing.same import assert_same, checkpoint, computed, followed, kinds, model, port, random

RANDOM = np.random.default_rng(7)


def integers(dtype: type, *shape: int) -> np.ndarray:
    info = np.iinfo(dtype)
    return RANDOM.integers(info.min, info.max + 1, shape).astype(dtype)


def scale(*values: float) -> np.ndarray:
    return np.array(values if len(values) > 1 else values[0], dtype=np.float32)


def quantize(x: str, name: str, by: str, **attributes: int) -> NodeProto:
    return helper.make_node("QuantizeLinear", [x, f"{by}_scale", f"{by}_zero"], [name], **attributes)


def dequantize(x: str, name: str, by: str, **attributes: int) -> NodeProto:
    return helper.make_node("DequantizeLinear", [x, f"{by}_scale", f"{by}_zero"], [name], **attributes)


def scheme(by: str, step: float, zero: int, dtype: type = np.uint8) -> dict[str, np.ndarray]:
    return {f"{by}_scale": scale(step), f"{by}_zero": np.array(zero, dtype=dtype)}


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])
def test_quantising_and_dequantising_is_one_step_and_rounds_as_onnxruntime_does(dtype):
    nodes = [quantize("x", "q", "a"), dequantize("q", "d", "a"), helper.make_node("MatMul", ["d", "w"], ["y"])]
    zero = 0 if np.iinfo(dtype).min < 0 else 100
    proto = model(nodes, [port("x", 2, 4)], {**scheme("a", 0.02, zero, dtype), "w": random(4, 3)}, opset=21)
    assert kinds(followed(proto))["requantise"] == 1
    assert "unary" not in kinds(followed(proto))
    assert_same(proto, {"x": 2 * random(2, 4)})


def test_integers_may_be_read_with_another_scale_than_they_were_written_with():
    nodes = [quantize("x", "q", "a"), dequantize("q", "d", "b"), helper.make_node("MatMul", ["d", "w"], ["y"])]
    constants = {**scheme("a", 0.02, 10), **scheme("b", 0.05, 3), "w": random(4, 3)}
    assert_same(model(nodes, [port("x", 2, 4)], constants), {"x": random(2, 4)})


def test_integers_may_be_moved_and_pooled_in_between():
    nodes = [
        quantize("x", "q", "a"),
        helper.make_node("MaxPool", ["q"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Transpose", ["p"], ["t"], perm=[0, 2, 3, 1]),
        dequantize("t", "d", "a"),
        helper.make_node("MatMul", ["d", "w"], ["y"]),
    ]
    proto = model(nodes, [port("x", 1, 2, 4, 4)], {**scheme("a", 0.02, 100), "w": random(2, 3)})
    assert_same(proto, {"x": random(1, 2, 4, 4)})


@pytest.mark.parametrize("axis", [0, 1])
def test_weights_are_dequantised_for_each_channel(axis):
    size = (4, 3)[axis]
    constants = {"q": integers(np.int8, 4, 3), "b_scale": 0.01 * (1 + np.arange(size, dtype=np.float32))}
    constants["b_zero"] = np.arange(size, dtype=np.int8)
    nodes = [dequantize("q", "w", "b", axis=axis), helper.make_node("MatMul", ["x", "w"], ["y"])]
    assert_same(model(nodes, [port("x", 2, 4)], constants), {"x": random(2, 4)})


def test_weights_are_dequantised_in_blocks_whose_last_one_may_be_short():
    q, by = integers(np.int8, 6, 3), {"s": 0.01 + np.abs(random(3, 3)), "z": integers(np.int8, 3, 3)}
    node = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=0, block_size=2)
    nodes = [node, helper.make_node("MatMul", ["x", "w"], ["y"])]
    x = random(2, 6)
    whole = model(nodes, [port("x", 2, 6)], {"q": q, **by}, opset=21)
    assert_same(whole, {"x": x}, 1e-4)
    # onnxruntime does not take a short block; the whole one tells what it is when nothing is fed to its end.
    x[:, 5] = 0
    short = model(nodes, [port("x", 2, 5)], {"q": q[:5], **by}, opset=21)
    (found,), (same,) = computed(short, {"x": x[:, :5]}), computed(whole, {"x": x})
    assert np.abs(found - same).max() < 1e-4


def test_a_bias_of_integers_is_a_weight():
    constants = {"q": integers(np.int32, 3) // 2**20, "b_scale": scale(0.001), "w": random(4, 3)}
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "b_scale"], ["b"]),
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["y"]),
    ]
    proto = model(nodes, [port("x", 2, 4)], constants)
    assert kinds(followed(proto))["weight"] == 2
    assert_same(proto, {"x": random(2, 4)})


def test_a_dynamically_quantised_product():
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("MatMulInteger", ["q", "w", "z", "w_zero"], ["m"]),
        helper.make_node("Cast", ["m"], ["f"], to=1),
        helper.make_node("Mul", ["f", "s"], ["y"]),
    ]
    constants = {"w": integers(np.int8, 4, 3), "w_zero": np.array([1, 2, -3], np.int8)}
    assert_same(model(nodes, [port("x", 2, 4)], constants), {"x": random(2, 4)}, 1e-3)


@pytest.mark.parametrize("channels", [False, True])
def test_a_quantised_convolution(channels):
    weight_scale = scale(0.01, 0.02, 0.03) if channels else scale(0.01)
    constants = {
        "w": integers(np.int8, 3, 2, 3, 3),
        "w_scale": weight_scale,
        "w_zero": np.zeros_like(weight_scale, dtype=np.int8),
        "b": integers(np.int32, 3) // 2**21,
        **scheme("a", 0.02, 128),
        **scheme("c", 0.1, 120),
    }
    names = ["q", "a_scale", "a_zero", "w", "w_scale", "w_zero", "c_scale", "c_zero", "b"]
    nodes = [
        quantize("x", "q", "a"),
        helper.make_node("QLinearConv", names, ["r"], pads=[1, 1, 1, 1]),
        dequantize("r", "y", "c"),
    ]
    assert_same(model(nodes, [port("x", 1, 2, 5, 5)], constants), {"x": random(1, 2, 5, 5)}, 1e-4)


def test_a_convolution_of_integers():
    constants = {"w": integers(np.uint8, 3, 2, 3, 3), "w_zero": np.array(3, np.uint8), **scheme("a", 0.02, 128)}
    nodes = [
        quantize("x", "q", "a"),
        helper.make_node("ConvInteger", ["q", "w", "a_zero", "w_zero"], ["i"]),
        helper.make_node("Cast", ["i"], ["y"], to=1),
    ]
    assert_same(model(nodes, [port("x", 1, 2, 5, 5)], constants), {"x": random(1, 2, 5, 5)})


def test_a_quantised_product():
    constants = {
        "w": integers(np.uint8, 4, 3),
        **scheme("w", 0.02, 128),
        **scheme("a", 0.02, 128),
        **scheme("c", 0.1, 9),
    }
    names = ["q", "a_scale", "a_zero", "w", "w_scale", "w_zero", "c_scale", "c_zero"]
    nodes = [quantize("x", "q", "a"), helper.make_node("QLinearMatMul", names, ["r"]), dequantize("r", "y", "c")]
    assert_same(model(nodes, [port("x", 2, 4)], constants), {"x": random(2, 4)}, 1e-4)


def three(name: str) -> list[str]:
    return [name, f"{name}_scale", f"{name}_zero"]


def microsoft(operator: str, inputs: list[str], **attributes) -> list[NodeProto]:
    """Two quantised inputs, one operator, and its output dequantised."""
    return [
        quantize("x", "a", "a"),
        quantize("x", "b", "b"),
        helper.make_node(operator, inputs, ["r"], domain="com.microsoft", **attributes),
        dequantize("r", "d", "c"),
        helper.make_node("MatMul", ["d", "w"], ["y"]),
    ]


SCHEMES = {**scheme("a", 0.02, 128), **scheme("b", 0.03, 100), **scheme("c", 0.05, 90), "w": random(4, 3, scale=0.3)}


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes"),
    [
        ("QLinearAdd", [*three("a"), *three("b"), "c_scale", "c_zero"], {}),
        ("QLinearMul", [*three("a"), *three("b"), "c_scale", "c_zero"], {}),
        ("QLinearLeakyRelu", [*three("a"), "c_scale", "c_zero"], {"alpha": 0.1}),
        ("QLinearSigmoid", [*three("a"), "c_scale", "c_zero"], {}),
        ("QLinearConcat", ["c_scale", "c_zero", *three("a"), *three("b")], {"axis": 2}),
    ],
)
def test_quantised_operators_of_onnxruntime(operator, inputs, attributes):
    proto = model(microsoft(operator, inputs, **attributes), [port("x", 1, 2, 3, 4)], SCHEMES)
    # One step of the output is 0.05; a different rounding of a tie would show as one.
    assert_same(proto, {"x": random(1, 2, 3, 4)}, 1e-4)


@pytest.mark.parametrize("last", [0, 1])
def test_a_quantised_global_pool(last):
    node = helper.make_node(
        "QLinearGlobalAveragePool",
        [*three("a"), "c_scale", "c_zero"],
        ["r"],
        domain="com.microsoft",
        channels_last=last,
    )
    shape = (1, 3, 2, 4) if last else (1, 4, 3, 2)
    nodes = [quantize("x", "a", "a"), node, dequantize("r", "d", "c"), helper.make_node("Flatten", ["d"], ["f"])]
    nodes.append(helper.make_node("MatMul", ["f", "w"], ["y"]))
    assert_same(model(nodes, [port("x", *shape)], SCHEMES), {"x": random(*shape)}, 1e-4)


def test_a_product_whose_left_side_is_quantised_by_what_it_holds():
    constants = {"q": integers(np.int8, 4, 3), "s": scale(0.01, 0.02, 0.03), "z": np.zeros(3, np.int8), "b": random(3)}
    node = helper.make_node("DynamicQuantizeMatMul", ["x", "q", "s", "z", "b"], ["y"], domain="com.microsoft")
    assert_same(model([node], [port("x", 2, 4)], constants), {"x": random(2, 4)}, 1e-4)


def packed(codes: np.ndarray, bits: int) -> np.ndarray:
    """Codes in bytes, the first one lowest."""
    apart = codes.reshape(*codes.shape[:-1], -1, 8 // bits).astype(np.uint32)
    return sum(apart[..., place] << (bits * place) for place in range(8 // bits)).astype(np.uint8)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("zero", ["none", "packed"])
def test_weights_packed_to_a_few_bits(bits, zero):
    rows, columns, block = 40, 6, 16
    count = 3
    codes = RANDOM.integers(0, 2**bits, (columns, count, block))
    names, constants = ["x", "w", "s"], {"w": packed(codes, bits), "s": np.abs(random(columns * count)) + 0.1}
    if zero == "packed":
        zeros = RANDOM.integers(0, 2**bits, (columns, 4 if bits == 4 else 3))
        names.append("z")
        constants["z"] = packed(zeros, bits).reshape(-1)
    node = helper.make_node(
        "MatMulNBits", names, ["y"], domain="com.microsoft", K=rows, N=columns, bits=bits, block_size=block
    )
    assert_same(model([node], [port("x", 2, rows)], constants), {"x": random(2, rows)}, 1e-3)


def quant(x: str, y: str, domain: str = "qonnx.custom_op.general", **attributes) -> NodeProto:
    return helper.make_node("Quant", [x, "step", "zero", "bits"], [y], domain=domain, **attributes)


@pytest.mark.parametrize(
    ("attributes", "low", "high"),
    [
        ({"signed": 1, "narrow": 1}, -7, 7),
        ({"signed": 1, "narrow": 0}, -8, 7),
        ({"signed": 0, "narrow": 0}, 0, 15),
        ({"signed": 1, "narrow": 0, "rounding_mode": "FLOOR"}, -8, 7),
    ],
)
def test_fake_quantisation_of_brevitas_and_qonnx(attributes, low, high):
    constants = {
        "step": np.full((4, 1), 0.25, np.float32),
        "zero": np.array(0, np.float32),
        "bits": np.array(4, np.float32),
        "w": random(4, 3),
    }
    nodes = [quant("w", "q", **attributes), helper.make_node("MatMul", ["x", "q"], ["y"])]
    (y,) = computed(
        model(nodes, [port("x", 4, 4)], constants, domains=["qonnx.custom_op.general"]),
        {"x": np.eye(4, dtype=np.float32)},
    )
    rounded = np.floor if attributes.get("rounding_mode") == "FLOOR" else np.round
    np.testing.assert_allclose(y, 0.25 * rounded(np.clip(random(4, 3) / 0.25, low, high)), atol=1e-6)


def test_bipolar_quantisation_takes_zero_for_positive():
    node = helper.make_node("BipolarQuant", ["w", "step"], ["q"], domain="onnx.brevitas")
    weight = np.array([[-1.5, 0.0, 0.2]], np.float32)
    nodes = [node, helper.make_node("MatMul", ["x", "q"], ["y"])]
    proto = model(nodes, [port("x", 1, 1)], {"w": weight, "step": scale(0.5)}, domains=["onnx.brevitas"])
    (y,) = computed(proto, {"x": np.ones((1, 1), np.float32)})
    assert y.tolist() == [[-0.5, 0.5, 0.5]]


def test_thresholds_reached_are_counted_for_each_channel():
    thresholds = np.array([[-1.0, 0.0, 1.0], [0.5, 0.6, 0.7]], np.float32)
    settings = {"out_scale": 2.0, "out_bias": -1.0, "out_dtype": "INT2"}
    node = helper.make_node("MultiThreshold", ["x", "t"], ["m"], domain="qonnx.custom_op.general", **settings)
    nodes = [node, helper.make_node("MatMul", ["m", "w"], ["y"])]
    constants = {"t": thresholds, "w": np.eye(2, dtype=np.float32)}
    proto = model(nodes, [port("x", 1, 2, 2)], constants, domains=["qonnx.custom_op.general"])
    (y,) = computed(proto, {"x": np.array([[[0.0, 5.0], [0.65, 0.5]]], np.float32)})
    assert y.tolist() == [[[3.0, 5.0], [3.0, 1.0]]]


def test_a_type_that_is_no_integer_is_not_guessed():
    eight = numpy_helper.from_array(np.array(0, np.float32), "z")
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"])
    nodes = [node, helper.make_node("Cast", ["q"], ["c"], to=1), helper.make_node("MatMul", ["c", "w"], ["y"])]
    proto = model(nodes, [port("x", 2, 4)], {"s": scale(0.5), "w": random(4, 3)})
    proto.graph.initializer.append(eight)
    dataflow = trace(checkpoint(proto))
    assert [each.operator for each in dataflow.unsupported][:1] == ["QuantizeLinear"]
