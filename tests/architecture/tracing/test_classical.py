"""What converters of scikit-learn put around a network."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from metagauge.architecture.tracing.trace import trace
from tests.architecture.tracing.same import assert_same, checkpoint, followed, kinds, model, port, random

ML = "ai.onnx.ml"


def one(operator: str, inputs: list[str], outputs: list[str], **attributes):
    return helper.make_node(operator, inputs, outputs, domain=ML, **attributes)


def network(before: list, after: list, output: str = "y", **constants):
    nodes = [*before, helper.make_node("MatMul", ["f", "w"], ["s"]), *after]
    return model(nodes, [port("x", 2, 4)], {"w": random(4, 3), **constants}, outputs=[output], domains=[ML])


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("Scaler", {"offset": [0.1, 0.2, 0.3, 0.4], "scale": [1.0, 2.0, 3.0, 4.0]}),
        ("Scaler", {"offset": [0.5], "scale": [2.0]}),
        ("Normalizer", {"norm": "L2"}),
        ("Normalizer", {"norm": "L1"}),
        ("Binarizer", {"threshold": 0.25}),
        ("Imputer", {"imputed_value_floats": [1.0, 2.0, 3.0, 4.0], "replaced_value_float": 0.5}),
    ],
)
def test_features_are_prepared_as_onnxruntime_does(operator, attributes):
    x = np.array([[0.5, -1.0, 0.25, 2.0], [1.5, 0.5, -0.5, 0.0]], np.float32)
    node = one(operator, ["x"], ["f"], **attributes)
    assert_same(network([node], [helper.make_node("Softmax", ["s"], ["y"])]), {"x": x})


def test_columns_are_chosen_by_number():
    after = [
        helper.make_node("ArgMax", ["s"], ["best"], axis=1, keepdims=0),
        one("ArrayFeatureExtractor", ["classes", "best"], ["y"]),
    ]
    before = [helper.make_node("Identity", ["x"], ["f"])]
    proto = network(before, after, classes=np.array([[10, 20, 30]], np.int64))
    assert_same(proto, {"x": random(2, 4)})


def test_names_of_classes_are_left_out_and_said_so():
    after = [
        helper.make_node("ArgMax", ["s"], ["best"], axis=1, keepdims=0),
        one("ArrayFeatureExtractor", ["classes", "best"], ["y"]),
    ]
    proto = network([helper.make_node("Identity", ["x"], ["f"])], after)
    proto.graph.initializer.append(helper.make_tensor("classes", TensorProto.STRING, [3], [b"a", b"b", b"c"]))
    dataflow = followed(proto)
    assert any("names" in each for each in dataflow.provenance.assumed)


def test_a_map_of_names_to_scores_is_the_scores():
    zipped = one("ZipMap", ["s"], ["y"], classlabels_int64s=[0, 1, 2])
    assert kinds(followed(network([helper.make_node("Identity", ["x"], ["f"])], [zipped])))["contract"] == 1


def test_trees_behind_a_network_are_named():
    tree = one("TreeEnsembleRegressor", ["s"], ["y"], n_targets=1)
    dataflow = trace(checkpoint(network([helper.make_node("Identity", ["x"], ["f"])], [tree])))
    assert [each.operator for each in dataflow.unsupported] == ["ai.onnx.ml::TreeEnsembleRegressor"]
