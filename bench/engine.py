"""`python -m bench.engine`: the block engine against PyTorch Geometric edge lists, same weights, one ResNet-20 graph.

Each engine runs in a fresh process with one thread. CPU seconds are those of the fastest of several forward passes;
memory is the peak of the process above what it held when network and metanetwork were loaded.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Annotated, Literal

import numpy as np
import torch
import typer

from bench.machine import load, machine
from bench.memory import forget_peak, peak_mib, resident_mib
from bench.networks import resnet20
from bench.results import record
from bench.revision import now_and_commit
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import ParameterGraph
from models.graph_tensors import stack
from models.metanetworks.edge_list import EdgeListMetanetwork
from models.metanetworks.edges import GmnConfig, GraphMetanetwork
from models.pyg import to_pyg
from models.training.networks import checkpoint_of

Engine = Literal["blocks", "edges"]
ENGINES: tuple[Engine, ...] = ("blocks", "edges")
TITLE = "Block engine against edge lists"
COLUMNS = (
    "date",
    "commit",
    "parameters",
    "blocks CPU s",
    "edges CPU s",
    "ratio",
    "blocks MiB",
    "edges MiB",
    "ratio",
    "machine",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one engine took for one network."""

    engine: Engine
    parameters: int
    edges: int
    load_cpu_s: float
    """From the graph to the engine's tensors."""
    forward_cpu_s: float
    peak_mib: float
    outputs: tuple[float, ...]


def bench(
    repeats: Annotated[int, typer.Option(help="Forward passes of each engine")] = 10,
    write: Annotated[Path | None, typer.Option(help="Markdown file that gets a row, such as docs/results.md")] = None,
    only: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Measure both engines and print the ratios."""
    if only:
        typer.echo(json.dumps(asdict(measure("blocks" if only == "blocks" else "edges", repeats))))
        return
    blocks, edges = (_in_fresh_process(engine, repeats) for engine in ENGINES)
    typer.echo(f"{machine()}, torch {torch.__version__}, one thread, {load()}")
    typer.echo(f"ResNet-20: {blocks.parameters} parameters, {blocks.edges} edges; metanetwork {GmnConfig()}")
    for each in (blocks, edges):
        typer.echo(
            f"{each.engine:7s} forward {each.forward_cpu_s:7.2f} CPU s   tensors {each.load_cpu_s:6.2f} CPU s"
            f"   peak {each.peak_mib:7.0f} MiB above the weights"
        )
    time, space = edges.forward_cpu_s / blocks.forward_cpu_s, edges.peak_mib / blocks.peak_mib
    apart = max(abs(one - other) for one, other in zip(blocks.outputs, edges.outputs, strict=True))
    typer.echo(f"edges : blocks   time {time:.1f}   memory {space:.1f}   outputs differ by {apart:.1e}")
    if write is not None:
        record(write, TITLE, COLUMNS, _row(blocks, edges))


def measure(engine: Engine, repeats: int) -> Figures:
    """One engine in this process."""
    architecture, tensors = resnet20(np.random.default_rng(0))
    graph = build(architecture, checkpoint_of(tensors))
    torch.manual_seed(0)
    metanetwork = GraphMetanetwork(GmnConfig()).eval()
    forget_peak()
    before = resident_mib()
    started = process_time()
    forward = _loaded(engine, metanetwork, graph)
    load_cpu_s = process_time() - started
    seconds, outputs = [], torch.empty(0)
    with torch.inference_mode():
        for _ in range(repeats):
            started = process_time()
            outputs = forward()
            seconds.append(process_time() - started)
    return Figures(
        engine=engine,
        parameters=sum(tensor.size for name, tensor in tensors.items() if "running" not in name),
        edges=graph.edges,
        load_cpu_s=load_cpu_s,
        forward_cpu_s=min(seconds),
        peak_mib=peak_mib() - before,
        outputs=tuple(outputs[0].tolist()),
    )


def _loaded(engine: Engine, metanetwork: GraphMetanetwork, graph: ParameterGraph) -> Callable[[], torch.Tensor]:
    match engine:
        case "blocks":
            tensors = stack([graph])
            return lambda: metanetwork(tensors)
        case "edges":
            data, edge_lists = to_pyg(graph), EdgeListMetanetwork(metanetwork)
            return lambda: edge_lists(data)


def _in_fresh_process(engine: Engine, repeats: int) -> Figures:
    command = [sys.executable, "-m", "bench.engine", "--only", engine, "--repeats", str(repeats)]
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True, check=True
    )
    return Figures(**json.loads(done.stdout))


def _row(blocks: Figures, edges: Figures) -> tuple[str, ...]:
    return (
        *now_and_commit(),
        str(blocks.parameters),
        f"{blocks.forward_cpu_s:.2f}",
        f"{edges.forward_cpu_s:.2f}",
        f"{edges.forward_cpu_s / blocks.forward_cpu_s:.1f}",
        f"{blocks.peak_mib:.0f}",
        f"{edges.peak_mib:.0f}",
        f"{edges.peak_mib / blocks.peak_mib:.1f}",
        machine(),
    )


if __name__ == "__main__":
    typer.run(bench)
