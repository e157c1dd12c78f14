"""Masked softmaxes of whole files compute in normal form what ONNX Runtime computes of the file."""

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from tests.architecture.tracing.same import BOOL, checkpoint, model, port, random, run
from tests.functional import computed, distance

_NODE = helper.make_node
FIRST, REST, COLUMN = (np.zeros((4, 4), np.float32) for _ in range(3))
FIRST[0, 0], REST[0, 1:], COLUMN[:, 0] = -np.inf, -np.inf, -np.inf
CAUSAL = np.tril(np.ones((4, 4), bool))
CONSTANTS = {
    "q": random(6, 6, seed=1),
    "k": random(6, 6, seed=2),
    "v": random(6, 3, seed=3),
    "first": FIRST,
    "rest": REST,
    "column": COLUMN,
    "causal": CAUSAL,
    "zero": np.float32(0),
    "seen": FIRST == 0,
    "also": REST == 0,
    "least": np.float32(-np.inf),
    "low": np.float32(-1e4),
}


def attention(*masking: NodeProto, axis: int = -1, softmax: str = "Softmax", guarded: bool = True) -> ModelProto:
    """Attention over four tokens; `masking` makes `masked` of `scores`."""
    nodes = [
        *(_NODE("MatMul", ["x", name], [name.upper()]) for name in "qkv"),
        _NODE("Transpose", ["K"], ["T"], perm=[0, 2, 1]),
        _NODE("MatMul", ["Q", "T"], ["scores"]),
        *masking,
        _NODE(softmax, ["masked"], ["shares"], axis=axis),
    ]
    if guarded:
        nodes += [_NODE("IsNaN", ["shares"], ["none"]), _NODE("Where", ["none", "zero", "shares"], ["kept"])]
    nodes.append(_NODE("MatMul", ["kept" if guarded else "shares", "V"], ["y"]))
    read = {name for node in nodes for name in node.input}
    inputs = [port("x", 1, 4, 6), port("mask", 1, 4, 4), port("allowed", 1, 4, 4, kind=BOOL)]
    constants = {name: array for name, array in CONSTANTS.items() if name in read}
    return model(nodes, [each for each in inputs if each.name in read], constants)


@pytest.mark.parametrize(
    "proto",
    [
        pytest.param(
            attention(_NODE("Add", ["scores", "first"], ["a"]), _NODE("Add", ["a", "rest"], ["masked"])), id="added"
        ),
        pytest.param(
            attention(
                _NODE("Where", ["seen", "scores", "least"], ["a"]), _NODE("Where", ["also", "a", "least"], ["masked"])
            ),
            id="chosen",
        ),
        pytest.param(attention(_NODE("Add", ["scores", "column"], ["masked"]), axis=1), id="another axis"),
        pytest.param(attention(_NODE("Add", ["scores", "mask"], ["masked"])), id="given"),
        pytest.param(attention(_NODE("Where", ["allowed", "scores", "least"], ["masked"])), id="given truth"),
        pytest.param(
            attention(_NODE("Where", ["causal", "scores", "low"], ["masked"]), softmax="LogSoftmax", guarded=False),
            id="logarithm",
        ),
        pytest.param(
            attention(
                _NODE("Add", ["scores", "mask"], ["a"]), _NODE("Where", ["causal", "a", "low"], ["masked"]),
                guarded=False,
            ),
            id="beside a small number",
        ),
    ],
)  # fmt: skip
def test_masked_attention(proto: ModelProto):
    mask = np.full((1, 4, 4), -np.inf, np.float32)
    mask[:, 3] = -2e4
    feeds = {"x": random(1, 4, 6), "mask": mask, "allowed": np.zeros((1, 4, 4), bool)}
    feeds = {each.name: feeds[each.name] for each in proto.graph.input}
    read = checkpoint(proto)
    flow = infer(read, None)
    assert isinstance(flow, Dataflow)
    (wanted,), (found,) = computed(proto, feeds), run(flow, read, feeds)
    assert np.isfinite(wanted).all()
    assert distance([wanted], [found]) < 1e-4
