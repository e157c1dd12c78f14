"""`python -m bench.engine`: the engines, on graphs from ResNet-20 to GPT-2, against PyTorch Geometric edge lists.

Each pair of engine and graph runs in a fresh process with one thread. CPU seconds are those of the fastest of several
runs, statistics of the weights apart from the rest; memory is the peak of the process above what it held when network
and metanetwork were loaded, mapped files not counted. All engines but `products` compute the same mathematics with the
same weights (node, edge and global width 32, 4 rounds), and their outputs are held against each other.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import gettempdir
from time import process_time
from typing import Annotated, Literal, get_args

import numpy as np
import torch
import typer
from torch import Tensor

from bench import large_networks
from bench.machine import load, machine
from bench.memory import forget_peak, give_back, mapped_mib, peak_mib, resident_mib
from bench.networks import resnet20
from bench.results import record
from bench.revision import now_and_commit
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import ParameterGraph
from models.engine.edges import EdgeEngine
from models.engine.products import ProductEngine, survey
from models.graph_tensors import stack
from models.in_memory import checkpoint_of
from models.metanetworks.edge_list import EdgeListMetanetwork
from models.metanetworks.edge_round import GmnConfig
from models.metanetworks.edges import GraphMetanetwork
from models.metanetworks.products import ProductConfig, ProductMetanetwork
from models.pyg import to_pyg

Engine = Literal["edges", "blocks", "tiles", "products"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
"""Explicit edges; whole blocks, as in training; tiles of mapped blocks; matrix-product messages over tiles."""
_NAMED: Mapping[str, Engine] = {engine: engine for engine in ENGINES}
GMN = GmnConfig(node_width=32, edge_width=32, global_width=32, rounds=4)
TITLE = "Engines"
COLUMNS = (
    "date",
    "commit",
    "graph",
    "parameters",
    "engine",
    "statistics CPU s",
    "forward CPU s",
    "forward ns each",
    "all ns each",
    "MiB above",
    "edges' time",
    "machine",
)


def resnet20_graph() -> ParameterGraph:
    """A graph small enough for every engine."""
    architecture, tensors = resnet20(np.random.default_rng(0))
    return build(architecture, checkpoint_of(tensors))


def layer() -> ParameterGraph:
    """A layer of 206 million weights in a file of bfloat16, which is kept in the folder for temporary files."""
    return large_networks.layer(Path(gettempdir()) / "metagauge-bench-layer.bin")


GRAPHS: Mapping[str, tuple[Callable[[], ParameterGraph], Sequence[Engine]]] = {
    "ResNet-20": (resnet20_graph, ENGINES),
    "ResNet-18, half as wide": (lambda: large_networks.resnet18(32), ENGINES),
    "ResNet-18": (large_networks.resnet18, ("tiles", "products")),
    "ResNet-50": (large_networks.resnet50, ("tiles", "products")),
    "ViT-B/16": (large_networks.vit_b16, ("tiles", "products")),
    "GPT-2": (large_networks.gpt2, ("tiles", "products")),
    "one layer": (layer, ("tiles", "products")),
}
"""Edge lists of the larger ones need more memory than most machines have."""
LARGEST = "one layer"
WHOLE = 7 * 10**9
"""Parameters of a language model of the size that many people run."""
WHOLE_TITLE = "Engines on a file of 7e9 parameters, extrapolated"
WHOLE_COLUMNS = ("date", "commit", "engine", "measured", "CPU s measured", "CPU s extrapolated", "machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one engine took for one network."""

    engine: Engine
    parameters: int
    edges: int
    statistics_cpu_s: float
    """From the graph to all that the forward pass reads but the weights; an edge list is written out, too."""
    forward_cpu_s: float
    peak_mib: float
    outputs: tuple[float, ...]


def bench(
    repeats: Annotated[int, typer.Option(help="Runs of each engine")] = 3,
    write: Annotated[Path | None, typer.Option(help="Markdown file that gets rows, such as docs/results.md")] = None,
    graph: Annotated[list[str] | None, typer.Option(help="Only these graphs, by name")] = None,
    only: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Measure every engine on every graph that it is meant for."""
    chosen = graph or list(GRAPHS)
    if only:
        typer.echo(json.dumps(asdict(measure(_NAMED[only], GRAPHS[chosen[0]][0](), repeats))))
        return
    typer.echo(f"{machine()}, torch {torch.__version__}, one thread, {load()}; metanetwork {GMN}")
    for name in chosen:
        found = [_in_fresh_process(engine, name, repeats) for engine in GRAPHS[name][1]]
        reference = next((each for each in found if each.engine == "edges"), None)
        for each in found:
            row = _row(name, each, reference)
            typer.echo("  ".join(f"{column} {cell}" for column, cell in zip(COLUMNS[2:-1], row[2:-1], strict=True)))
            if write is not None:
                record(write, TITLE, COLUMNS, row)
        same = [each.outputs for each in found if each.engine != "products"]
        typer.echo(f"outputs differ by {np.ptp(same, axis=0).max():.1e}")
        if name == LARGEST:
            extrapolate(found, write)


def extrapolate(found: Sequence[Figures], write: Path | None) -> None:
    """What a whole file would take at the speed of one of its layers; memory grows with neurons, and is left out."""
    for each in found:
        seconds = each.statistics_cpu_s + each.forward_cpu_s
        whole = seconds * WHOLE / each.parameters
        typer.echo(f"{each.engine}: {whole:.0f} CPU s for {WHOLE:.0e} parameters (measured one layer, extrapolated)")
        if write is not None:
            measured = f"one layer of {each.parameters} weights"
            cells = (*now_and_commit(), each.engine, measured, f"{seconds:.2f}", f"{whole:.0f}", machine())
            record(write, WHOLE_TITLE, WHOLE_COLUMNS, cells)


def measure(engine: Engine, graph: ParameterGraph, repeats: int) -> Figures:
    """One engine in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    prepare = _loaded(engine)
    give_back()
    forget_peak()
    before, mapped = resident_mib(), mapped_mib()
    statistics, forward, outputs = [], [], torch.empty(0)
    with torch.inference_mode():
        for _ in range(repeats):
            started = process_time()
            compute = prepare(graph)
            middle = process_time()
            outputs = compute()
            statistics.append(middle - started)
            forward.append(process_time() - middle)
            del compute
    return Figures(
        engine=engine,
        parameters=large_networks.parameters(graph),
        edges=graph.edges,
        statistics_cpu_s=min(statistics),
        forward_cpu_s=min(forward),
        peak_mib=peak_mib() - before - (mapped_mib() - mapped),
        outputs=tuple(outputs[0].tolist()),
    )


def _loaded(engine: Engine) -> Callable[[ParameterGraph], Callable[[], Tensor]]:
    """From a graph to its forward pass."""
    if engine == "products":
        products = ProductEngine(ProductMetanetwork(ProductConfig()).eval())
        return lambda graph: _forward_products(products, graph)
    metanetwork = GraphMetanetwork(GMN).eval()
    match engine:
        case "edges":
            edges = EdgeListMetanetwork(metanetwork)
            return lambda graph: _forward(edges, to_pyg(graph))
        case "blocks":
            return lambda graph: _forward(metanetwork, [stack([graph])])
        case "tiles":
            tiles = EdgeEngine(metanetwork)
            return lambda graph: _forward(tiles.answer, tiles.frame(graph))


def _forward(compute: Callable[..., Tensor], given: object) -> Callable[[], Tensor]:
    return lambda: compute(given)


def _forward_products(engine: ProductEngine, graph: ParameterGraph) -> Callable[[], Tensor]:
    surveyed = survey(graph)
    return lambda: engine(graph, surveyed=surveyed)


def _in_fresh_process(engine: Engine, name: str, repeats: int) -> Figures:
    command = [sys.executable, "-m", "bench.engine", "--only", engine, "--graph", name, "--repeats", str(repeats)]
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True, check=True
    )
    return Figures(**json.loads(done.stdout))


def _row(name: str, found: Figures, edges: Figures | None) -> tuple[str, ...]:
    each = 1e9 / found.parameters
    return (
        *now_and_commit(),
        name,
        str(found.parameters),
        found.engine,
        f"{found.statistics_cpu_s:.2f}",
        f"{found.forward_cpu_s:.2f}",
        f"{found.forward_cpu_s * each:.0f}",
        f"{(found.statistics_cpu_s + found.forward_cpu_s) * each:.0f}",
        f"{found.peak_mib:.0f}",
        "" if edges is None else f"{edges.forward_cpu_s / found.forward_cpu_s:.1f}",
        machine(),
    )


if __name__ == "__main__":
    typer.run(bench)
