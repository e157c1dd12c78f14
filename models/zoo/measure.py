"""Measures networks of one architecture: accuracy and loss, on test images and on their training sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from metagauge.architecture.architecture import Architecture
from models.interpreter.layers import run_population
from models.zoo.images import Images, normalise
from models.zoo.recipe import TrainingRecipe, ZooRecipe

BATCH = 250
NO_LABEL = -100
"""Of a place that is filled up, since networks were trained on different numbers of images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Quality of one network on a number of images; the loss is the mean cross-entropy in nats."""

    accuracy: float
    loss: float
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What each network of a population is trained on, label noise included."""

    order: tuple[np.ndarray, ...]
    """Numbers of its images: (images,) each."""
    labels: np.ndarray
    """Of all training images, as each network is told them: (networks, images)."""

    @staticmethod
    def draw(images: Images, recipes: Sequence[TrainingRecipe], rng: np.random.Generator) -> "Lesson":
        """Draws the images and the wrong labels."""
        count = len(images.train_labels)
        order = tuple(rng.permutation(count)[: recipe.training_images] for recipe in recipes)
        labels = np.tile(images.train_labels.cpu().numpy(), (len(recipes), 1))
        for mine, recipe in zip(labels, recipes, strict=True):
            noisy = rng.random(count) < recipe.label_noise
            mine[noisy] = rng.integers(10, size=int(noisy.sum()))
        return Lesson(order=order, labels=labels)

    def of(self, members: Sequence[int]) -> "Lesson":
        """That of some of the networks."""
        return Lesson(order=tuple(self.order[member] for member in members), labels=self.labels[list(members)])


def measure(
    network: Architecture, tensors: Mapping[str, Tensor], lesson: Lesson, zoo: ZooRecipe, images: Images
) -> list[tuple[Score, Score]]:
    """Scores of each network on the zoo's test images, and on as many as it asks for of the network's training set.

    The training set is what batches are drawn from; in a short training many of its images are never drawn.

    Args:
        network: Of all of them.
        tensors: (networks, *shape) by name, where the images are.
        lesson: What they were trained on.
        zoo: Says on how many images; a network whose training set is smaller is measured on all of it.
        images: What they are measured on.
    """
    device = images.test_pixels.device
    tests = torch.linspace(0, len(images.test_labels) - 1, zoo.test_images).long().to(device)
    test_labels = images.test_labels[tests].expand(len(lesson.order), -1)
    test = _sums(network, tensors, images.test_pixels[tests].unsqueeze(0), test_labels)
    seen = np.stack([np.resize(order, zoo.train_images) for order in lesson.order])
    labels = np.take_along_axis(lesson.labels, seen, axis=1)
    for mine, order in zip(labels, lesson.order, strict=True):
        mine[len(order) :] = NO_LABEL
    pixels = images.train_pixels[torch.from_numpy(seen).to(device)]
    train = _sums(network, tensors, pixels, torch.from_numpy(labels).to(device))
    return list(zip(_scores(*test), _scores(*train), strict=True))


@torch.no_grad()
def _sums(
    network: Architecture, tensors: Mapping[str, Tensor], pixels: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Right answers, losses and images of each network. pixels: (networks or 1, images, 3, 32, 32)."""
    networks = len(labels)
    right, loss = torch.zeros(networks, device=labels.device), torch.zeros(networks, device=labels.device)
    for start in range(0, labels.shape[1], BATCH):
        batch = pixels[:, start : start + BATCH].expand(networks, -1, -1, -1, -1).transpose(0, 1)
        batch = normalise(batch).flatten(1, 2).contiguous(memory_format=torch.channels_last)
        outputs, _ = run_population(network, tensors, batch, training=False)
        target = labels[:, start : start + BATCH]
        right += (outputs.argmax(2) == target).sum(1)
        losses = functional.cross_entropy(
            outputs.flatten(0, 1), target.flatten(), reduction="none", ignore_index=NO_LABEL
        )
        loss += losses.view(networks, -1).sum(1)
    return right, loss, (labels != NO_LABEL).sum(1)


def _scores(right: Tensor, loss: Tensor, images: Tensor) -> list[Score]:
    return [
        Score(accuracy=each / count, loss=lost / count, images=int(count))
        for each, lost, count in zip(right.tolist(), loss.tolist(), images.tolist(), strict=True)
    ]
