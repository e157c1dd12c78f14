"""A zoo's recipe: what to draw, how long to train and how widely the training choices vary."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import TypeAdapter

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A length of training in optimiser steps, and the share of jobs that get it."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    share: float
    steps: int
    tamed: float = 0.3
    """Share of networks in this tier with a sound recipe; the others vary without mercy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZooRecipe:
    """Everything that decides a zoo but the data. A job is one architecture, trained `members` times at once."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    name: str
    seed: int
    jobs: int
    families: tuple[str, ...]
    tiers: tuple[Tier, ...]
    members: int = 4
    snapshots: int = 5
    batch: int = 64
    test_images: int = 10_000
    """On how many images test accuracy and loss are measured."""
    train_images: int = 5_000
    """On how many images train accuracy and loss are measured, at most: a network's training set may be smaller."""

    def digest(self) -> str:
        """Names the networks this recipe makes; a zoo may be extended by more jobs, and be measured again."""
        networks = replace(self, jobs=0, test_images=0, train_images=0)
        return hashlib.sha256(TypeAdapter(ZooRecipe).dump_json(networks)).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How one network is trained. `label_noise` is the share of training labels drawn anew."""

    optimizer: Literal["sgd", "adamw"]
    learning_rate: float
    weight_decay: float
    label_noise: float
    training_images: int
    flips: bool
    shifts: bool
    init_scale: float
    steps: int
    cosine: bool


def load_recipe(name: str) -> ZooRecipe:
    """A recipe by the name of a shipped one or the path of a JSON file.

    Raises:
        FileNotFoundError: there is neither.
        pydantic.ValidationError: the file is not a recipe.
    """
    shipped = RECIPES / f"{name}.json"
    text = (shipped if shipped.exists() else Path(name)).read_bytes()
    return TypeAdapter(ZooRecipe).validate_json(text)


def draw_training(rng: np.random.Generator, recipe: ZooRecipe) -> tuple[TrainingRecipe, ...]:
    """The training recipes of one job's networks; they share optimiser, length and schedule."""
    shares = np.array([tier.share for tier in recipe.tiers])
    tier = recipe.tiers[int(rng.choice(len(shares), p=shares / shares.sum()))]
    optimizer: Literal["sgd", "adamw"] = "sgd" if rng.random() < 0.4 else "adamw"
    cosine = bool(rng.random() < 0.7)
    return tuple(_draw_member(rng, tier, optimizer, cosine=cosine) for _ in range(recipe.members))


def _draw_member(
    rng: np.random.Generator, tier: Tier, optimizer: Literal["sgd", "adamw"], *, cosine: bool
) -> TrainingRecipe:
    tamed = rng.random() < tier.tamed
    low, high = (-2.0, -0.8) if optimizer == "sgd" else (-3.2, -2.0)
    if not tamed:
        low, high = low - 1.5, high + 0.5
    return TrainingRecipe(
        optimizer=optimizer,
        learning_rate=float(10 ** rng.uniform(low, high)),
        weight_decay=float(10 ** rng.uniform(-5, -3 if tamed else -1.3)),
        label_noise=0.0 if tamed or rng.random() < 0.6 else float(rng.uniform(0.05, 0.8)),
        training_images=50_000 if tamed or rng.random() < 0.5 else int(10 ** rng.uniform(2.5, 4.3)),
        flips=bool(rng.integers(2)),
        shifts=bool(rng.random() < 0.3),
        init_scale=1.0 if tamed else float(10 ** rng.uniform(-0.6, 0.4)),
        steps=tier.steps,
        cosine=cosine,
    )
