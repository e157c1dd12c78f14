"""Writes what a benchmark found as a row of a table in a markdown file."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def record(page: Path, title: str, columns: Sequence[str], row: Sequence[str]) -> None:
    """Appends `row` to the table under the heading `title`, which is added to the end of the page if it is not there.

    Args:
        page: A markdown file; made if missing.
        title: A second-level heading, without its hashes.
        columns: The table's head; the first table under the heading has to have as many.
        row: One cell for each column.

    Raises:
        ValueError: the heading's table has other columns.
    """
    lines = page.read_text().splitlines() if page.exists() else []
    head = _line(columns)
    if f"## {title}" not in lines:
        lines += [*([""] if lines else []), f"## {title}", "", head, _line("---" for _ in columns)]
    start = lines.index(f"## {title}")
    found = next((number for number in range(start + 1, len(lines)) if lines[number].startswith("|")), None)
    if found is None or lines[found] != head:
        raise ValueError(f"{page}: the section {title!r} does not begin its table with {head}")
    end = next((number for number in range(found, len(lines)) if not lines[number].startswith("|")), len(lines))
    lines.insert(end, _line(row))
    page.write_text("\n".join(lines) + "\n")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
