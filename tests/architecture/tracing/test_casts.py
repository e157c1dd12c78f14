"""Casts to narrow integers: what does not fit goes round, as in onnxruntime; what is known to fit costs nothing."""

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from tests.architecture.tracing.same import BOOL, FLOAT, INT64, assert_same, followed, kinds, model, port, random

_NODE = helper.make_node
NUMBERS = np.array([[1, -1, 127, 128, 200, 255, 256, 300, -200, -129, 70000, -70000]])
NARROW = [TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16]


def cast(kind: int, *before: NodeProto, source: str = "x") -> list[NodeProto]:
    """Nodes that cast and go on with floats, and with a weight."""
    back = [_NODE("Cast", ["a"], ["b"], to=FLOAT), _NODE("Mul", ["b", "w"], ["y"])]
    return [*before, _NODE("Cast", [source], ["a"], to=kind), *back]


@pytest.mark.parametrize("kind", [*NARROW, TensorProto.UINT32, TensorProto.INT32, INT64])
@pytest.mark.parametrize("source", [INT64, FLOAT])
def test_what_does_not_fit_goes_round(kind: int, source: int) -> None:
    numbers = NUMBERS.astype(np.float32 if source == FLOAT else np.int64)
    proto = model(cast(kind), [port("x", *NUMBERS.shape, kind=source)], {"w": random(12)})
    assert_same(proto, {"x": numbers})
    assert ("binary" in kinds(followed(proto))) and (kinds(followed(proto))["binary"] > 1) == (
        kind in [*NARROW, TensorProto.UINT32]
    )


def test_indices_that_go_round_choose_other_rows() -> None:
    nodes = [
        _NODE("Cast", ["x"], ["a"], to=TensorProto.INT8),
        _NODE("Cast", ["a"], ["b"], to=INT64),
        _NODE("Abs", ["b"], ["c"]),
        _NODE("Gather", ["table", "c"], ["y"]),
    ]
    proto = model(nodes, [port("x", 1, 4, kind=INT64)], {"table": random(300, 5)})
    assert_same(proto, {"x": np.array([[1, 200, 255, 3]])})


def test_known_numbers_go_round() -> None:
    nodes = [*cast(TensorProto.UINT8, source="known"), _NODE("Add", ["y", "x"], ["z"])]
    proto = model(nodes, [port("x", 1, 12)], {"w": random(12), "known": NUMBERS}, outputs=["z"])
    assert_same(proto, {"x": random(1, 12)}, 1e-4)


@pytest.mark.parametrize(
    ("nodes", "kind"),
    [
        ([_NODE("Clip", ["x", "low", "high"], ["c"])], TensorProto.UINT8),
        ([_NODE("Clip", ["x", "low", "high"], ["r"]), _NODE("Round", ["r"], ["c"])], TensorProto.UINT8),
        ([_NODE("Max", ["x", "low"], ["r"]), _NODE("Min", ["r", "high"], ["c"])], TensorProto.UINT8),
        ([_NODE("Sigmoid", ["x"], ["c"])], TensorProto.INT8),
        ([_NODE("Greater", ["x", "low"], ["c"])], TensorProto.INT8),
        ([_NODE("ArgMax", ["x"], ["c"], axis=1)], TensorProto.INT8),
    ],
)
def test_what_is_known_to_fit_is_cast_alone(nodes: list[NodeProto], kind: int) -> None:
    constants = {"w": random(12), "low": np.float32(0), "high": np.float32(255)}
    proto = model(cast(kind, *nodes, source="c"), [port("x", 1, 12)], constants)
    assert_same(proto, {"x": 300 * random(1, 12)})
    assert "affine" not in kinds(followed(proto))
    names = [step.operator.function for step in followed(proto).steps if step.operator.kind == "binary"]
    assert "modulo" not in names


def test_truth_values_fit() -> None:
    proto = model(cast(TensorProto.INT8), [port("x", 1, 2, kind=BOOL)], {"w": random(2)})
    assert_same(proto, {"x": np.array([[True, False]])})
    assert kinds(followed(proto))["binary"] == 1
