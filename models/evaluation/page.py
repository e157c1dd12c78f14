"""Puts the scorecard's tables into a page, between two marks, so that nobody copies numbers by hand."""

from collections.abc import Sequence
from os.path import relpath
from pathlib import Path

from models.evaluation.table import Table

BEGIN = "<!-- scorecard: written by `python -m models.evaluation scorecard` -->"
END = "<!-- end of the scorecard -->"


def write_page(page: Path, tables: Sequence[Table], pictures: Sequence[Path]) -> None:
    """Replaces what is between the marks.

    Raises:
        ValueError: the page does not have both marks, in their order, once.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or END in after:
        raise ValueError(f"{page} needs the line {BEGIN!r} and, once and below it, {END!r}")
    shown = "\n".join(f"![{path.stem.replace('-', ' ')}]({relpath(path, page.parent)})" for path in pictures)
    text = "\n".join(table.markdown() for table in tables)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{shown}\n\n{END}{after}")
