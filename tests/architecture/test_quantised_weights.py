"""What counts as a parameter where weights are stored in integers."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from metagauge.architecture.coverage import count_parameters, coverage
from metagauge.architecture.infer import infer
from tests.architecture.tracing.same import checkpoint, model, port, random

RANDOM = np.random.default_rng(5)


def integers(dtype: type, *shape: int) -> np.ndarray:
    info = np.iinfo(dtype)
    return RANDOM.integers(info.min, info.max, shape).astype(dtype)


def counted(proto: ModelProto) -> tuple[int, float]:
    """Parameters, and the share of them in the structure."""
    read = checkpoint(proto)
    network = infer(read, None)
    return count_parameters(network, read), coverage(network, read)


def small_network() -> ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "k", "kb"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["y"]),
    ]
    constants = {"k": random(4, 3, 3, 3), "kb": random(4), "w": random(256, 10), "b": random(10)}
    return model(nodes, [port("x", 1, 3, 8, 8)], constants)


WEIGHTS = 4 * 3 * 3 * 3 + 4 + 256 * 10 + 10


@pytest.mark.parametrize("each_channel", [False, True])
@pytest.mark.parametrize("dtype", [QuantType.QInt8, QuantType.QUInt8])
def test_a_quantised_network_has_as_many_parameters_as_before(tmp_path: Path, dtype: QuantType, each_channel: bool):
    onnx.save(small_network(), tmp_path / "before.onnx")
    quantize_dynamic(tmp_path / "before.onnx", tmp_path / "after.onnx", weight_type=dtype, per_channel=each_channel)
    assert counted(small_network()) == (WEIGHTS, 1.0)
    assert counted(onnx.load(tmp_path / "after.onnx")) == (WEIGHTS, 1.0)


@pytest.mark.parametrize("zeros", ["zeros", ""])
def test_scales_and_zero_points_of_channels_are_not_counted(zeros: str):
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "scales", zeros], ["d"], axis=1),
        helper.make_node("DequantizeLinear", ["b", "scales"], ["e"], axis=0),
        helper.make_node("MatMul", ["x", "d"], ["m"]),
        helper.make_node("Add", ["m", "e"], ["y"]),
    ]
    constants = {"w": integers(np.int8, 6, 5), "b": integers(np.int32, 5), "scales": np.abs(random(5)) + 0.1}
    if zeros:
        constants[zeros] = integers(np.int8, 5)
    assert counted(model(nodes, [port("x", 2, 6)], constants)) == (6 * 5 + 5, 1.0)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_packed_weights_are_counted_one_by_one(bits: int):
    node = helper.make_node(
        "MatMulNBits",
        ["x", "w", "scales", "zeros"],
        ["y"],
        domain="com.microsoft",
        K=32,
        N=6,
        bits=bits,
        block_size=16,
    )
    constants = {
        "w": integers(np.uint8, 6, 2, 16 * bits // 8),
        "scales": np.abs(random(6, 2)).ravel() + 0.1,
        "zeros": integers(np.uint8, 6 * -(-2 * bits // 8)),
    }
    assert counted(model([node], [port("x", 2, 32)], constants)) == (32 * 6, 1.0)


def test_numbers_in_a_codebook_are_named_by_weights():
    node = helper.make_node(
        "MatMulBnb4", ["x", "w", "scales"], ["y"], domain="com.microsoft", K=32, N=6, block_size=16, quant_type=1
    )
    constants = {"w": integers(np.uint8, 6 * 16), "scales": np.abs(random(12))}
    assert counted(model([node], [port("x", 2, 32)], constants)) == (32 * 6, 1.0)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_indices_and_conditions_are_no_weights(dtype: type):
    nodes = [
        helper.make_node("Gather", ["table", "places"], ["g"], axis=0),
        helper.make_node("Cast", ["mask"], ["m"], to=onnx.TensorProto.BOOL),
        helper.make_node("Where", ["m", "g", "x"], ["z"]),
        helper.make_node("MatMul", ["z", "w"], ["y"]),
    ]
    constants = {
        "table": random(9, 4),
        "places": RANDOM.integers(0, 9, 5000).astype(dtype),
        "mask": RANDOM.integers(0, 2, (5000, 1)).astype(np.uint8),
        "w": random(4, 3),
    }
    assert counted(model(nodes, [port("x", 5000, 4)], constants)) == (9 * 4 + 4 * 3, 1.0)


def test_what_only_an_unknown_operator_reads_is_not_covered():
    nodes = [
        helper.make_node("Mystery", ["x", "codes"], ["z"], domain="other"),
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Add", ["h", "z"], ["y"]),
    ]
    parameters, share = counted(
        model(nodes, [port("x", 2, 4)], {"codes": integers(np.int8, 4, 6), "w": random(4, 6)}, domains=("other",))
    )
    assert parameters == 48
    assert share == 0.5
