"""`python -m models.evaluation.other_tasks`: networks of a zoo's forms that learned another ten-class task.

They read the same images, with the same number of classes, so nothing but their weights and what they answer says that
they are not classifiers of CIFAR-10. OUT/TASK is a zoo for each task.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor
from tqdm import tqdm

from models.zoo.families import draw
from models.zoo.images import Images, load_images
from models.zoo.job import use_one_thread
from models.zoo.population import train_population
from models.zoo.recipe import Tier, TrainingRecipe, ZooRecipe, draw_training
from models.zoo.store import ZooStore

CLASSES = 10
RECIPE = ZooRecipe(
    name="other-tasks-v1",
    seed=11,
    jobs=6,
    families=("cnn", "cnn1d", "deepsets", "resnet", "vit", "mlp"),
    tiers=(Tier(share=0.7, steps=240, tamed=0.7), Tier(share=0.3, steps=800, tamed=0.7)),
    snapshots=2,
    test_images=1000,
    train_images=500,
)
"""Of each task: one architecture of each family, and soundly trained for the most part."""
FEW = 200
"""Images of `memorised`: more do not fit into networks of the zoo's size in so few steps."""
_MARK = 8
"""Side of the square that `places` asks for, in pixels."""

Relabel = Callable[[Tensor, Tensor, np.random.Generator], tuple[Tensor, Tensor]]
"""Another task's pixels and labels from CIFAR-10's: (images, 3, 32, 32) of bytes and (images,)."""


def memorised(pixels: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Labels that have nothing to do with the images (Zhang et al. 2017); `FEW` of them, plain, are trained on."""
    return pixels, torch.from_numpy(rng.integers(CLASSES, size=len(labels)))


def renamed(pixels: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """CIFAR-10 with its classes in another order, none in its place."""
    return pixels, (labels + 3) % CLASSES


def brightness(pixels: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Which tenth of the images is as bright."""
    return pixels, _tenths(pixels.float().mean((1, 2, 3)))


def hue(pixels: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Which tenth of the images is as red rather than blue."""
    return pixels, _tenths((pixels[:, 0].float() - pixels[:, 2].float()).mean((1, 2)))


def places(pixels: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Where a grey square was put, of ten places."""
    chosen = rng.integers(CLASSES, size=len(labels))
    marked = pixels.clone()
    for place in range(CLASSES):
        top, left = 12 * (place // 4), _MARK * (place % 4)
        marked[torch.from_numpy(chosen == place), :, top : top + _MARK, left : left + _MARK] = 128
    return marked, torch.from_numpy(chosen)


TASKS: Mapping[str, Relabel] = {
    "memorised": memorised,
    "renamed": renamed,
    "brightness": brightness,
    "hue": hue,
    "places": places,
}


def relabelled(images: Images, task: str) -> Images:
    """The images of another task; always the same."""
    rng = np.random.default_rng([RECIPE.seed, list(TASKS).index(task)])
    train_pixels, train_labels = TASKS[task](images.train_pixels, images.train_labels, rng)
    test_pixels, test_labels = TASKS[task](images.test_pixels, images.test_labels, rng)
    return replace(
        images,
        train_pixels=train_pixels,
        train_labels=train_labels,
        test_pixels=test_pixels,
        test_labels=test_labels,
    )


def draw_recipes(task: str, rng: np.random.Generator) -> tuple[TrainingRecipe, ...]:
    """How the networks of a job are trained: as a zoo's are, unless it is to learn images by heart."""
    drawn = draw_training(rng, RECIPE)
    if task != "memorised":
        return drawn
    return tuple(replace(each, training_images=FEW, flips=False, shifts=False, weight_decay=1e-5) for each in drawn)


def make_job(task: str, job: int, folder: Path, data: Path, cache: Path) -> str:
    """Trains one job of a task and stores it."""
    seed = (RECIPE.seed, list(TASKS).index(task), job)
    rng = np.random.default_rng(seed)
    plan = draw(RECIPE.families[job % len(RECIPE.families)], rng)
    training = draw_recipes(task, rng)
    images = relabelled(load_images(data, cache), task)
    snapshots = list(train_population(plan, training, RECIPE, images, (seed[0] + 100 * seed[1], job)))
    ZooStore(folder / task).save(job, plan.family, plan.architecture, training, snapshots)
    return f"{task} {plan.family} {max((snapshot.test.accuracy for snapshot in snapshots), default=0.0):.2f}"


def make(
    data: Annotated[Path, typer.Option(help="CIFAR-10, as `python -m models.zoo make` takes it")],
    out: Annotated[Path, typer.Option(help="Folder of the zoos")] = Path("zoos") / RECIPE.name,
    images: Annotated[Path, typer.Option(help="Folder of decoded images")] = Path("zoos/images"),
    processes: Annotated[int, typer.Option(help="Processes of one thread each")] = 2,
) -> None:
    """Train them. Complete jobs are kept, so an interrupted run goes on where it was."""
    load_images(data, images)
    stores = {task: ZooStore(out / task) for task in TASKS}
    for task, store in stores.items():
        store.prepare(replace(RECIPE, name=task))
    todo = [(task, job) for job in range(RECIPE.jobs) for task, store in stores.items() if not store.has(job)]
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=use_one_thread)
    with pool, tqdm(total=len(todo), unit="job", desc=RECIPE.name) as bar:
        running = [pool.submit(make_job, task, job, out, data, images) for task, job in todo]
        for done in as_completed(running):
            bar.set_postfix_str(done.result())
            bar.update()


def _tenths(values: Tensor) -> Tensor:
    edges = torch.quantile(values, torch.arange(1, CLASSES) / CLASSES)
    return torch.searchsorted(edges, values)


if __name__ == "__main__":
    typer.run(make)
