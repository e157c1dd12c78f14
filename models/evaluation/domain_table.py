"""`python -m models.evaluation.domain_table PREDICTOR`: what was measured of a predictor's domain, as a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.console import Console

from models.evaluation.domain_scores import EVERYTHING, ArmScores
from models.evaluation.page import write_between
from models.evaluation.table import Table

FILE = "domain.json"
BEGIN = "<!-- domain: written by `python -m models.evaluation.domain_table` -->"
END = "<!-- end of the domain -->"
_HEADER = (
    "networks",
    "count",
    "AUROC",
    "AUROC, good",
    "spared",
    "AUROC, spoiled",
    "refused",
    "answered",
    "coverage",
    "mean accuracy",
)
_ADAPTER = TypeAdapter(list[ArmScores])


def write_scores(predictor: Path, found: Sequence[ArmScores]) -> None:
    """PREDICTOR/domain.json."""
    (predictor / FILE).write_bytes(_ADAPTER.dump_json(list(found), indent=1) + b"\n")


def read_scores(predictor: Path) -> list[ArmScores]:
    """What `write_scores` wrote."""
    return _ADAPTER.validate_json((predictor / FILE).read_bytes())


def domain_table(name: str, found: Sequence[ArmScores]) -> Table:
    """A row for each kind of network, and for each of its arms."""
    return Table(title=f"Domain of {name}", header=_HEADER, rows=tuple(_row(each) for each in found))


def show(
    predictor: Annotated[Path, typer.Argument(help="Folder of a predictor that `models.evaluation.domain` measured")],
    page: Annotated[Path | None, typer.Option(help="A page to write the table into, between its marks")] = None,
) -> None:
    """Print the table, and write it into a page."""
    table = domain_table(predictor.resolve().name, read_scores(predictor))
    Console(width=160).print(table.rich())
    if page is not None:
        write_between(page, BEGIN, END, table.markdown())


def _row(each: ArmScores) -> tuple[str, ...]:
    arm = {EVERYTHING: f"**{each.kind}**", each.kind: f"**{each.kind}**"}.get(each.arm, each.arm)
    if each.kind == "control":
        arm = f"**control:** {each.arm}"
    shares = (each.auroc, each.auroc_good, each.spared, each.auroc_spoiled, each.refused, each.answered, each.coverage)
    return arm, str(each.networks), *(_written(number) for number in (*shares, each.mean_accuracy))


def _written(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


if __name__ == "__main__":
    typer.run(show)
