"""One job of a zoo: draws an architecture, trains its networks, stores them. Runs in a process of its own."""

from pathlib import Path
from typing import Literal, assert_never

import numpy as np
import torch

from models.zoo.families import draw
from models.zoo.images import Images, load_images
from models.zoo.population import train_population
from models.zoo.recipe import ZooRecipe, draw_training
from models.zoo.store import ZooStore

Device = Literal["auto", "cpu", "cuda"]

_loaded: dict[tuple[Path, torch.device], Images] = {}
"""The images of this process, by cache folder and device; loaded once."""


def use_one_thread() -> None:
    """Two processes of one thread are faster than one of two."""
    torch.set_num_threads(1)


def device_of(choice: Device) -> torch.device:
    """The device of a choice; `auto` is a GPU where there is one.

    Raises:
        RuntimeError: `cuda` was asked for, and this machine or this PyTorch has none.
    """
    match choice:
        case "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        case "cuda":
            if not torch.cuda.is_available():
                raise RuntimeError("PyTorch finds no CUDA device here; use --device cpu or auto")
            return torch.device("cuda")
        case "cpu":
            return torch.device("cpu")
        case _:
            assert_never(choice)


def make_job(recipe: ZooRecipe, job: int, folder: Path, data: Path, cache: Path, device: Device = "cpu") -> str:
    """Trains one job and stores it; says in a few words what came of it."""
    rng = np.random.default_rng([recipe.seed, job])
    plan = draw(recipe.families[job % len(recipe.families)], rng)
    training = draw_training(rng, recipe)
    key = cache, device_of(device)
    if key not in _loaded:
        _loaded[key] = load_images(data, cache).to(key[1])
    snapshots = list(train_population(plan, training, recipe, _loaded[key], (recipe.seed, job)))
    ZooStore(folder).save(job, plan.family, plan.architecture, training, snapshots)
    best = max((snapshot.test.accuracy for snapshot in snapshots), default=0.0)
    return f"{plan.family} {best:.2f}"
