"""Jobs of a zoo that was never trained: real architectures and graphs, random weights, labels by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from metagauge.graph.build import build
from models.graph_tensors import stack
from models.in_memory import checkpoint_of
from models.training.networks import JobNetworks
from models.zoo.recipe import TrainingRecipe
from models.zoo.store import Entry
from tests.zoo_networks import drawn

STEPS = (0, 10)
TRAINING = TrainingRecipe(
    optimizer="sgd",
    learning_rate=0.1,
    weight_decay=0.001,
    label_noise=0.0,
    training_images=100,
    flips=False,
    shifts=False,
    init_scale=1.0,
    steps=10,
    cosine=True,
)


def job(
    number: int, family: str = "mlp", *, seed: int | None = None, members: int = 2, zoo: str = "one"
) -> JobNetworks:
    """`members` runs of two snapshots each. Jobs of one seed and family share their architecture."""
    architecture, tensors = drawn(family, number if seed is None else seed)
    entries = tuple(
        Entry(
            job=number,
            member=member,
            step=step,
            family=family,
            test_accuracy=0.1 + 0.001 * number + 0.01 * member + 0.02 * step,
            test_loss=2.0,
            test_images=100,
            train_accuracy=0.2 + 0.02 * step,
            train_loss=2.0,
            train_images=100,
            is_final=step == STEPS[-1],
            training=TRAINING,
        )
        for member in range(members)
        for step in STEPS
    )
    scaled = [
        {name: array * np.float32(1 + 0.1 * row) for name, array in tensors.items()} for row in range(len(entries))
    ]
    graphs = stack([build(architecture, checkpoint_of(each)) for each in scaled])
    return JobNetworks(
        zoo=Path(zoo),
        job=number,
        architecture=f"{family}-{number if seed is None else seed}",
        family=family,
        network=architecture,
        tensors={name: torch.from_numpy(np.stack([each[name] for each in scaled])) for name in tensors},
        graphs=graphs,
        written=graphs,
        entries=entries,
    )


def jobs(count: int = 10, families: tuple[str, ...] = ("mlp", "cnn")) -> list[JobNetworks]:
    """`count` jobs of each family, each of another architecture."""
    return [job(number, family) for family in families for number in range(count)]


def again(one: JobNetworks, zoo: str) -> JobNetworks:
    """The same architecture, as another zoo has it."""
    return replace(one, zoo=Path(zoo))
