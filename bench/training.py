"""`python -m bench.training`: steps of training on small networks, as blocks and as PyTorch Geometric edge lists.

A step is a forward pass, the loss, a backward pass and an update, on networks of several architectures together, by the
same metanetwork of matrix-product messages. What depends on weights alone is prepared beforehand on both sides. One
thread; the time is that of the fastest of a few steps.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from bench.batch import draw_crowd, fastest, random_metanetwork
from bench.machine import load, machine
from bench.results import record
from bench.revision import now_and_commit
from models.metanetworks.product_edge_list import ProductEdgeList
from models.metanetworks.products import ProductMetanetwork

TITLE = "Training on small networks"
COLUMNS = (
    "date",
    "commit",
    "networks",
    "architectures",
    "edges",
    "blocks networks/s",
    "edges networks/s",
    "ratio",
    "machine",
)


def bench(
    networks: Annotated[int, typer.Option(help="How many networks a step takes")] = 36,
    architectures: Annotated[int, typer.Option(help="Of how many architectures, equally many of each")] = 6,
    repeats: Annotated[int, typer.Option(help="Steps of each side")] = 5,
    write: Annotated[Path | None, typer.Option(help="Markdown file that gets a row, such as docs/results.md")] = None,
) -> None:
    """Measure both sides and print networks per CPU second."""
    torch.set_num_threads(1)
    crowd, metanetwork = draw_crowd(networks, architectures), random_metanetwork().train()
    edge_lists, rows = ProductEdgeList(metanetwork), [metanetwork.prepare(each) for each in crowd.stacked]
    prepared = edge_lists.prepare(crowd.collated)
    blocks_s, _ = fastest(stepper(metanetwork, lambda: metanetwork(rows)), repeats)
    edges_s, _ = fastest(stepper(metanetwork, lambda: edge_lists(crowd.collated, prepared)), repeats)
    speeds = crowd.networks / blocks_s, crowd.networks / edges_s
    typer.echo(f"{machine()}, torch {torch.__version__}, one thread, {load()}")
    typer.echo(f"{crowd.networks} networks of {architectures} architectures, {crowd.edges} edges")
    typer.echo(
        f"networks per CPU second: blocks {speeds[0]:.0f}, edges {speeds[1]:.1f}, ratio {speeds[0] / speeds[1]:.1f}"
    )
    if write is not None:
        figures = (f"{speeds[0]:.0f}", f"{speeds[1]:.1f}", f"{speeds[0] / speeds[1]:.1f}")
        row = (*now_and_commit(), str(crowd.networks), str(architectures), str(crowd.edges), *figures, machine())
        record(write, TITLE, COLUMNS, row)


def stepper(metanetwork: ProductMetanetwork, forward: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """A step of training towards made-up targets."""
    optimizer = torch.optim.AdamW(metanetwork.parameters(), 1e-4)

    def step() -> Tensor:
        value = forward().square().mean()
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        return value.detach()

    return step


if __name__ == "__main__":
    typer.run(bench)
