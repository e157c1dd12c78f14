"""A predictor is what it was saved as, and abstains from what it does not know."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from metagauge.errors import PredictorUnknownError
from models.domain import Task, locate
from models.predictor import Predictor
from tests.models.test_stacking import around, numbers
from tests.sketches import residual, with_tensor
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of

TASK = Task(channels=3, positions=1024, classes=10, coverage=0.99, edges=70_000, blocks=128)


def test_a_saved_predictor_says_the_same(tmp_path: Path):
    predictor = around()
    predictor.save(tmp_path / "anything-v1")
    again = Predictor.load(tmp_path / "anything-v1")
    graphs = [graph_of(*drawn(family)) for family in FAMILY_NAMES]
    assert again.predict(graphs) == predictor.predict(graphs)
    assert (again.name, again.version) == ("anything", 1)


def test_an_unknown_predictor_is_named():
    with pytest.raises(PredictorUnknownError, match="'nobody'"):
        Predictor.load("nobody")


def test_a_network_of_the_task_meets_no_objection():
    assert TASK.objections(graph_of(*residual())) == ()


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (replace(TASK, channels=1), "the input has 3 channels"),
        (replace(TASK, positions=784), "of 1024 positions"),
        (replace(TASK, classes=100), "the output has 10 values"),
    ],
)
def test_another_task_is_objected_to(task: Task, reason: str):
    (objection,) = task.objections(graph_of(*residual()))
    assert reason in objection


def test_parameters_the_graph_does_not_know_are_objected_to():
    (objection,) = TASK.objections(replace(graph_of(*residual()), coverage=0.5))
    assert "50.0%" in objection


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_objected_to(value: float):
    graph = graph_of(*with_tensor(residual(), "conv1.weight", lambda array: array * value))
    assert TASK.objections(graph) == ("some weights are NaN or infinite",)
    (prediction,) = around().predict([graph])
    assert not prediction.in_domain
    assert prediction.score is None


def test_the_domain_ends_where_the_zoo_does():
    generator = torch.Generator().manual_seed(0)
    shape = torch.randn(40, 40, generator=generator)
    train, calibration, fresh = (torch.randn(500, 40, generator=generator) @ shape for _ in range(3))
    neighbourhood = locate(train, calibration)
    inside = neighbourhood.score(fresh)
    assert abs(float((inside < 0.9).float().mean()) - 0.9) < 0.06
    assert (neighbourhood.score(10 * fresh) == 1).all()
    assert float(neighbourhood.score(train.mean(0, keepdim=True))) < 0.05


def test_a_network_far_from_the_zoo_is_not_judged():
    predictor = around()
    strict = Predictor(replace(predictor.config, threshold=0.0), predictor.metanetwork, predictor._neighbourhood)
    (prediction,) = strict.predict([graph_of(*residual())])
    assert prediction.test_accuracy is None
    assert prediction.threshold == 0.0
    assert "further from the zoo" in prediction.reasons[0]
    assert numbers([prediction]).tolist() == [[-9, -9]]
