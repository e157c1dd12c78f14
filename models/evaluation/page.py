"""Puts tables of measured numbers into a page, between two marks, so that nobody copies them by hand."""

from collections.abc import Sequence
from os.path import relpath
from pathlib import Path

from models.evaluation.table import Table

BEGIN = "<!-- scorecard: written by `python -m models.evaluation scorecard` -->"
END = "<!-- end of the scorecard -->"


def write_page(page: Path, tables: Sequence[Table], pictures: Sequence[Path]) -> None:
    """Replaces the scorecard, its tables and pictures.

    Raises:
        ValueError: the page does not have both marks, in their order, once.
    """
    shown = "\n".join(f"![{path.stem.replace('-', ' ')}]({relpath(path, page.parent)})" for path in pictures)
    text = "\n".join(table.markdown() for table in tables)
    write_between(page, BEGIN, END, f"{text}\n{shown}\n")


def write_between(page: Path, begin: str, end: str, text: str) -> None:
    """Replaces what is between two marks.

    Raises:
        ValueError: the page does not have both marks, in their order, once.
    """
    before, opened, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not opened or not closed or end in after:
        raise ValueError(f"{page} needs the line {begin!r} and, once and below it, {end!r}")
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")
