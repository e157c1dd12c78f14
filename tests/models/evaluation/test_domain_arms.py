"""The arms of the domain: a score that knows the truth is perfect, one that knows nothing is not."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from models.evaluation.domain import ArmScores, arm_scores, judge
from models.evaluation.domain_cases import INSIDE, Case
from models.prediction import Interval, Prediction
from models.subject import Subject
from tests.zoo_networks import drawn, graph_of

GRAPH = graph_of(*drawn("mlp"))


def cases(arm: str, count: int, accuracy: float) -> list[Case]:
    subject = Subject(graph=GRAPH, tensors={"accuracy": np.float32([accuracy])})
    return [
        Case(arm=arm, family="mlp", subject=subject, test_accuracy=accuracy, was_good=number % 2 == 0)
        for number in range(count)
    ]


CASES = [*cases(INSIDE, 40, 0.5), *cases("shuffle", 40, 0.1)]


def scored(score: Callable[[float], float], predicted: float = 0.5) -> dict[str, ArmScores]:
    """What a predictor with this score, from the accuracy that the cases carry, gets; it always says the same."""

    def predict(subjects: Sequence[Subject]) -> list[Prediction]:
        return [prediction(score(float((subject.tensors or {})["accuracy"][0]))) for subject in subjects]

    def prediction(value: float) -> Prediction:
        interval = Interval(value=predicted, low=predicted - 0.1, high=predicted + 0.1, coverage=0.9)
        told = None if value >= 0.99 else interval
        return Prediction(test_accuracy=told, generalization_gap=told, score=value, threshold=0.99)

    return {each.arm: each for each in arm_scores(judge(predict, CASES))}


def test_a_score_that_knows_is_perfect_and_leaves_nothing_to_answer():
    found = scored(lambda accuracy: 1.0 if accuracy < 0.2 else 0.0)
    assert found["shuffle"].auroc == found["shuffle"].auroc_good == 1
    assert found["shuffle"].answered == 0
    assert np.isnan(found["shuffle"].coverage)
    assert found[INSIDE].answered == found[INSIDE].coverage == 1


def test_a_score_that_knows_nothing_answers_what_its_intervals_do_not_hold():
    found = scored(lambda _: 0.5)
    assert found["shuffle"].auroc == pytest.approx(0.5)
    assert found["shuffle"].answered == 1
    assert found["shuffle"].coverage == 0
    assert found[INSIDE].coverage == 1


def test_arms_are_told_apart_by_name_and_inside_comes_first():
    assert list(scored(lambda _: 0.5)) == [INSIDE, "shuffle"]
    assert np.isnan(scored(lambda _: 0.5)[INSIDE].auroc)
