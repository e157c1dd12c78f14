"""Stability is zero for a predictor that sees the function, and shows what a predictor sees besides."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.architecture.layers import Linear
from metagauge.architecture.lower import lower
from metagauge.architecture.parameter import Parameter, Scale, Transpose
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.graph.build import build
from metagauge.graph.digest import differences
from models.canonical.canonical import canonical
from models.interpreter.dataflow import run_dataflow
from models.prediction import Interval, Prediction
from models.stability import ABSTAINED, DRAWS, permuted_subject, rescaled_subject, stability
from models.subject import Subject
from models.transforms.transform import NotApplicableError
from models.zoo.export import to_onnx
from tests.exported import shapes_unchecked
from tests.models.transforms.examples import chain, example, filled, outputs
from tests.zoo_networks import graph_of

ROUNDING = 1e-4


def predicted(value: float | None) -> Prediction:
    interval = None if value is None else Interval(value=value, low=0.0, high=1.0, coverage=0.9)
    return Prediction(test_accuracy=interval, generalization_gap=interval, score=0.1, threshold=0.9)


def by_function(subjects: Sequence[Subject]) -> list[Prediction]:
    """Runs the network."""
    return [predicted(float(np.abs(executed(subject)).mean())) for subject in subjects]


def by_order(subjects: Sequence[Subject]) -> list[Prediction]:
    """Looks at one weight."""
    return [predicted(float(subject.graph.blocks[0].weight[0, 0, 0])) for subject in subjects]


def by_size(subjects: Sequence[Subject]) -> list[Prediction]:
    """Looks at all weights, in no order."""
    return [predicted(sizes(subject)) for subject in subjects]


def by_canonical_size(subjects: Sequence[Subject]) -> list[Prediction]:
    return [predicted(sizes(Subject(graph=canonical(subject.graph)))) for subject in subjects]


def sizes(subject: Subject) -> float:
    weights = [np.asarray(block.weight, np.float64) for block in subject.graph.blocks if not block.is_wiring]
    return sum(float(np.abs(weight).sum()) for weight in weights) / sum(weight.size for weight in weights)


def executed(subject: Subject) -> np.ndarray:
    assert subject.network is not None
    assert subject.tensors is not None
    if not isinstance(subject.network, Dataflow):
        return outputs(subject.network, dict(subject.tensors))
    inputs = np.random.default_rng(5).normal(size=(1, 3, 32, 32)).astype(np.float32)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in subject.tensors.items()}
    (output,) = run_dataflow(subject.network, tensors, [torch.from_numpy(inputs)])
    return output.numpy()


def subject_of(name: str, *, executable: bool = True) -> Subject:
    architecture, tensors = example(name)
    graph = graph_of(architecture, tensors)
    return Subject(graph=graph, network=architecture, tensors=tensors) if executable else Subject(graph=graph)


@pytest.mark.parametrize("name", ["mlp-0", "cnn-0", "resnet-0", "vit-0", "deepsets-1"])
def test_a_predictor_that_sees_the_function_is_stable(name: str):
    found = stability(by_function, subject_of(name), 1)
    assert found.permutation == pytest.approx(0, abs=ROUNDING)
    assert found.rescale == pytest.approx(0, abs=ROUNDING)


@pytest.mark.parametrize("executable", [True, False])
@pytest.mark.parametrize("name", ["mlp-0", "cnn-0", "resnet-0", "vit-0", "deepsets-1"])
def test_a_predictor_that_sees_more_than_that_is_told_apart(name: str, executable: bool):
    subject = subject_of(name, executable=executable)
    by_first = stability(by_order, subject, 1).permutation
    in_any_order = stability(by_size, subject, 1)
    assert by_first is not None
    assert by_first > 100 * ROUNDING
    assert in_any_order.permutation == pytest.approx(0, abs=ROUNDING)
    assert in_any_order.rescale is not None
    assert in_any_order.rescale > 100 * ROUNDING
    assert stability(by_canonical_size, subject, 1).rescale == pytest.approx(0, abs=ROUNDING)


@pytest.mark.parametrize("change", [permuted_subject, rescaled_subject])
def test_the_graph_of_a_copy_is_that_of_its_network(change):
    copy = change(subject_of("resnet-0"), np.random.default_rng(1))
    assert not differences(copy.graph, graph_of(copy.network, copy.tensors), 1e-6)
    assert differences(copy.graph, subject_of("resnet-0").graph, 1e-2)


def test_exported_networks_are_tried_through_their_views(tmp_path):
    path = tmp_path / "network.onnx"
    with shapes_unchecked():
        path.write_bytes(to_onnx(*example("deepsets-1")))
    checkpoint = read(path, Limits())
    network = infer(checkpoint, None)
    tensors = {name: np.asarray(tensor.array()) for name, tensor in checkpoint.tensors.items()}
    subject = Subject(graph=build(network, checkpoint), network=network, tensors=tensors)
    found = stability(by_function, subject, 1)
    assert found.permutation == pytest.approx(0, abs=ROUNDING)
    assert found.rescale == pytest.approx(0, abs=ROUNDING)
    assert permuted_subject(subject, np.random.default_rng(1)).graph.coverage == subject.graph.coverage


def test_layers_that_share_a_tensor_are_tried():
    """The second layer reads the first one's weights, transposed and halved."""
    shared = Parameter(tensor="a", views=(Transpose(axes=(1, 0)), Scale(factor=0.5)))
    network = chain((6, 1, 1), (Linear(weight=Parameter(tensor="a")), Linear(weight=shared)))
    network = type(network)(input_shape=(6,), input_layout="vector", operations=network.operations)
    tensors = filled({"a": (5, 6)})
    found = stability(by_function, Subject(graph=graph_of(network, tensors), network=network, tensors=tensors), 1)
    assert found.permutation == pytest.approx(0, abs=ROUNDING)
    assert found.rescale == pytest.approx(0, abs=ROUNDING)


def test_dataflows_are_permuted():
    architecture, tensors = example("vit-0")
    network = lower(architecture, lambda parameter: tensors[parameter.tensor].shape)
    subject = Subject(graph=graph_of(network, tensors), network=network, tensors=tensors)
    found = stability(by_function, subject, 1)
    assert found.permutation == pytest.approx(0, abs=ROUNDING)
    assert found.rescale is None
    assert (stability(by_order, subject, 1).permutation or 0) > 100 * ROUNDING


def test_what_cannot_be_scaled_is_not_tried():
    with pytest.raises(NotApplicableError):
        rescaled_subject(subject_of("small_cnn-0", executable=False), np.random.default_rng(1))
    found = stability(by_size, subject_of("small_cnn-0"), 1)
    assert found.rescale is None
    assert found.permutation is not None


def test_large_graphs_are_not_tried():
    def never(subjects: Sequence[Subject]) -> list[Prediction]:
        raise AssertionError("asked for a prediction")

    found = stability(never, subject_of("mlp-0"), 1, most_edges=10)
    assert found.permutation is None
    assert found.rescale is None


def test_nothing_is_said_of_a_network_that_nothing_is_predicted_of():
    found = stability(lambda subjects: [predicted(None) for _ in subjects], subject_of("mlp-0"), 1)
    assert found.permutation is None
    assert found.rescale is None


def test_a_prediction_that_is_withheld_for_a_copy_has_moved_as_far_as_it_can():
    def moody(subjects: Sequence[Subject]) -> list[Prediction]:
        return [predicted(0.5 if number == 0 else None) for number, _ in enumerate(subjects)]

    assert stability(moody, subject_of("mlp-0"), 1).permutation == ABSTAINED


def test_all_draws_are_asked_for_at_once_and_are_different():
    asked: list[Sequence[Subject]] = []

    def listening(subjects: Sequence[Subject]) -> list[Prediction]:
        asked.append(subjects)
        return by_order(subjects)

    stability(listening, subject_of("mlp-0"), 1)
    (subjects,) = asked
    assert len(subjects) == 1 + 2 * DRAWS
    written = {b"".join(block.weight.tobytes() for block in subject.graph.blocks) for subject in subjects}
    assert len(written) == len(subjects)
