"""The arms of the domain: a score that knows the truth is perfect, one that knows nothing is not."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from models.evaluation.domain_cases import INSIDE, Case, Kind
from models.evaluation.domain_scores import EVERYTHING, ArmScores, arm_scores, judge
from models.prediction import Interval, Prediction
from models.subject import Subject
from tests.zoo_networks import drawn, graph_of

GRAPH = graph_of(*drawn("mlp"))
THRESHOLD = 0.99


def cases(
    kind: Kind, arm: str, accuracy: float, *, before: float | None = None, good: float = 0.5, count: int = 40
) -> list[Case]:
    """The first ones of them `good`, a share; the network carries its accuracy."""
    subject = Subject(graph=GRAPH, tensors={"accuracy": np.array([accuracy], np.float32)})
    return [
        Case(
            kind=kind,
            arm=arm,
            subject=subject,
            test_accuracy=accuracy,
            was_good=number < good * count,
            before=before,
        )
        for number in range(count)
    ]


KNOWN = cases("inside", INSIDE, 0.5)
SHUFFLED = cases("random or damaged", "shuffle", 0.1, before=0.5)


def scored(score: Callable[[float], float | None], found: Sequence[Case]) -> dict[str, ArmScores]:
    """What a predictor with this score, from the accuracy that the cases carry, gets; it says 0.5 to all it answers."""

    def predict(subjects: Sequence[Subject]) -> list[Prediction]:
        return [prediction(score(float((subject.tensors or {})["accuracy"][0]))) for subject in subjects]

    def prediction(value: float | None) -> Prediction:
        interval = Interval(value=0.5, low=0.4, high=0.6, coverage=0.9)
        told = None if value is None or value >= THRESHOLD else interval
        return Prediction(test_accuracy=told, generalization_gap=told, score=value, threshold=THRESHOLD)

    return {f"{each.kind}: {each.arm}": each for each in arm_scores(judge(predict, found))}


def shuffled(score: Callable[[float], float | None]) -> ArmScores:
    return scored(score, [*KNOWN, *SHUFFLED])["random or damaged: shuffle"]


def test_a_score_that_knows_is_perfect_and_leaves_nothing_to_answer():
    found = shuffled(lambda accuracy: 1.0 if accuracy < 0.2 else 0.0)
    assert found.auroc == found.auroc_good == found.auroc_spoiled == 1
    assert (found.answered, found.coverage, found.refused) == (0, None, 0)


def test_a_score_that_knows_nothing_answers_what_its_intervals_do_not_hold():
    found = shuffled(lambda _: 0.5)
    assert found.auroc == pytest.approx(0.5)
    assert (found.answered, found.coverage) == (1, 0)


def test_those_inside_are_answered_rightly_and_are_not_told_from_themselves():
    found = scored(lambda _: 0.5, [*KNOWN, *SHUFFLED])[f"inside: {INSIDE}"]
    assert found.answered == found.coverage == 1
    assert found.auroc is None and found.spared is None


def test_what_was_refused_for_its_structure_is_as_far_as_can_be():
    found = shuffled(lambda accuracy: None if accuracy < 0.2 else 0.7)
    assert (found.auroc, found.refused, found.answered) == (1, 1, 0)


def test_damage_that_did_nothing_does_not_count_against_a_score_that_lets_it_through():
    """Half of them are as good as before: no score that judges what they do should tell those from the zoo."""
    working = [replace(case, test_accuracy=0.5) for case in KNOWN]
    harmless = [replace(case, kind="random or damaged", arm="shuffle", before=0.5) for case in working]
    everything = [*KNOWN, *SHUFFLED, *harmless]
    found = scored(lambda accuracy: 1.0 if accuracy < 0.2 else 0.0, everything)["random or damaged: shuffle"]
    assert found.spared == 0.5
    assert found.auroc_good == 0.75
    assert found.auroc_spoiled == 1
    assert found.answered == 0.5 and found.coverage == 1


def test_half_of_what_was_learned_is_counted_from_chance():
    (case,) = cases("random or damaged", "noise", 0.31, before=0.5, count=1)
    assert case.is_spared
    assert not replace(case, test_accuracy=0.29).is_spared
    assert not replace(case, before=None).is_spared


def test_an_answer_about_what_has_no_accuracy_is_a_wrong_one():
    strange = [replace(case, kind="other architecture", arm="files", test_accuracy=None) for case in KNOWN]
    found = scored(lambda _: 0.5, [*KNOWN, *strange])["other architecture: files"]
    assert (found.answered, found.coverage, found.mean_accuracy) == (1, 0, None)


def test_a_kind_of_several_arms_is_also_scored_as_one():
    others = cases("other task", "hue", 0.1, count=10), cases("other task", "places", 0.5, count=30)
    found = scored(lambda accuracy: 1.0 if accuracy < 0.2 else 0.0, [*KNOWN, *others[0], *others[1], *SHUFFLED])
    assert list(found) == [
        f"inside: {INSIDE}",
        f"other task: {EVERYTHING}",
        "other task: hue",
        "other task: places",
        "random or damaged: shuffle",
    ]
    assert found[f"other task: {EVERYTHING}"].networks == 40
    assert found[f"other task: {EVERYTHING}"].auroc == pytest.approx(0.25 + 0.75 * 0.5)


def test_what_was_not_damaged_is_neither_spared_nor_spoiled():
    fresh = cases("random or damaged", "fresh", 0.1)
    found = scored(lambda accuracy: 1.0 if accuracy < 0.2 else 0.0, [*KNOWN, *SHUFFLED, *fresh])
    assert found["random or damaged: fresh"].spared is None
    assert found["random or damaged: fresh"].auroc_spoiled is None
    assert found[f"random or damaged: {EVERYTHING}"].spared == 0
