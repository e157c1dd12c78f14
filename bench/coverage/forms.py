"""`python -m bench.coverage.forms DIR`: whether the files of one network, in all their forms, give one graph.

Unlike `bench.coverage` it reads in this process: it is for files that are known to do no harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from bench.coverage.case import Case, cases
from bench.coverage.section import markdown_table, replace_section
from bench.revision import now_and_commit
from metagauge.cli.inspection.comparison import TOLERANCE
from metagauge.cli.inspection.inspection import Inspected, inspect_path
from metagauge.errors import MetagaugeError
from metagauge.graph.digest import differences

COLUMNS = ("network", "forms", "digests", "what differs first")
app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """One network: its forms that became graphs, those that did not, how many digests, and what differs."""

    network: str
    graphs: tuple[str, ...]
    refused: tuple[str, ...]
    digests: int
    differences: tuple[str, ...]

    @property
    def are_one(self) -> bool:
        """Whether every form gave the same graph."""
        return self.digests == 1 and not self.refused

    def cells(self) -> tuple[str, ...]:
        """As text, one for each of COLUMNS."""
        forms = ", ".join([*self.graphs, *(f"{name} (refused)" for name in self.refused)])
        return (self.network, forms, str(self.digests), self.differences[0] if self.differences else "")


@app.command()
def forms(
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Searched in depth")],
    only: Annotated[str, typer.Option(help="Only networks whose folder contains this")] = "",
    markdown: Annotated[Path | None, typer.Option(help="A page whose section about the forms is written anew")] = None,
) -> None:
    """Compare the canonical graphs of every network that DIR has in several forms."""
    found = [case for case in cases(folder) if case.network and only in case.network]
    networks = [(name, list(each)) for name, each in groupby(found, key=lambda case: case.network)]
    rows = [measured(name, each) for name, each in track(networks, console=Console(stderr=True), transient=True)]
    rows = [row for row in rows if len(row.graphs) + len(row.refused) > 1]
    table = Table(*COLUMNS, box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(Text(cell) for cell in row.cells()), style="" if row.are_one else "bold")
    Console(width=200, highlight=False).print(table, "\n".join(totals(rows)))
    if markdown is not None:
        date, commit = now_and_commit()
        about = (
            f"`python -m bench.coverage.forms {folder.name}`, {date}, {commit}. Weights are compared to {TOLERANCE:g}."
        )
        apart = markdown_table(COLUMNS, [row.cells() for row in rows if not row.are_one])
        body = [about, "", *(f"- {line}" for line in totals(rows)), "", "The others:", "", *apart]
        replace_section(markdown, f"One network in several forms, {folder.name}/", body)


def measured(network: str, found: Sequence[Case]) -> Forms:
    """One network. A safetensors file counts once: with its config.json if it needs that."""
    graphs: dict[str, Inspected] = {}
    refused: dict[str, None] = {}
    for case in found:
        if case.path.suffix != ".onnx" and case.sidecar is None and any(other.sidecar for other in found):
            continue
        try:
            graphs[case.path.name] = inspect_path(case.path, case.sidecar)
        except MetagaugeError:
            refused[case.path.name] = None
    first, *others = graphs.values() if graphs else (None,)
    apart = (
        [sentence for other in others for sentence in differences(first.graph, other.graph, TOLERANCE)] if first else []
    )
    return Forms(
        network=network,
        graphs=tuple(graphs),
        refused=tuple(refused),
        digests=len({each.inspection.graph_digest for each in graphs.values()}),
        differences=tuple(apart),
    )


def totals(rows: Sequence[Forms]) -> list[str]:
    """How many networks have one digest in all forms, by the number of forms."""
    counts = sorted({len(row.graphs) + len(row.refused) for row in rows})
    groups = {count: [row for row in rows if len(row.graphs) + len(row.refused) == count] for count in counts}
    return [
        f"{sum(row.are_one for row in group)} of {len(group)} networks that come in {count} forms have one digest"
        for count, group in groups.items()
    ]


if __name__ == "__main__":
    app()
