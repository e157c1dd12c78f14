"""A zoo is made from its recipe alone: again, after an interruption, and never over another one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from metagauge.graph.parameter_graph import ParameterGraph
from models.interpreter.layers import run_population
from models.zoo.__main__ import make
from models.zoo.families import MAX_COST, MAX_PARAMETERS, cost, draw
from models.zoo.images import Images, normalise
from models.zoo.measure import Score, measure
from models.zoo.population import lesson_of, snapshot_steps, train_population
from models.zoo.recipe import Tier, TrainingRecipe, ZooRecipe, draw_training, load_recipe
from models.zoo.store import ZooStore
from tests.models.conftest import Zoo
from tests.zoo_networks import FAMILY_NAMES, graph_of


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "jobs").iterdir())}


def test_the_smoke_recipe_makes_one_job_of_each_family(smoke_zoo: Zoo):
    entries = smoke_zoo.store.entries()
    assert {entry.family for entry in entries} == set(FAMILY_NAMES)
    assert len({entry.run for entry in entries}) == 16
    assert len(entries) == 48
    assert all(0 <= entry.test_accuracy <= 1 and 0 <= entry.train_accuracy <= 1 for entry in entries)


def test_a_zoo_can_be_read_back_as_graphs(smoke_zoo: Zoo):
    for job in range(smoke_zoo.recipe.jobs):
        architecture, networks = smoke_zoo.store.networks(job)
        graphs = [graph_of(architecture, tensors) for _, _, tensors in networks]
        assert len(graphs) == 6
        assert all(isinstance(graph, ParameterGraph) and graph.coverage == 1.0 for graph in graphs)


def test_snapshots_differ(smoke_zoo: Zoo):
    _, networks = smoke_zoo.store.networks(0)
    weights = [tensors["conv0.weight"].tobytes() for _, _, tensors in networks]
    assert len(set(weights)) == len(weights)


def test_two_runs_give_equal_bytes(smoke_zoo: Zoo, tmp_path: Path):
    smoke_zoo.make(tmp_path / "again", range(2))
    again = files(tmp_path / "again")
    assert again == {name: files(smoke_zoo.folder)[name] for name in again}
    assert len(again) == 4


def test_another_seed_gives_other_networks(smoke_zoo: Zoo, tmp_path: Path):
    other = replace(smoke_zoo, recipe=replace(smoke_zoo.recipe, seed=2))
    other.make(tmp_path / "other", range(1))
    assert files(tmp_path / "other")["00000.safetensors"] != files(smoke_zoo.folder)["00000.safetensors"]


def test_an_interrupted_zoo_goes_on_where_it_was(mlp_zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / mlp_zoo.recipe.name
    recipe = tmp_path / "recipe.json"
    recipe.write_bytes((mlp_zoo.folder / "recipe.json").read_bytes())
    (folder / "jobs").mkdir(parents=True)
    for name, content in files(mlp_zoo.folder).items():
        (folder / "jobs" / name).write_bytes(content)
    (folder / "jobs" / "00007.json").unlink()
    (folder / "jobs" / "00007.safetensors").write_bytes(b"half a file")
    make(str(recipe), mlp_zoo.data, tmp_path, processes=1, only=None, device="cpu")
    shown = capsys.readouterr()
    assert files(folder) == files(mlp_zoo.folder)
    assert "72 snapshots" in shown.out
    assert "11/12" in shown.err and "12/12" in shown.err, "the bar counts what was there before"
    assert "0/1 " not in shown.err


def test_a_folder_keeps_its_recipe(mlp_zoo: Zoo):
    with pytest.raises(ValueError, match="another recipe"):
        mlp_zoo.store.prepare(replace(mlp_zoo.recipe, batch=8))


def test_a_zoo_may_get_more_jobs(mlp_zoo: Zoo, tmp_path: Path):
    store = ZooStore(tmp_path)
    store.prepare(mlp_zoo.recipe)
    store.prepare(replace(mlp_zoo.recipe, jobs=99))
    assert store.recipe().jobs == 99


def test_a_zoo_may_be_measured_on_more_images(mlp_zoo: Zoo, tmp_path: Path):
    """What was trained stays, and its labels are those of a zoo that was measured so from the start."""
    finer = replace(mlp_zoo, recipe=replace(mlp_zoo.recipe, jobs=2, test_images=60, train_images=50))
    fresh = finer.make(tmp_path / "fresh", range(2))
    recipe = tmp_path / "recipe.json"
    recipe.write_bytes(TypeAdapter(ZooRecipe).dump_json(finer.recipe))
    again = mlp_zoo.make(tmp_path / mlp_zoo.recipe.name, range(2))
    weights = files(tmp_path / mlp_zoo.recipe.name)["00001.safetensors"]
    make(str(recipe), mlp_zoo.data, tmp_path, processes=1, only=None, device="cpu")
    assert files(tmp_path / mlp_zoo.recipe.name) == files(tmp_path / "fresh")
    assert files(tmp_path / mlp_zoo.recipe.name)["00001.safetensors"] == weights
    assert {(entry.test_images, entry.train_images) for entry in again.entries()} == {(60, 50)}
    assert fresh.is_measured(1, finer.recipe) and not fresh.is_measured(1, mlp_zoo.recipe)


def test_a_loss_beyond_all_numbers_is_kept(mlp_zoo: Zoo, tmp_path: Path):
    """A network may answer finite numbers of its test images, and be infinitely wrong on others."""
    store = mlp_zoo.make(tmp_path, range(1))
    before = store.job_entries(0)
    test, train = Score(accuracy=0.25, loss=2.0, images=8), Score(accuracy=0.5, loss=float("inf"), images=4)
    store.measured_again(0, {(entry.member, entry.step): (test, train) for entry in before})
    labels = {
        (entry.test_accuracy, entry.test_loss, entry.test_images, entry.train_accuracy, entry.train_loss)
        for entry in store.entries()
    }
    assert labels == {(0.25, 2.0, 8, 0.5, float("inf"))}
    assert [(entry.run, entry.step) for entry in store.entries()] == [(entry.run, entry.step) for entry in before]


def test_train_accuracy_is_of_every_image_once():
    """Networks of one population may have been trained on fewer images than are asked for."""
    images = coloured()
    recipes = (replace(sound("sgd"), training_images=7), replace(sound("sgd"), training_images=20))
    plan = draw("mlp", np.random.default_rng(4))
    lesson = lesson_of(recipes, images, (0,))
    zoo = ZooRecipe(name="", seed=0, jobs=1, families=("mlp",), tiers=(), test_images=10, train_images=15)
    generator = torch.Generator().manual_seed(0)
    tensors = {name: torch.rand((2, *tensor.shape), generator=generator) - 0.5 for name, tensor in plan.tensors.items()}
    found = measure(plan.architecture, tensors, lesson, zoo, images)
    assert [train.images for _, train in found] == [7, 15]
    for member, (_, train) in enumerate(found):
        order = lesson.order[member][: train.images]
        pixels = normalise(images.train_pixels[torch.from_numpy(order)])
        alone = {name: tensor[member : member + 1] for name, tensor in tensors.items()}
        outputs, _ = run_population(plan.architecture, alone, pixels, training=False)
        right = outputs[0].argmax(1).numpy() == lesson.labels[member][order]
        assert train.accuracy == pytest.approx(right.mean())
        wanted = torch.from_numpy(lesson.labels[member][order])
        assert train.loss == pytest.approx(float(torch.nn.functional.cross_entropy(outputs[0], wanted)), rel=1e-5)


def test_a_recipe_with_an_unknown_word_is_refused(tmp_path: Path):
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"name": "x", "seed": 1, "jobs": 1, "families": ["mlp"], "tiers": [], "job": 3}')
    with pytest.raises(ValueError, match="job"):
        load_recipe(str(recipe))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(FAMILY_NAMES), st.integers(0, 10_000))
def test_drawn_networks_stay_small(family: str, seed: int):
    plan = draw(family, np.random.default_rng(seed))
    assert sum(int(np.prod(tensor.shape)) for tensor in plan.tensors.values()) <= MAX_PARAMETERS
    assert cost(plan) <= MAX_COST
    assert plan.family == family


def test_recipes_of_one_job_share_what_a_population_must_share():
    recipe = load_recipe("diverse-v1")
    for seed in range(20):
        members = draw_training(np.random.default_rng(seed), recipe)
        assert len(members) == recipe.members
        assert len({(each.optimizer, each.steps, each.cosine) for each in members}) == 1
        assert len({each.learning_rate for each in members}) == recipe.members


def test_snapshots_are_spaced_from_early_to_last():
    assert snapshot_steps(1000, 3) == (40, 200, 1000)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_training_learns_what_can_be_learned(optimizer: str, one_thread: None):
    images = coloured()
    zoo = ZooRecipe(
        name="", seed=0, jobs=1, families=("mlp",), tiers=(Tier(share=1, steps=60),), snapshots=2, test_images=100
    )
    recipe = sound(optimizer)
    recipes = (recipe, replace(recipe, learning_rate=0.0))
    plan = draw("mlp", np.random.default_rng(4))
    found = list(train_population(plan, recipes, zoo, images, (0,)))
    learned, idle = (each for each in found if each.step == 60)
    assert learned.test.accuracy > 0.9
    assert idle.test.accuracy < 0.5


def sound(optimizer: str) -> TrainingRecipe:
    return TrainingRecipe(
        optimizer="sgd" if optimizer == "sgd" else "adamw",
        learning_rate=0.02 if optimizer == "sgd" else 0.005,
        weight_decay=1e-5,
        label_noise=0.0,
        training_images=50_000,
        flips=True,
        shifts=True,
        init_scale=1.0,
        steps=60,
        cosine=True,
    )


def coloured() -> Images:
    """Images of one of ten colours each, which is the class."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, size=(10, 3))
    labels = np.arange(200) % 10
    pixels = np.broadcast_to(colours[labels][:, :, None, None], (200, 3, 32, 32)).astype(np.uint8)
    pixels, labels = torch.from_numpy(pixels), torch.from_numpy(labels)
    return Images(
        train_pixels=pixels[:100], train_labels=labels[:100], test_pixels=pixels[100:], test_labels=labels[100:]
    )
