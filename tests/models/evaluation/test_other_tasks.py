"""Other tasks have the same images and ten classes, and labels that say nothing of CIFAR-10's."""

import numpy as np
import pytest
import torch

from models.evaluation.other_tasks import FEW, TASKS, draw_recipes, relabelled
from tests.models.evaluation.fake_images import noise

CIFAR = noise()


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_ten_classes_of_which_none_is_rare(task: str):
    counts = np.bincount(relabelled(CIFAR, task).train_labels.numpy(), minlength=10)
    assert len(counts) == 10
    assert counts.min() >= 15


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_another_one_and_always_the_same(task: str):
    found, again = relabelled(CIFAR, task), relabelled(CIFAR, task)
    assert torch.equal(found.train_labels, again.train_labels)
    assert torch.equal(found.train_pixels, again.train_pixels)
    assert float((found.train_labels == CIFAR.train_labels).float().mean()) < 0.3


def test_places_are_marked_and_the_given_images_stay_as_they_are():
    before = CIFAR.train_pixels.clone()
    found = relabelled(CIFAR, "places")
    assert torch.equal(CIFAR.train_pixels, before)
    changed = (found.train_pixels != before).any(1).flatten(1).sum(1)
    assert (changed > 30).all() and (changed <= 64).all()


@pytest.mark.parametrize("task", TASKS)
def test_what_is_memorised_is_few_images_that_stay_the_same(task: str):
    for recipe in draw_recipes(task, np.random.default_rng(0)):
        is_memorisable = recipe.training_images == FEW and not (recipe.flips or recipe.shifts)
        assert is_memorisable == (task == "memorised")
