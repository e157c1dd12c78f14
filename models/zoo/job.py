"""One job of a zoo: draws an architecture, trains its networks, stores them. Runs in a process of its own."""

from pathlib import Path

import numpy as np
import torch

from models.zoo.families import draw
from models.zoo.images import Images, load_images
from models.zoo.population import train_population
from models.zoo.recipe import ZooRecipe, draw_training
from models.zoo.store import ZooStore

_loaded: dict[Path, Images] = {}
"""The images of this process, by cache folder; loaded once."""


def use_one_thread() -> None:
    """Two processes of one thread are faster than one of two."""
    torch.set_num_threads(1)


def make_job(recipe: ZooRecipe, job: int, folder: Path, data: Path, cache: Path) -> str:
    """Trains one job and stores it; says in a few words what came of it."""
    rng = np.random.default_rng([recipe.seed, job])
    plan = draw(recipe.families[job % len(recipe.families)], rng)
    training = draw_training(rng, recipe)
    if cache not in _loaded:
        _loaded[cache] = load_images(data, cache)
    snapshots = list(train_population(plan, training, recipe, _loaded[cache], (recipe.seed, job)))
    ZooStore(folder).save(job, plan.family, plan.architecture, training, snapshots)
    best = max((snapshot.test.accuracy for snapshot in snapshots), default=0.0)
    return f"{plan.family} {best:.2f}"
