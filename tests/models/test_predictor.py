"""A predictor asks the network where it can, and else looks at weights; it abstains from what it does not know."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from metagauge.architecture.layers import GlobalPool
from metagauge.errors import PredictorUnknownError
from models.domain import Task
from models.evaluation.judged import values_only, without_bounds
from models.predictor import Predictor
from models.probes.convention import COMMON, Convention
from models.subject import Declared, Subject, Triple
from models.zoo.sketch import Sketch
from tests.predictors import (
    ABSTAINED,
    NOWHERE,
    TASK,
    answers,
    numbers,
    random_predictor,
    renormalised,
    subject_of,
    unpadded,
)
from tests.sketches import IMAGE, finished, residual, with_tensor
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of

ORDER = (3, 1, 4, 0, 5, 9, 2, 6, 8, 7)
"""Another order of classes."""
ANOTHER = Convention(mean=(0.5, 0.4, 0.6), spread=(0.5, 0.3, 0.2))
"""Another normalisation."""


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return random_predictor()


@pytest.fixture(scope="module")
def quick(predictor: Predictor) -> Predictor:
    return values_only(predictor)


def large() -> Subject:
    """Few weights, but at every place of a wide border, too: more multiplications than are made while a user waits."""
    sketch = Sketch(IMAGE)
    sketch.conv("stem", 64, 3, 1, padding=16, bias=True)
    sketch.activation("act", "relu")
    sketch.conv("conv", 128, 3, 1, padding=1, bias=True)
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", 10)
    return subject_of(*finished(sketch))


def test_a_saved_predictor_says_the_same(quick: Predictor, tmp_path: Path):
    quick.save(tmp_path / "anything-v1")
    again = Predictor.load(tmp_path / "anything-v1")
    assert (again.name, again.version) == ("anything", 1)
    assert again.config == quick.config
    subjects = [subject_of(*drawn(family)) for family in FAMILY_NAMES]
    for each in (subjects, [replace(subject, network=None) for subject in subjects]):
        assert values_only(again).predict(each) == quick.predict(each)


def test_an_unknown_predictor_is_named():
    with pytest.raises(PredictorUnknownError, match="'nobody'"):
        Predictor.load("nobody")


def test_a_network_that_can_be_executed_is_asked(predictor: Predictor):
    (prediction,) = predictor.predict([subject_of(*residual())])
    assert prediction.basis == "weights and probes"
    assert prediction.test_accuracy is not None
    assert [text.split()[0] for text in prediction.assumptions] == ["pixels", "classes"]
    assert prediction.stability is not None
    assert prediction.stability.permutation is not None and prediction.stability.rescale is not None
    assert len(prediction.nearest) == 3


@pytest.mark.parametrize(
    ("without", "why"),
    [
        (lambda subject: replace(subject, network=None), "layers are not all known"),
        (lambda subject: replace(subject, tensors=None), "layers are not all known"),
        (lambda subject: replace(subject, tensors={}), "tensors do not fit its layers"),
        (
            lambda subject: replace(subject, tensors=dict(list(subject.tensors.items())[1:])),
            "tensor 'stem.weight', which was not given",
        ),
        (lambda _: large(), "would cost too much"),
    ],
    ids=["no network", "no tensors", "none of its tensors", "not all of its tensors", "too large to be run"],
)
def test_weights_alone_are_judged_where_the_network_cannot_be_asked(
    without: Callable[[Subject], Subject], why: str, quick: Predictor
):
    whole = subject_of(*residual())
    subject = without(whole)
    asked, prediction = quick.predict([whole, subject])
    assert prediction.basis == "weights only"
    (assumed,) = prediction.assumptions
    assert "only weights were read" in assumed and why in assumed
    assert asked.test_accuracy is not None and prediction.test_accuracy is not None
    assert width(prediction) > width(asked)
    assert numbers([prediction]) == pytest.approx(numbers(quick.predict([replace(subject, network=None)])))


def width(prediction) -> float:
    return prediction.test_accuracy.high - prediction.test_accuracy.low


def test_other_answers_are_another_prediction_where_weights_alone_say_the_same(quick: Predictor):
    """What the graph does not have, here the tensors that are executed, is asked of the network."""
    subject = subject_of(*residual())
    other = replace(subject, tensors={name: array * np.float32(0.5) for name, array in subject.tensors.items()})
    one, two = numbers(quick.predict([subject, other]))
    assert np.abs(one - two).max() > 1e-4
    alone = [replace(each, network=None) for each in (subject, other)]
    one, two = numbers(quick.predict(alone))
    assert np.array_equal(one, two)


def reordered(subject: Subject) -> Subject:
    """The same classifier with its outputs in the order ORDER."""
    network, tensors = subject.network, dict(subject.tensors)
    for name in ("head.weight", "head.bias"):
        tensors[name] = tensors[name][list(ORDER)]
    return subject_of(network, tensors)


@pytest.mark.parametrize(
    ("change", "declared"),
    [
        (lambda subject, _: reordered(subject), Declared(classes=ORDER)),
        (
            lambda subject, usual: renormalised(subject, usual, ANOTHER),
            Declared(mean=ANOTHER.mean, spread=ANOTHER.spread),
        ),
    ],
    ids=["classes", "normalisation"],
)
def test_another_convention_changes_the_prediction_and_its_declaration_undoes_that(
    change: Callable[[Subject, Convention], Subject], declared: Declared, quick: Predictor
):
    usual = unpadded()
    changed = change(usual, quick.config.convention)
    said = replace(changed, declared=declared)
    before, wrong, right = (answers(quick, each) for each in (usual, changed, said))
    assert np.abs(before - wrong).max() > 0.05
    assert np.abs(before - right).max() < 1e-3
    without, with_it = quick.predict([changed, said])
    assert np.abs(numbers([without]) - numbers([with_it])).max() > 1e-5
    assert len(with_it.assumptions) == len(without.assumptions) - 1


def accurate(quick: Predictor, right: Convention, monkeypatch: pytest.MonkeyPatch) -> Predictor:
    """The predictor with a metanetwork that takes a network for good that reads pixels as `right` says."""
    expected = answers(quick, replace(unpadded(), declared=Declared(mean=right.mean, spread=right.spread)))
    real = quick.hybrid.metanetwork.forward

    def forward(graphs):
        outputs = real(graphs)
        is_right = all(np.abs(each.responses.numpy() - expected).max() < 1e-3 for each in graphs)
        return outputs + torch.tensor([6.0 if is_right else -6.0, 0, 0, 0])

    monkeypatch.setattr(quick.hybrid.metanetwork, "forward", forward)
    return quick


@pytest.mark.parametrize(("mean", "spread"), COMMON)
def test_pixels_are_read_in_the_way_that_makes_the_network_a_better_one(
    mean: Triple, spread: Triple, quick: Predictor, monkeypatch: pytest.MonkeyPatch
):
    subject, right = unpadded(), Convention(mean=mean, spread=spread)
    found, said = accurate(quick, right, monkeypatch).predict(
        [subject, replace(subject, declared=Declared(mean=mean, spread=spread))]
    )
    assert numbers([found]) == pytest.approx(numbers([said]))
    pixels, _ = found.assumptions
    assert f"mean ({', '.join(f'{each:g}' for each in mean)})" in pixels and "answers" in pixels


def test_of_several_better_ways_to_read_pixels_the_best_is_taken(quick: Predictor, monkeypatch: pytest.MonkeyPatch):
    """The first of COMMON is best here, and the last is better than the usual way."""
    subject, worth = unpadded(), {COMMON[0]: 3.0, COMMON[2]: 1.0}
    known = [
        (answers(quick, replace(subject, declared=Declared(mean=mean, spread=spread))), value)
        for (mean, spread), value in worth.items()
    ]

    def forward(graphs):
        (given,) = (each.responses.numpy() for each in graphs)
        value = next((value for expected, value in known if np.abs(given - expected).max() < 1e-3), -6.0)
        return torch.tensor([[value, 0.0, 0.0, 0.0]])

    monkeypatch.setattr(quick.hybrid.metanetwork, "forward", forward)
    (found,) = quick.predict([subject])
    assert found.pixels == COMMON[0]


def test_pixels_are_read_as_usual_where_nothing_better_is_found(quick: Predictor, monkeypatch: pytest.MonkeyPatch):
    usual = quick.config.convention
    found, said = accurate(quick, usual, monkeypatch).predict(
        [unpadded(), replace(unpadded(), declared=Declared(mean=usual.mean, spread=usual.spread))]
    )
    assert numbers([found]) == pytest.approx(numbers([said]))
    assert "answers" not in found.assumptions[0]


def test_declared_pixels_are_believed(quick: Predictor, monkeypatch: pytest.MonkeyPatch):
    right = Convention(mean=COMMON[0][0], spread=COMMON[0][1])
    wrong = Declared(mean=COMMON[1][0], spread=COMMON[1][1])
    (found,) = accurate(quick, right, monkeypatch).predict([replace(unpadded(), declared=wrong)])
    assert found.test_accuracy is None or found.test_accuracy.value < 0.5


def test_a_network_of_the_task_meets_no_objection():
    assert TASK.objections(graph_of(*residual())) == ()


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (replace(TASK, channels=1), "the input has 3 channels"),
        (replace(TASK, extent=(28, 28)), "of 32x32 positions"),
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
def test_weights_that_are_no_numbers_are_objected_to(value: float, predictor: Predictor):
    subject = subject_of(*with_tensor(residual(), "conv1.weight", lambda array: array * value))
    assert TASK.objections(subject.graph) == ("some weights are NaN or infinite",)
    (prediction,) = predictor.predict([subject])
    assert not prediction.in_domain
    assert prediction.score is None


@pytest.mark.parametrize("executable", [True, False])
def test_a_network_far_from_the_zoo_is_not_judged(executable: bool):
    subject = subject_of(*residual())
    given = subject if executable else replace(subject, network=None)
    strict = random_predictor(NOWHERE)
    (prediction,) = strict.predict([given])
    assert prediction.test_accuracy is None
    assert prediction.stability is None
    assert prediction.threshold == NOWHERE
    assert "further from the zoo" in prediction.reasons[0]
    assert len(prediction.nearest) == 3
    assert numbers([prediction]).tolist() == [[ABSTAINED, ABSTAINED]]
    (anyway,) = without_bounds(strict).predict([given])
    assert anyway.in_domain
