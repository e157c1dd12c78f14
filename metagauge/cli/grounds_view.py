"""What a prediction rests on, as a person reads it: what was looked at, assumed and declared, and what is close."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from metagauge.cli.terminal import plain
from metagauge.contract import Declarations, NearestNetwork, Report, Stability


def grounds(report: Report) -> Iterator[tuple[str, Text]]:
    """Rows of a name and a text."""
    if report.basis is not None:
        yield "judged by", plain(report.basis)
    for assumption in report.assumptions:
        yield "taken for granted", plain(assumption)
    for text in _declared(report.declared):
        yield "declared", plain(text)
    if report.stability is not None:
        yield from _stability(report.stability)


def nearest_view(networks: tuple[NearestNetwork, ...]) -> Table:
    """The closest networks that the predictor learned from, one a line."""
    table = Table(box=None, padding=(0, 2, 0, 0), title="Nearest known networks", title_justify="left")
    for column in ("family", "test accuracy", "distance", "what it is"):
        table.add_column(column, overflow="fold")
    for network in networks:
        accuracy, distance = f"{network.test_accuracy:.1%}", f"{network.distance:.3g}"
        table.add_row(plain(network.family), accuracy, distance, plain(network.description))
    return table


def _declared(declared: Declarations) -> Iterator[str]:
    if declared.input_mean is not None and declared.input_std is not None:
        mean, std = (", ".join(f"{each:g}" for each in found) for found in (declared.input_mean, declared.input_std))
        yield f"pixels normalised by mean ({mean}) and standard deviation ({std})"
    if declared.class_order is not None:
        yield f"classes in the order {', '.join(declared.class_order)}"


def _stability(stability: Stability) -> Iterator[tuple[str, Text]]:
    moved = {"neurons reordered": stability.permutation, "neurons rescaled": stability.rescale}
    for change, distance in moved.items():
        if distance is not None:
            points = f"{100 * distance:.2g} points of test accuracy"
            yield f"moved, {change}", Text("as far as no prediction" if distance >= 1 else points)
