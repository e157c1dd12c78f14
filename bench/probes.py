"""`python -m bench.probes`: what asking networks about probe images costs, in CPU milliseconds.

For each family of the zoo, architectures are drawn as the zoo draws them, and asked one network at a time (as serving
does) and as a population (as training does), about the images that a published predictor asks about. A ResNet-20 of
0.27 million parameters stands for larger networks. One thread; weights are random, as time does not depend on them.
"""

from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor

from bench.machine import load, machine
from bench.networks import Network, filled, resnet20, small_cnn
from bench.results import record
from bench.revision import now_and_commit
from metagauge.graph.build import build
from models.in_memory import checkpoint_of
from models.predictor import Predictor
from models.probes.convention import Convention
from models.probes.images import LEARNED, ProbeSet
from models.probes.probe import alone, probe
from models.zoo.families import FAMILIES, draw
from models.zoo.images import MEAN, SPREAD

TITLE = "What it costs"
COLUMNS = ("date", "commit", "networks", "images", "alone, ms", "in a population, ms", "machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU milliseconds for each network."""

    alone_ms: float
    together_ms: float


def bench(
    predictor: Annotated[str, typer.Option(help="Whose probe images, by name")] = "cifar10-accuracy",
    architectures: Annotated[int, typer.Option(help="Drawn of each family", min=1)] = 4,
    population: Annotated[int, typer.Option(help="Networks of one architecture asked together", min=1)] = 4,
    write: Annotated[Path | None, typer.Option(help="Markdown file that gets rows, such as docs/probes.md")] = None,
) -> None:
    """Print milliseconds, for each family."""
    torch.set_num_threads(1)
    typer.echo(f"{machine()}, {load()}")
    probes = Predictor.load(predictor).probes
    learned = len(probes.of(LEARNED))
    images = f"{len(probes.images) - learned} drawn, {learned} learned"
    typer.echo(f"{predictor}: {images}")
    measure([small_cnn(np.random.default_rng(0))], probes, 1)  # What is set up once is no cost of the first family.
    for name, networks in _networks(architectures):
        found = measure(networks, probes, population)
        costs = (f"{found.alone_ms:.0f}", f"{found.together_ms:.0f}")
        typer.echo(f"{name:10s} alone {costs[0]} ms, in a population {costs[1]} ms")
        if write is not None:
            record(write, TITLE, COLUMNS, (*now_and_commit(), name, images, *costs, machine()))


def measure(networks: list[Network], probes: ProbeSet, population: int) -> Cost:
    """The mean over networks of different architectures."""
    tensors = [alone(architecture, arrays) for architecture, arrays in networks]
    alone_ms = _timed(networks, tensors, probes)
    together = [
        {name: each.repeat(population, *(1,) * (each.dim() - 1)) for name, each in one.items()} for one in tensors
    ]
    together_ms = _timed(networks, together, probes) / population
    return Cost(alone_ms=alone_ms, together_ms=together_ms)


def _timed(networks: list[Network], tensors: list[dict[str, Tensor]], probes: ProbeSet) -> float:
    """CPU milliseconds for each architecture."""
    convention = Convention(mean=MEAN, spread=SPREAD)
    graphs = [build(architecture, checkpoint_of(arrays)) for architecture, arrays in networks]
    start = process_time()
    for (architecture, _), each, graph in zip(networks, tensors, graphs, strict=True):
        probe(architecture, each, graph, probes, convention)
    return 1000 * (process_time() - start) / len(networks)


def _networks(architectures: int) -> list[tuple[str, list[Network]]]:
    rng = np.random.default_rng(0)
    found: list[tuple[str, list[Network]]] = []
    for family in FAMILIES:
        plans = [draw(family, rng) for _ in range(architectures)]
        found.append((family, [filled(plan, rng) for plan in plans]))
    return [*found, ("resnet20", [resnet20(rng)])]


if __name__ == "__main__":
    typer.run(bench)
