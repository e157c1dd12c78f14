"""One job of a zoo: draws an architecture, trains its networks, stores them. Runs in a process of its own."""

from collections import defaultdict
from pathlib import Path
from typing import Literal, assert_never

import numpy as np
import torch

from models.zoo.families import draw
from models.zoo.images import Images, load_images
from models.zoo.measure import Lesson, Score, measure
from models.zoo.population import lesson_of, train_population
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
    """Trains one job and stores it, or measures its networks again if it is complete; says what came of it."""
    rng = np.random.default_rng([recipe.seed, job])
    plan = draw(recipe.families[job % len(recipe.families)], rng)
    training = draw_training(rng, recipe)
    key = cache, device_of(device)
    if key not in _loaded:
        _loaded[key] = load_images(data, cache).to(key[1])
    store, seed = ZooStore(folder), (recipe.seed, job)
    if store.has(job):
        _measure_again(store, recipe, job, lesson_of(training, _loaded[key], seed), _loaded[key])
    else:
        snapshots = list(train_population(plan, training, recipe, _loaded[key], seed))
        store.save(job, plan.family, plan.architecture, training, snapshots)
    best = max((entry.test_accuracy for entry in store.job_entries(job)), default=0.0)
    return f"{plan.family} {best:.2f}"


def _measure_again(store: ZooStore, recipe: ZooRecipe, job: int, lesson: Lesson, images: Images) -> None:
    """Networks of one step side by side, as they were trained."""
    network, stored = store.networks(job)
    at_step: dict[int, dict[int, dict[str, np.ndarray]]] = defaultdict(dict)
    for member, step, tensors in stored:
        at_step[step][member] = tensors
    scores: dict[tuple[int, int], tuple[Score, Score]] = {}
    for step, members in at_step.items():
        names = next(iter(members.values()))
        device = images.test_pixels.device
        tensors = {
            name: torch.from_numpy(np.stack([mine[name] for mine in members.values()])).to(device) for name in names
        }
        found = measure(network, tensors, lesson.of(list(members)), recipe, images)
        scores |= {(member, step): score for member, score in zip(members, found, strict=True)}
    store.measured_again(job, scores)
