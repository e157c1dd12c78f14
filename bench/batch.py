"""`python -m bench.batch`: many small networks at once, as blocks and as a PyTorch Geometric batch of edge lists.

Networks are convolutional ones of several architectures, as the zoo draws them. Both sides compute the same function of
the same weights, matrix-product messages, on one thread of one process; a time is that of the fastest of a few passes.
Blocks are timed from stacked tensors, functions of weights included; edge lists are timed with and without them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from time import process_time
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor
from torch_geometric.data import Batch

from bench.machine import load, machine
from bench.networks import filled
from bench.results import record
from bench.revision import now_and_commit
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import ParameterGraph
from models.graph_tensors import GraphTensors, stack
from models.in_memory import checkpoint_of
from models.metanetworks.product_edge_list import ProductEdgeList
from models.metanetworks.products import ProductConfig, ProductMetanetwork
from models.pyg import ParameterData, to_pyg
from models.zoo.families import draw
from models.zoo.sketch import Plan

TITLE = "Batches of small networks"
COLUMNS = ("date", "commit", "networks", "architectures", "edges", "blocks CPU s", "edges CPU s", "ratio", "machine")
MOST_PARAMETERS = 8000
"""Of a network: edge lists of a batch of larger ones take several GiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """The same networks in both forms, in one order."""

    stacked: Sequence[GraphTensors]
    collated: ParameterData
    networks: int
    edges: int


def bench(
    networks: Annotated[int, typer.Option(help="How many networks")] = 256,
    architectures: Annotated[int, typer.Option(help="Of how many architectures, equally many of each")] = 8,
    repeats: Annotated[int, typer.Option(help="Passes of each side")] = 3,
    write: Annotated[Path | None, typer.Option(help="Markdown file that gets a row, such as docs/results.md")] = None,
) -> None:
    """Measure both sides and print the ratio."""
    torch.set_num_threads(1)
    crowd = draw_crowd(networks, architectures)
    metanetwork = random_metanetwork()
    edge_lists = ProductEdgeList(metanetwork)
    with torch.inference_mode():
        blocks_s, blocks = fastest(lambda: metanetwork(crowd.stacked), repeats)
        edges_s, edges = fastest(lambda: edge_lists(crowd.collated), repeats)
        prepared = edge_lists.prepare(crowd.collated)
        bare_s, _ = fastest(lambda: edge_lists(crowd.collated, prepared), repeats)
    apart = float((blocks - edges).norm() / edges.norm())
    typer.echo(f"{machine()}, torch {torch.__version__}, one thread, {load()}")
    typer.echo(f"{crowd.networks} networks of {architectures} architectures, {crowd.edges} edges")
    typer.echo(f"blocks {blocks_s:.3f} CPU s   edges {edges_s:.3f} CPU s, {bare_s:.3f} without functions and degrees")
    typer.echo(
        f"edges : blocks {edges_s / blocks_s:.1f}, {bare_s / blocks_s:.1f} without functions and degrees of edges"
    )
    typer.echo(f"outputs differ by {apart:.1e} of their size")
    if write is not None:
        figures = (f"{blocks_s:.3f}", f"{bare_s:.3f}", f"{bare_s / blocks_s:.1f}")
        row = (*now_and_commit(), str(crowd.networks), str(architectures), str(crowd.edges), *figures, machine())
        record(write, TITLE, COLUMNS, row)


def random_metanetwork() -> ProductMetanetwork:
    """The shipped size, with seeded random weights, for inference."""
    torch.manual_seed(0)
    return ProductMetanetwork(ProductConfig(dropout=0.0)).eval()


def draw_crowd(networks: int, architectures: int) -> Crowd:
    """Convolutional networks with random weights."""
    rng, jobs = np.random.default_rng(0), []
    while len(jobs) < architectures:
        plan = draw("cnn", rng)
        if sum(prod(tensor.shape) for tensor in plan.tensors.values()) <= MOST_PARAMETERS:
            jobs.append([_random_graph(plan, rng) for _ in range(networks // architectures)])
    graphs = [graph for job in jobs for graph in job]
    return Crowd(
        stacked=[stack(job) for job in jobs],
        collated=_collated(graphs),
        networks=len(graphs),
        edges=sum(graph.edges for graph in graphs),
    )


def fastest(compute: Callable[[], Tensor], repeats: int) -> tuple[float, Tensor]:
    """CPU seconds of the fastest of some passes, and what the last one returned."""
    seconds, found = [], torch.empty(0)
    for _ in range(repeats):
        started = process_time()
        found = compute()
        seconds.append(process_time() - started)
    return min(seconds), found


def _random_graph(plan: Plan, rng: np.random.Generator) -> ParameterGraph:
    architecture, tensors = filled(plan, rng)
    return build(architecture, checkpoint_of(tensors))


def _collated(graphs: Sequence[ParameterGraph]) -> ParameterData:
    batch = Batch.from_data_list([to_pyg(graph) for graph in graphs])
    if not isinstance(batch, ParameterData):
        raise TypeError(f"collating gave {type(batch).__name__}")
    return batch


if __name__ == "__main__":
    typer.run(bench)
