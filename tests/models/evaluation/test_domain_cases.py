"""Networks to be judged: the damage that is named is done, and what they are worth is measured."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.evaluation.domain_cases import (
    CHANCE,
    FRESH,
    HeldOut,
    damaged_cases,
    fresh_cases,
    inside,
    measure,
    of_other_task,
)
from models.training.damage import TRUNCATED
from models.transforms.registry import DAMAGING
from tests.models.evaluation.fake_images import noise
from tests.models.evaluation.fake_jobs import job
from tests.models.small_zoo import MLPS

IMAGES = noise()
MEASURED = HeldOut.of(IMAGES, 100)
CNN = job(3, "cnn")


def test_snapshots_are_judged_as_they_are_and_with_the_accuracy_of_the_zoo():
    found = list(inside([CNN], 2, seed=0))
    assert len(found) == 2
    assert {case.test_accuracy for case in found} <= {entry.test_accuracy for entry in CNN.entries}


def test_every_kind_of_damage_has_an_arm_of_its_own():
    arms = Counter(case.arm for case in damaged_cases([job(0, "vit")], MEASURED, 2, seed=0))
    assert arms == dict.fromkeys((*DAMAGING, TRUNCATED), 2)


def test_damaged_networks_carry_what_they_were_and_what_they_are():
    case = next(each for each in damaged_cases([CNN], MEASURED, 1, seed=0) if each.arm == "shuffle")
    (original,) = inside([CNN], 1, seed=0)
    assert case.before == original.test_accuracy
    assert case.subject.tensors is not None
    assert case.test_accuracy == pytest.approx(measure(CNN.network, [case.subject.tensors], MEASURED)[0])


def test_accuracy_is_the_share_of_images_that_are_told_rightly():
    tensors = {name: tensor[0].numpy() for name, tensor in CNN.tensors.items()}
    (accuracy,) = measure(CNN.network, [tensors], MEASURED)
    wrong = HeldOut(pixels=MEASURED.pixels, labels=torch.full_like(MEASURED.labels, -1))
    assert 0 <= accuracy <= 1
    assert measure(CNN.network, [tensors], wrong) == [0]


def test_fresh_networks_are_of_each_family_and_at_chance():
    found = list(fresh_cases(["mlp", "cnn", "cnn"], MLPS, IMAGES, 100, 2, seed=0))
    assert [case.subject.graph.family for case in found] == ["mlp", "mlp", "cnn", "cnn", "cnn", "cnn"]
    assert {case.arm for case in found} == {FRESH}
    assert np.mean([case.test_accuracy or 0.0 for case in found]) == pytest.approx(CHANCE, abs=0.08)


def test_of_another_task_only_those_that_learned_it_are_good():
    entries = tuple(replace(entry, train_accuracy=0.9 if entry.member == 0 else 0.1) for entry in CNN.entries)
    found = list(of_other_task("hue", [replace(CNN, entries=entries)], MEASURED))
    assert [case.was_good for case in found] == [entry.member == 0 for entry in entries if entry.is_final]
