"""Networks that the published predictor cannot judge: the report still says what they are, and why it abstains."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper

from metagauge.checkpoint.limits import Limits
from metagauge.contract import Declarations, PredictorRef, Report
from models.subject import Declared
from tests.attacks.dataflow_models import noise
from tests.service import checkpoints
from worker.__main__ import load
from worker.reading.sandbox import Sandbox
from worker.report import Judged, report

IMAGE = ("image", TensorProto.FLOAT, [1, 3, 32, 32])


def judged(content: bytes, tmp_path: Path) -> Report:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with Sandbox(limits=Limits(), deadline_s=60.0).read({"net.onnx": path}, None, lambda _: None) as read:
        predictor = load("cifar10-accuracy")
        (prediction,) = predictor.predict([read.subject(Declared())])
        reference = PredictorRef(name=predictor.name, version=predictor.version)
        found = Judged(
            predictor=reference, reading=read.reading, prediction=prediction, declared=Declarations(), timings_s={}
        )
        return report(found)


def network(nodes: Sequence[NodeProto], weights: Sequence[TensorProto], *inputs: tuple[str, int, list[int]]) -> bytes:
    graph = helper.make_graph(
        list(nodes),
        "network",
        [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        list(weights),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model: ModelProto = helper.make_model(graph, opset_imports=opsets)
    return model.SerializeToString()


def partly_opaque() -> bytes:
    """A classifier of images with a layer that nobody knows between two that everybody knows."""
    nodes = [
        helper.make_node("Conv", ["image", "k"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Mystery", ["a", "m"], ["b"], domain="own"),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "head"], ["y"], transB=1),
    ]
    return network(nodes, [noise("k", 8, 3, 3, 3), noise("m", 16, 8), noise("head", 10, 16)], IMAGE)


def two_inputs() -> bytes:
    """A classifier of images that also reads three numbers, scaled by a sigmoid of them."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Sigmoid", ["numbers"], ["s"]),
        helper.make_node("Mul", ["d", "s"], ["e"]),
        helper.make_node("Gemm", ["e", "head"], ["y"], transB=1),
    ]
    return network(nodes, [noise("head", 10, 3)], IMAGE, ("numbers", TensorProto.FLOAT, [1, 3]))


def words() -> bytes:
    """A classifier of eight words."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"]),
        helper.make_node("ReduceMean", ["e"], ["m"], axes=[1], keepdims=0),
        helper.make_node("Gemm", ["m", "head"], ["y"], transB=1),
    ]
    return network(nodes, [noise("table", 50, 6), noise("head", 2, 6)], ("ids", TensorProto.INT64, [1, 8]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (partly_opaque(), ["parameters are understood", "an operator that is not known"]),
        (two_inputs(), ["2 inputs ('image', 'numbers')", "multiplied with each other"]),
        (words(), ["the input is token ids", "2 values"]),
    ],
    ids=["partly opaque", "two inputs", "words"],
)
def test_the_predictor_abstains_with_reasons_in_words(content: bytes, words: list[str], tmp_path: Path):
    found = judged(content, tmp_path)
    assert found.predictions is None
    reasons = " ".join(found.domain.reasons)
    assert [word for word in words if word not in reasons] == [], reasons
    assert found.architecture.provenance == "graph"
    assert found.architecture.digest


def test_every_unsupported_operator_is_named_with_what_is_lost(tmp_path: Path):
    found = judged(partly_opaque(), tmp_path).architecture
    assert "own::Mystery" in {piece.operator for piece in found.unsupported}
    assert found.coverage < 0.99


def test_layers_of_a_dataflow_are_listed_with_their_parameters(tmp_path: Path):
    found = judged(two_inputs(), tmp_path).architecture
    assert sum(layer.parameters for layer in found.layers) == 30
    assert found.layer_count == len(found.layers)
    assert {"image", "numbers"} <= {name for layer in found.layers for name in layer.inputs}


def test_a_network_of_the_zoos_kind_is_still_judged(tmp_path: Path):
    found = judged(checkpoints.onnx_bytes(), tmp_path)
    assert not any("no network had that" in reason for reason in found.domain.reasons)
    assert np.isfinite(found.domain.score or np.nan)
