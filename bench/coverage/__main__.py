"""`python -m bench.coverage DIR`: which files of a folder become parameter graphs, how much of them, at what cost."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bench.coverage.case import Case, cases
from bench.coverage.runner import Runner
from bench.coverage.section import markdown_table, replace_section
from bench.coverage.table import COLUMNS, Row, totals
from bench.machine import load, machine
from bench.revision import now_and_commit

app = typer.Typer(add_completion=False)
_RIGHT = frozenset({"coverage", "s", "MB"})


@app.command()
def coverage(
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Searched in depth")],
    only: Annotated[str, typer.Option(help="Only files whose name contains this")] = "",
    deadline: Annotated[float, typer.Option(help="Seconds for each file", min=1)] = 60.0,
    jobs: Annotated[int, typer.Option(help="Files at once; figures are best with one", min=1)] = 1,
    markdown: Annotated[Path | None, typer.Option(help="A page whose section about DIR is written anew")] = None,
) -> None:
    """Read, infer and build every ONNX and safetensors file under DIR, each in a process with the service's limits."""
    found = [case for case in cases(folder) if only in case.name]
    if not found:
        raise typer.BadParameter(f"{folder} has no ONNX or safetensors file to measure")
    rows = _measured(found, Runner(deadline_s=deadline, at_once=jobs))
    console = Console(width=None if Console().is_terminal else 200, highlight=False)
    console.print(_table(rows))
    for line in (*totals(rows), f"{machine()}, {load()}"):
        console.print(Text(line))
    if markdown is not None:
        replace_section(markdown, f"Coverage of {folder.name}/", _page(folder, rows))


def _measured(found: list[Case], runner: Runner) -> list[Row]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=len(found))
        outcomes = runner.run(found, lambda case: progress.update(task, advance=1, description=case.name[-40:]))
        return [Row(case=case, outcome=outcome) for case, outcome in zip(found, outcomes, strict=True)]


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        table.add_column(column, overflow="fold", justify="right" if column in _RIGHT else "left")
    for row in rows:
        style = "" if row.outcome.is_graph else "dim"
        style = "bold red" if row.is_expected is False else style
        table.add_row(*(Text(cell) for cell in row.cells()), style=style)
    return table


def _page(folder: Path, rows: list[Row]) -> list[str]:
    date, commit = now_and_commit()
    return [
        f"`python -m bench.coverage {folder.name}`, {date}, {commit}, {machine()}.",
        "",
        *(f"- {line}" for line in totals(rows)),
        "",
        "<details><summary>Every file</summary>",
        "",
        *markdown_table(COLUMNS, [row.cells() for row in rows]),
        "",
        "</details>",
    ]


if __name__ == "__main__":
    app()
