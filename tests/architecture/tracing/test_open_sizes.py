"""Sizes that a file leaves open are filled so that its nodes agree, and what was assumed is said."""

from dataclasses import replace

import numpy as np
import pytest
from onnx import ModelProto, helper

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.architecture.operators.source import Given
from metagauge.architecture.tracing.trace import trace
from metagauge.errors import ArchitectureMismatchError
from tests.architecture.tracing.same import FLOAT, INT64, checkpoint, model, port, random

_NODE = helper.make_node


def _given(proto: ModelProto, **sizes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    dataflow = trace(checkpoint(proto), sizes=sizes)
    assert dataflow.unsupported == ()
    return {step.outputs[0]: step.operator.shape for step in dataflow.steps if isinstance(step.operator, Given)}


def _linear(*shape: int | str) -> ModelProto:
    return model([_NODE("MatMul", ["x", "w"], ["y"])], [port("x", *shape)], {"w": random(24, 5)})


def _flattened(features: int) -> ModelProto:
    """An image whose size only the linear layer behind it tells."""
    nodes = [
        _NODE("Conv", ["x", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
        _NODE("MaxPool", ["maps"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        _NODE("Flatten", ["small"], ["flat"]),
        _NODE("Gemm", ["flat", "w"], ["y"]),
    ]
    constants = {"kernel": random(6, 3, 3, 3), "w": random(features, 2)}
    return model(nodes, [port("x", "batch", "channels", "height", "width")], constants)


def test_an_open_batch_is_one_and_needs_no_word() -> None:
    proto = _linear("batch", 24)
    assert _given(proto) == {"x": (1, 24)}
    assert trace(checkpoint(proto)).provenance.assumed == ()


def test_the_first_weight_tells_channels_and_features() -> None:
    assert _given(_linear("batch", "features")) == {"x": (1, 24)}


def test_the_size_of_an_image_is_found_by_what_agrees() -> None:
    for size in (224, 32):
        proto = _flattened(6 * (size // 4) ** 2)
        assert _given(proto) == {"x": (1, 3, size, size)}
        assert trace(checkpoint(proto)).provenance.assumed == (f"input 'x' has shape [1, 3, {size}, {size}]",)


def _pooled(*shape: int | str) -> ModelProto:
    """A network that reads images of any size."""
    nodes = [
        _NODE("Conv", ["x", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
        _NODE("Relu", ["maps"], ["positive"]),
        _NODE("GlobalAveragePool", ["positive"], ["pooled"]),
        _NODE("Flatten", ["pooled"], ["flat"]),
        _NODE("Gemm", ["flat", "w"], ["y"]),
    ]
    return model(nodes, [port("x", *shape)], {"kernel": random(6, 3, 3, 3), "w": random(6, 2)})


def test_an_image_of_any_size_is_small_and_its_network_the_layers_of_one_that_says_so() -> None:
    fixed, open_ = (
        infer(checkpoint(_pooled(*shape)), None) for shape in (("n", 3, 32, 32), ("n", 3, "height", "width"))
    )
    assert isinstance(open_, Architecture)
    assert open_.provenance.assumed == ("input 'x' has shape [1, 3, 32, 32]",)
    assert replace(open_, provenance=fixed.provenance) == fixed


def test_a_sequence_of_any_length_stays_a_dataflow() -> None:
    assert isinstance(infer(checkpoint(_linear("batch", "tokens", 24)), None), Dataflow)


def test_what_the_caller_fixes_is_used() -> None:
    proto = _linear("batch", "tokens", 24)
    assert _given(proto, x=(2, 7, 24)) == {"x": (2, 7, 24)}


def test_what_the_caller_fixes_must_fit_the_file() -> None:
    with pytest.raises(ArchitectureMismatchError, match="'x'"):
        trace(checkpoint(_linear("batch", 24)), sizes={"x": (1, 25)})


def test_axes_of_one_name_get_one_size() -> None:
    nodes = [
        _NODE("Gather", ["table", "ids"], ["words"]),
        _NODE("Unsqueeze", ["mask", "last"], ["column"]),
        _NODE("Mul", ["words", "column"], ["y"]),
    ]
    inputs = [port("ids", "batch", "length", kind=INT64), port("mask", "batch", "length", kind=FLOAT)]
    found = _given(model(nodes, inputs, {"table": random(50, 8), "last": np.array([2])}))
    assert found["ids"] == found["mask"]
    assert found["ids"][0] == 1


def test_a_size_that_is_a_sum_is_the_sum() -> None:
    nodes = [
        _NODE("MatMul", ["x", "w"], ["new"]),
        _NODE("Concat", ["cache", "new"], ["keys"], axis=1),
        _NODE("Unsqueeze", ["mask", "last"], ["column"]),
        _NODE("Mul", ["keys", "column"], ["y"]),
    ]
    inputs = [
        port("x", "batch", "sequence_length", 8),
        port("cache", "batch", "past_length", 8),
        port("mask", "batch", "past_length + sequence_length"),
    ]
    found = _given(model(nodes, inputs, {"w": random(8, 8), "last": np.array([2])}))
    assert found["mask"][1] == found["x"][1] + found["cache"][1]


def test_sizes_that_never_agree_leave_a_node_that_is_not_understood() -> None:
    nodes = [_NODE("MatMul", ["x", "w"], ["h"]), _NODE("Add", ["h", "shift"], ["y"])]
    proto = model(nodes, [port("x", "batch", 24)], {"w": random(24, 5), "shift": random(7)})
    (lost,) = trace(checkpoint(proto)).unsupported
    assert lost.operator == "Add"
    assert "do not go together" in lost.name


def test_a_length_that_an_exporter_wrote_down_is_found() -> None:
    nodes = [
        _NODE("MatMul", ["x", "w"], ["h"]),
        _NODE("Reshape", ["h", "heads"], ["apart"]),
        _NODE("Add", ["apart", "positions"], ["y"]),
    ]
    constants = {"w": random(8, 8), "heads": np.array([11, 2, 4]), "positions": random(1, 2, 4)}
    proto = model(nodes, [port("x", "batch", "sequence", 8)], constants)
    assert _given(proto) == {"x": (1, 11, 8)}


def test_the_length_of_a_position_table_is_found() -> None:
    nodes = [_NODE("MatMul", ["x", "w"], ["h"]), _NODE("Add", ["h", "positions"], ["y"])]
    proto = model(nodes, [port("x", "batch", "sequence", 8)], {"w": random(8, 8), "positions": random(1, 77, 8)})
    assert _given(proto) == {"x": (1, 77, 8)}


def test_a_size_that_asks_for_too_much_is_passed_over() -> None:
    """Three times the square of a length of 512 is more than any value may have; 8 does not fit either."""
    nodes = [
        _NODE("MatMul", ["x", "w"], ["h"]),
        _NODE("Einsum", ["h", "h", "h"], ["cube"], equation="bic,bjc,bkc->bijk"),
        _NODE("Expand", ["cube", "many"], ["large"]),
        _NODE("Add", ["h", "shift"], ["y"]),
    ]
    constants = {"w": random(8, 8), "many": np.array([32, 1, 1, 1]), "shift": random(3, 7)}
    dataflow = trace(checkpoint(model(nodes, [port("x", "batch", "sequence", 8)], constants)))
    assert [lost.operator for lost in dataflow.unsupported] == ["Add"]
