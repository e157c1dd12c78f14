"""A zoo is trained where its images are; no step mixes devices."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from models.interpreter.layers import run_population
from models.zoo.families import FAMILIES, draw
from models.zoo.job import device_of
from models.zoo.measure import Lesson, measure
from models.zoo.population import _Optimizer, _Samples, _start, _written_out
from models.zoo.recipe import draw_training, load_recipe
from tests.models.test_zoo import coloured

ELSEWHERE = torch.device("meta")
"""A device that every machine has; its tensors hold no numbers."""


class OneDevice(TorchDispatchMode):
    """Refuses operations that a GPU would refuse: of tensors from two devices, copies and single numbers apart."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        leaves = tree_leaves((args, kwargs or {}))
        devices = {leaf.device for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.dim() > 0}
        if len(devices) > 1 and "copy" not in str(func):
            raise RuntimeError(f"{func} mixes the devices {devices}")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_training_step_stays_on_the_device_of_the_images(family: str):
    rng = np.random.default_rng(2)
    plan, recipes = draw(family, rng), draw_training(rng, load_recipe("smoke"))
    recipes = tuple(replace(recipe, flips=True, shifts=True) for recipe in recipes)
    images = coloured()
    away = replace(images, train_pixels=images.train_pixels.to(ELSEWHERE))
    tensors = _start(plan, recipes, torch.Generator(), ELSEWHERE)
    trained = [name for name, tensor in plan.tensors.items() if tensor.trained]
    with OneDevice():
        optimizer = _Optimizer({name: tensors[name] for name in trained}, recipes)
        pixels, labels = _Samples(away.train_pixels, Lesson.draw(away, recipes, rng), recipes, rng, batch=8).draw()
        outputs, _ = run_population(plan.architecture, _written_out(plan, tensors), pixels, training=True)
        loss = functional.cross_entropy(outputs.flatten(0, 1), labels.flatten())
        optimizer.step(torch.autograd.grad(loss, [tensors[name] for name in trained]), 0)
    assert {tensor.device for tensor in (pixels, labels, outputs, loss, *tensors.values())} == {ELSEWHERE}


@pytest.mark.parametrize("family", FAMILIES)
def test_networks_are_measured_on_the_device_of_the_images(family: str):
    rng = np.random.default_rng(2)
    zoo = replace(load_recipe("smoke"), test_images=10, train_images=10)
    plan, recipes, images = draw(family, rng), draw_training(rng, zoo), coloured()
    lesson = Lesson.draw(images, recipes, rng)
    tensors = _written_out(plan, _start(plan, recipes, torch.Generator(), ELSEWHERE))
    with OneDevice(), pytest.raises(NotImplementedError, match="meta"):  # no number can be read in the end
        measure(plan.architecture, tensors, lesson, zoo, images.to(ELSEWHERE))


def test_tensors_that_were_left_behind_are_noticed():
    rng = np.random.default_rng(2)
    plan, recipes = draw("mlp", rng), draw_training(rng, load_recipe("smoke"))
    tensors = _start(plan, recipes, torch.Generator(), torch.device("cpu"))
    pixels = torch.zeros(8, 3 * len(recipes), 32, 32, device=ELSEWHERE)
    with pytest.raises(RuntimeError, match="mixes the devices"), OneDevice():
        run_population(plan.architecture, _written_out(plan, tensors), pixels, training=True)


def test_a_gpu_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto") == device_of("cpu") == torch.device("cpu")
    with pytest.raises(RuntimeError, match="--device cpu"):
        device_of("cuda")
