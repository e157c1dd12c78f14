"""Trains the networks of one job together: same architecture, each with a recipe of its own.

Everything that is drawn at random is drawn on the CPU, so that a job starts alike and sees the same images on every
device. Sums are rounded as the device rounds them: a zoo repeats to the byte on the device it was made on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, sqrt

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.interpreter.layers import run_population
from models.zoo.images import Images, normalise
from models.zoo.measure import Lesson, Score, measure
from models.zoo.recipe import TrainingRecipe, ZooRecipe
from models.zoo.sketch import Plan, TensorPlan
from models.zoo.tying import trained_shape, write_out

SHIFT = 4
"""Pixels by which an image may be moved, as in He et al. 2016, sec. 4.2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One network at one moment."""

    member: int
    step: int
    tensors: dict[str, np.ndarray]
    test: Score
    train: Score


def train_population(
    plan: Plan, recipes: Sequence[TrainingRecipe], zoo: ZooRecipe, images: Images, seed: Sequence[int]
) -> Iterator[Snapshot]:
    """Trains, and yields every network at each of the zoo's snapshot steps. Diverged networks are left out.

    The work is done where the images are.
    """
    generator, rng = _random(seed)
    tensors = _start(plan, recipes, generator, images.train_pixels.device)
    trained = [name for name, tensor in plan.tensors.items() if tensor.trained]
    optimizer = _Optimizer({name: tensors[name] for name in trained}, recipes)
    lesson = Lesson.draw(images, recipes, rng)
    samples = _Samples(images.train_pixels, lesson, recipes, rng, zoo.batch)
    moments = snapshot_steps(recipes[0].steps, zoo.snapshots)
    for step in range(recipes[0].steps + 1):
        if step in moments:
            yield from _snapshots(plan, tensors, step, zoo, images, lesson)
        if step < recipes[0].steps:
            pixels, labels = samples.draw()
            outputs, _ = run_population(plan.architecture, _written_out(plan, tensors), pixels, training=True)
            loss = functional.cross_entropy(outputs.flatten(0, 1), labels.flatten(), reduction="sum") / zoo.batch
            gradients = torch.autograd.grad(loss, [tensors[name] for name in trained])
            optimizer.step(gradients, step)


def lesson_of(recipes: Sequence[TrainingRecipe], images: Images, seed: Sequence[int]) -> Lesson:
    """What `train_population` trains the networks on, drawn again."""
    return Lesson.draw(images, recipes, _random(seed)[1])


def snapshot_steps(steps: int, count: int) -> tuple[int, ...]:
    """`count` steps from early to last, evenly spaced on a logarithmic scale: 4 % of the training, then up to all."""
    return tuple(sorted({round(steps * 0.04 ** (1 - index / (count - 1))) for index in range(count)}))


def _random(seed: Sequence[int]) -> tuple[torch.Generator, np.random.Generator]:
    """Of the first weights, and of everything else."""
    rng = np.random.default_rng([*seed, 1])
    return torch.Generator().manual_seed(int(rng.integers(2**62))), rng


def _start(
    plan: Plan, recipes: Sequence[TrainingRecipe], generator: torch.Generator, device: torch.device
) -> dict[str, Tensor]:
    scales = torch.tensor([recipe.init_scale for recipe in recipes])
    return {
        name: _start_tensor(tensor, scales, generator).to(device).requires_grad_(tensor.trained)
        for name, tensor in plan.tensors.items()
    }


def _start_tensor(tensor: TensorPlan, scales: Tensor, generator: torch.Generator) -> Tensor:
    shape = (len(scales), *trained_shape(tensor.shape, tensor.tie))
    scale = scales.view(-1, *(1,) * (len(shape) - 1))
    match tensor.start:
        case "one":
            return torch.ones(shape)
        case "zero":
            return torch.zeros(shape)
        case "table":
            return 0.02 * scale * torch.randn(shape, generator=generator)
        case "weight":
            return scale * torch.randn(shape, generator=generator) / sqrt(tensor.fan_in)
        case "bias":
            return (2 * torch.rand(shape, generator=generator) - 1) / sqrt(tensor.fan_in)


def _written_out(plan: Plan, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the networks compute with."""
    return {name: write_out(tensors[name], tensor.tie) for name, tensor in plan.tensors.items()}


class _Optimizer:
    """SGD with momentum 0.9, or AdamW (Loshchilov & Hutter 2019), with a learning rate for each network."""

    def __init__(self, tensors: dict[str, Tensor], recipes: Sequence[TrainingRecipe]) -> None:
        self._tensors = list(tensors.values())
        self._recipes = recipes
        self._first = [torch.zeros_like(tensor) for tensor in self._tensors]
        self._second = [torch.zeros_like(tensor) for tensor in self._tensors]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], step: int) -> None:
        recipe = self._recipes[0]
        warmth = min(1.0, (step + 1) / (0.05 * recipe.steps + 1))
        schedule = warmth * (0.5 + 0.5 * cos(pi * step / recipe.steps) if recipe.cosine else 1.0)
        device = self._tensors[0].device
        rates = torch.tensor([each.learning_rate * schedule for each in self._recipes], device=device)
        decays = torch.tensor([each.weight_decay for each in self._recipes], device=device)
        for tensor, gradient, first, second in zip(self._tensors, gradients, self._first, self._second, strict=True):
            rate, decay = (numbers.view(-1, *(1,) * (tensor.dim() - 1)) for numbers in (rates, decays))
            norms = gradient.flatten(1).norm(dim=1).clamp_min(1e-12).view_as(rate)
            gradient = gradient * (5.0 / norms).clamp_max(1.0)
            if recipe.optimizer == "sgd":
                first.mul_(0.9).add_(gradient + decay * tensor)
                tensor.sub_(rate * first)
            else:
                first.lerp_(gradient, 0.1)
                second.lerp_(gradient.square(), 0.001)
                size = (second / (1 - 0.999 ** (step + 1))).sqrt_().add_(1e-8)
                tensor.mul_(1 - rate * decay * 10).sub_(rate * (first / (1 - 0.9 ** (step + 1))) / size)


class _Samples:
    """The batches of a population: each network sees its own images, labels and augmentation."""

    def __init__(
        self, pixels: Tensor, lesson: Lesson, recipes: Sequence[TrainingRecipe], rng: np.random.Generator, batch: int
    ) -> None:
        self._pixels, self._lesson, self._recipes, self._rng, self._batch = pixels, lesson, recipes, rng, batch

    def draw(self) -> tuple[Tensor, Tensor]:
        """Pixels (batch, networks * 3, 32, 32) and labels (networks, batch)."""
        chosen = np.stack([self._rng.choice(order, self._batch) for order in self._lesson.order])
        device = self._pixels.device
        pixels = self._pixels[torch.from_numpy(chosen.ravel()).to(device)]
        pixels = pixels.view(len(self._recipes), self._batch, 3, 32, 32).clone()
        for network, recipe in zip(pixels, self._recipes, strict=True):
            if recipe.flips:
                flipped = torch.from_numpy(np.flatnonzero(self._rng.random(self._batch) < 0.5)).to(device)
                network[flipped] = network[flipped].flip(3)
            if recipe.shifts:
                down, right = (int(shift) for shift in self._rng.integers(-SHIFT, SHIFT + 1, size=2))
                network.copy_(network.roll((down, right), (2, 3)))
        labels = torch.from_numpy(np.take_along_axis(self._lesson.labels, chosen, axis=1)).to(device)
        side_by_side = normalise(pixels.transpose(0, 1).flatten(0, 1)).view(self._batch, -1, 32, 32)
        return side_by_side.contiguous(memory_format=torch.channels_last), labels


def _snapshots(
    plan: Plan, tensors: dict[str, Tensor], step: int, zoo: ZooRecipe, images: Images, lesson: Lesson
) -> Iterator[Snapshot]:
    tensors = _written_out(plan, tensors)
    for member, (test, train) in enumerate(measure(plan.architecture, tensors, lesson, zoo, images)):
        mine = {name: tensor[member].detach().cpu().numpy().copy() for name, tensor in tensors.items()}
        if all(np.isfinite(tensor).all() for tensor in mine.values()) and np.isfinite([test.loss, train.loss]).all():
            yield Snapshot(member=member, step=step, tensors=mine, test=test, train=train)
