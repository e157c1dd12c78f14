"""Zoo networks that are equivariant to quarter turns are so, trained or not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.interpreter.layers import run
from models.zoo.families import draw
from models.zoo.population import _start, _written_out, train_population
from models.zoo.recipe import draw_training, load_recipe
from models.zoo.sketch import Plan
from tests.models.test_zoo import coloured


def _network(seed: int, plan_of=lambda plan: plan) -> tuple[Plan, dict[str, torch.Tensor]]:
    rng = np.random.default_rng(seed)
    plan = plan_of(draw("c4", rng))
    generator = torch.Generator().manual_seed(seed)
    trained = _start(plan, draw_training(rng, load_recipe("smoke")), generator, torch.device("cpu"))
    return plan, {name: tensor[0].detach() for name, tensor in _written_out(plan, trained).items()}


def _moved_by_a_quarter_turn(plan: Plan, tensors: dict[str, torch.Tensor]) -> float:
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    outputs = [run(plan.architecture, tensors, each) for each in (images, images.rot90(1, (2, 3)))]
    return float((outputs[0] - outputs[1]).abs().max() / outputs[0].std())


@pytest.mark.parametrize("seed", range(4))
def test_a_quarter_turn_of_the_image_does_not_change_the_logits(seed: int):
    assert _moved_by_a_quarter_turn(*_network(seed)) < 1e-5


def test_it_does_change_them_when_the_filters_are_not_tied():
    free = lambda plan: replace(  # noqa: E731
        plan, tensors={name: replace(tensor, tie="free") for name, tensor in plan.tensors.items()}
    )
    assert _moved_by_a_quarter_turn(*_network(0, free)) > 1e-2


@pytest.mark.parametrize("family", ["c4", "small_cnn"])
def test_what_is_written_out_has_the_planned_shapes(family: str):
    plan = draw(family, np.random.default_rng(5))
    recipes = draw_training(np.random.default_rng(5), load_recipe("smoke"))
    trained = _start(plan, recipes, torch.Generator(), torch.device("cpu"))
    shapes = {name: tuple(tensor.shape[1:]) for name, tensor in _written_out(plan, trained).items()}
    assert shapes == {name: tensor.shape for name, tensor in plan.tensors.items()}


def test_a_trained_network_is_still_equivariant():
    zoo = replace(load_recipe("smoke"), snapshots=2, batch=16)
    rng = np.random.default_rng(3)
    plan = draw("c4", rng)
    recipes = tuple(replace(each, learning_rate=0.05, flips=False, shifts=True) for each in draw_training(rng, zoo))
    first, *_, last = (each for each in train_population(plan, recipes, zoo, coloured(), (3,)) if each.member == 0)
    tensors = {name: torch.from_numpy(array) for name, array in last.tensors.items()}
    assert not np.allclose(first.tensors["conv0.weight"], last.tensors["conv0.weight"], atol=1e-3), "it was trained"
    assert _moved_by_a_quarter_turn(plan, tensors) < 1e-5


def test_the_small_cnn_is_that_of_the_paper():
    plan = draw("small_cnn", np.random.default_rng(0))
    grey = 4970  # parameters in Unterthiner et al. 2020, sec. 3, where images have one channel
    assert sum(int(np.prod(tensor.shape)) for tensor in plan.tensors.values()) == grey + 2 * 16 * 3 * 3
    shapes = [tensor.shape for name, tensor in plan.tensors.items() if name.startswith("conv") and "weight" in name]
    assert shapes == [(16, 3, 3, 3), (16, 16, 3, 3), (16, 16, 3, 3)]
