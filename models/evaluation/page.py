"""Puts tables of measured numbers into a page, between two marks, so that nobody copies them by hand."""

from collections.abc import Sequence
from os.path import relpath
from pathlib import Path

from models.evaluation.table import Table

BEGIN = "<!-- scorecard: written by `python -m models.evaluation scorecard` -->"
END = "<!-- end of the scorecard -->"


def write_page(page: Path, tables: Sequence[Table], pictures: Sequence[Path]) -> None:
    """Writes the scorecard's tables and pictures over those of the same zoos and predictors, and leaves all others.

    Zoos may be gone, and with them what was measured on them: the page is then where their tables last.

    Raises:
        ValueError: the page does not have both marks, in their order, once.
    """
    old = page.read_text().partition(BEGIN)[2].partition(END)[0]
    sections = [f"### {each}".rstrip() for each in old.partition("\n![")[0].split("### ")[1:]]
    written = {_subject(f"### {table.title}") for table in tables}
    kept = [section for section in sections if _subject(section) not in written]
    shown = {f"![{path.stem.replace('-', ' ')}]({relpath(path, page.parent)})": None for path in pictures}
    of_others = (line for line in old.splitlines() if line.startswith("![") and line not in shown)
    text = "\n\n".join((*kept, *(table.markdown().rstrip() for table in tables)))
    write_between(page, BEGIN, END, f"{text}\n\n" + "".join(f"{line}\n" for line in (*of_others, *shown)))


def _subject(section: str) -> str:
    """What a table is of: the zoo or predictor before the colon of its title."""
    return section.splitlines()[0].partition(":")[0]


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
