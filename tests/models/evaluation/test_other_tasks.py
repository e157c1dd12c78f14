"""Other tasks have the same images and ten classes, and labels that say nothing of CIFAR-10's."""

import numpy as np
import pytest
import torch

from models.evaluation.other_tasks import TASKS, relabelled
from models.zoo.images import Images

GENERATOR = torch.Generator().manual_seed(0)
PIXELS = torch.randint(256, (400, 3, 32, 32), generator=GENERATOR, dtype=torch.uint8) // torch.randint(
    1, 9, (400, 3, 1, 1), generator=GENERATOR, dtype=torch.uint8
)
LABELS = torch.randint(10, (400,), generator=GENERATOR)
CIFAR = Images(train_pixels=PIXELS, train_labels=LABELS, test_pixels=PIXELS[:100], test_labels=LABELS[:100])


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
    assert float((found.train_labels == LABELS).float().mean()) < 0.3


def test_places_are_marked_and_the_given_images_stay_as_they_are():
    before = PIXELS.clone()
    found = relabelled(CIFAR, "places")
    assert torch.equal(PIXELS, before)
    changed = (found.train_pixels != PIXELS).any(1).flatten(1).sum(1)
    assert (changed > 30).all() and (changed <= 64).all()
