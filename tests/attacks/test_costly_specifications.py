"""A specification of a few kilobytes cannot make us spend gigabytes or minutes, nor move a prediction for nothing."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.codec import to_json
from metagauge.architecture.coverage import coverage
from metagauge.architecture.infer import infer
from metagauge.architecture.layers import Activation, Add, BatchNorm, Conv, Flatten, LayerNorm, Linear
from metagauge.architecture.parameter import Parameter, Slice
from metagauge.architecture.values import MAX_INPUTS, MAX_OPERATIONS
from metagauge.errors import ArchitectureMismatchError, LimitExceededError
from metagauge.graph.build import build
from models.subject import Subject
from tests.architecture.onnx_export import exported, lifted
from tests.architecture.specified import SPECIFICATION, TENSORS, checkpoint, operation
from tests.graphs import assert_same_graph, differences
from tests.predictors import TASK, bounded, random_predictor

MIB = 1024**2
SMALL = checkpoint(TENSORS)


def with_activation(activation: Activation) -> Architecture:
    flatten, first, _, last = SPECIFICATION.operations
    return replace(SPECIFICATION, operations=(flatten, first, operation("relu", "fc1", activation), last))


def test_a_huge_claimed_shape_takes_no_memory_and_is_abstained_on():
    tensors = checkpoint({"unused": np.ones(3, np.float32)})
    claim = Architecture(
        input_shape=(3, 10_000, 5_000),
        operations=(operation("flat", "input", Flatten()), operation("act", "flat", Activation(function="relu"))),
    )
    judging = random_predictor()
    tracemalloc.start()
    network = infer(tensors, to_json(claim))
    graph = build(network, tensors)
    (prediction,) = judging.predict([Subject(graph=graph, network=network, tensors={"unused": np.ones(3, np.float32)})])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert graph.nodes > 10**8
    assert not prediction.in_domain
    assert peak < 30 * MIB


def test_a_shape_beyond_all_reason_is_refused():
    claim = replace(SPECIFICATION, input_shape=(3, 10**6, 10**6))
    with pytest.raises(LimitExceededError, match="input"):
        infer(SMALL, to_json(claim))


def test_too_many_operations_are_refused():
    chain = [operation("norm0", "input", LayerNorm())]
    chain += [operation(f"norm{n}", f"norm{n - 1}", LayerNorm()) for n in range(1, MAX_OPERATIONS + 1)]
    claim = Architecture(input_shape=(4,), input_layout="vector", operations=tuple(chain))
    with pytest.raises(LimitExceededError, match=str(MAX_OPERATIONS)):
        infer(SMALL, to_json(claim))


def test_a_sum_of_too_many_values_is_refused():
    total = Operation(name="sum", inputs=("fc2",) * (MAX_INPUTS + 1), layer=Add())
    claim = replace(SPECIFICATION, operations=(*SPECIFICATION.operations, total))
    with pytest.raises(LimitExceededError, match="'sum'"):
        infer(SMALL, to_json(claim))


def test_a_network_larger_than_the_zoos_is_abstained_on():
    width, rng = 400, np.random.default_rng(0)
    arrays = {
        name: rng.normal(size=shape).astype(np.float32) for name, shape in (("a", (width, 3072)), ("b", (10, width)))
    }
    operations = (
        operation("flat", "input", Flatten()),
        operation("a", "flat", Linear(weight=Parameter(tensor="a"))),
        operation("b", "a", Linear(weight=Parameter(tensor="b"))),
    )
    network = Architecture(input_shape=(3, 32, 32), operations=operations)
    subject = Subject(graph=build(network, checkpoint(arrays)), network=network, tensors=arrays)
    (prediction,) = bounded(random_predictor(), TASK).predict([subject])
    assert any("connections" in reason for reason in prediction.reasons)
    assert prediction.basis is None


def test_norms_on_norms_do_not_copy_weights_for_ever(monkeypatch: pytest.MonkeyPatch):
    arrays = {"w": np.ones((4, 8), np.float32), "m": np.zeros(4, np.float32), "v": np.ones(4, np.float32)}
    norm = BatchNorm(mean=Parameter(tensor="m"), variance=Parameter(tensor="v"))
    operations = [operation("norm0", "input", Linear(weight=Parameter(tensor="w")))]
    operations += [operation(f"norm{number}", f"norm{number - 1}", norm) for number in range(1, 30)]
    claim = Architecture(input_shape=(8,), input_layout="vector", operations=tuple(operations))
    assert build(claim, checkpoint(arrays)).edges == 4 * 8 + 4
    monkeypatch.setattr("metagauge.graph.draft.MAX_FOLDED", 20 * (4 * 8 + 4))
    with pytest.raises(LimitExceededError, match="folding"):
        build(claim, checkpoint(arrays))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(number: str):
    text = to_json(with_activation(Activation(function="leaky_relu", slope=0.125))).replace("0.125", number)
    with pytest.raises(ArchitectureMismatchError):
        infer(SMALL, text)


@pytest.mark.parametrize("size", [2**17, 10**400])
def test_a_window_beyond_all_reason_is_refused(size: int):
    convolution = Conv(weight=Parameter(tensor="k"), stride=(size, 1), padding=((0, 0), (0, 0)), dilation=(1, 1))
    claim = Architecture(input_shape=(3, 8, 8), operations=(operation("conv", "input", convolution),))
    with pytest.raises(ArchitectureMismatchError, match="65536"):
        infer(checkpoint({"k": np.ones((2, 3, 3, 3), np.float32)}), to_json(claim))


def test_a_slope_that_means_nothing_is_refused():
    with pytest.raises(ArchitectureMismatchError, match="slope"):
        infer(SMALL, to_json(with_activation(Activation(function="relu", slope=5.0))))


def test_a_leaky_relu_that_does_not_leak_is_a_relu():
    leaky = build(with_activation(Activation(function="leaky_relu", slope=0.0)), SMALL)
    assert_same_graph(leaky, build(SPECIFICATION, SMALL))
    leaking = build(with_activation(Activation(function="leaky_relu", slope=0.1)), SMALL)
    assert differences(leaking, build(SPECIFICATION, SMALL))


def test_operations_that_do_not_reach_the_output_change_nothing_and_cover_nothing():
    tensors = checkpoint({**TENSORS, "dead": np.ones((7, 5), np.float32)})
    dead = operation("dead", "relu", Linear(weight=Parameter(tensor="dead")))
    claim = replace(SPECIFICATION, operations=(*SPECIFICATION.operations[:-1], dead, SPECIFICATION.operations[-1]))
    found = infer(tensors, to_json(claim))
    assert_same_graph(build(found, tensors), build(SPECIFICATION, SMALL))
    assert [piece.tensors for piece in found.unsupported] == [("dead",)]
    assert coverage(found, tensors) < 1


def test_elements_that_are_sliced_twice_are_covered_once():
    slices = [Slice(axis=0, start=start, stop=start + 10) for start in (0, 5)]
    parts = [Linear(weight=Parameter(tensor="rows", views=(each,))) for each in slices]
    operations = (
        operation("one", "input", parts[0]),
        operation("other", "input", parts[1]),
        Operation(name="sum", inputs=("one", "other"), layer=Add()),
    )
    architecture = Architecture(input_shape=(4,), input_layout="vector", operations=operations)
    assert coverage(architecture, checkpoint({"rows": np.ones((100, 4), np.float32)})) == 0.15


@pytest.mark.parametrize("name", ["cnn_group_norm", "resnet_basic"])
def test_what_an_exporter_adds_is_not_a_parameter_that_is_missing(name: str):
    file = exported(name, "torchscript", "static")
    assert coverage(lifted(name, "torchscript", "static"), file) == 1.0
