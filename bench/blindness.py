"""`python -m bench.blindness`: what each change of the blindness suite does to function, graph and prediction.

The changes are those of `tests/blindness/changes.py`, whose tests assert that each of these columns moves.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from bench.results import record
from metagauge.graph.digest import digest
from metagauge.graph.parameter_graph import ParameterGraph
from models.graph_tensors import stack
from models.metanetworks.config import AnyMetanetwork
from models.metanetworks.targets import accuracy_and_gap
from models.predictor import Predictor
from tests.blindness.changes import CHANGES, Pair
from tests.blindness.network import outputs
from tests.exported import images
from tests.zoo_networks import graph_of

COLUMNS = ("change", "outputs move by", "graph differs in", "predicted accuracy", "moves by")
_INTRODUCTION = """# What the graph and the prediction see

Public graph metanetworks do not see some of what a network computes: their answer stays the same when heads, running
statistics or activations change. Each row here is two small networks that differ in one thing. The columns say how far
the outputs move on random images, as a share of their spread; which part of the canonical graph's digest differs; and
what the published predictor's metanetwork of weights alone says of both, in float64; the other one also asks the
networks themselves. The networks are untrained and outside of the predictor's domain, so its figures mean nothing by
themselves: what matters is that they move.

`python -m bench.blindness --write docs/blindness.md` made this page; `tests/blindness` asserts each row, for this
predictor and for metanetworks with random weights.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is seen of one change."""

    function: float
    """Largest difference of an output, by the outputs' standard deviation."""
    graph: str
    """What differs in the canonical graph: its structure, or its weights alone."""
    before: float
    after: float


def see(pair: Pair, metanetwork: AnyMetanetwork) -> Sight:
    """Looks at both networks. metanetwork: in float64."""
    networks = [make() for make in pair]
    one, other = (outputs(network, images()) for network in networks)
    graphs = [graph_of(*network) for network in networks]
    before, after = (_accuracy(graph, metanetwork) for graph in graphs)
    structures = {digest(graph).partition("-")[0] for graph in graphs}
    differs = digest(graphs[0]) != digest(graphs[1])
    seen = "structure" if len(structures) == 2 else "weights"
    return Sight(
        function=float((one - other).abs().max() / one.std()),
        graph=seen if differs else "nothing",
        before=before,
        after=after,
    )


@torch.inference_mode()
def _accuracy(graph: ParameterGraph, metanetwork: AnyMetanetwork) -> float:
    accuracy, _ = accuracy_and_gap(metanetwork([stack([graph]).double()]))
    return float(accuracy[0])


def main(
    write: Annotated[Path | None, typer.Option(help="Markdown page to write anew")] = None,
    name: Annotated[str, typer.Option(help="Predictor, by name or by name and version")] = "cifar10-accuracy",
) -> None:
    """Look at every change."""
    predictor = Predictor.load(name)
    metanetwork = predictor.weights.metanetwork.double()
    rows = [_row(change, see(pair, metanetwork)) for change, pair in CHANGES.items()]
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)
    if write is not None:
        write.write_text(_INTRODUCTION)
        for row in rows:
            record(write, f"{predictor.name}, version {predictor.version}", COLUMNS, row)
        typer.echo(f"wrote {write}")


def _row(change: str, sight: Sight) -> tuple[str, ...]:
    return (
        change,
        f"{sight.function:.2g}",
        sight.graph,
        f"{sight.before:.4f} to {sight.after:.4f}",
        f"{abs(sight.after - sight.before):.1e}",
    )


if __name__ == "__main__":
    typer.run(main)
