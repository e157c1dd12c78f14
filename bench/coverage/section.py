"""A section of a markdown page that a command writes anew each time."""

from collections.abc import Sequence
from pathlib import Path


def replace_section(page: Path, title: str, body: Sequence[str]) -> None:
    """Puts `body` under the second-level heading `title`, in place of what was there, or at the end of the page."""
    lines = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
    heading = f"## {title}"
    if heading not in lines:
        lines += [*([""] if lines else []), heading]
    start = lines.index(heading)
    rest = range(start + 1, len(lines))
    end = next((number for number in rest if lines[number].startswith("## ")), len(lines))
    after = ["", *lines[end:]] if end < len(lines) else []
    lines = [*lines[: start + 1], "", *body, *after]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; cells may hold anything."""
    return [_line(columns), _line(["---"] * len(columns)), *(_line([_cell(cell) for cell in row]) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    for mark in "\\`|*_<>[]":
        text = text.replace(mark, f"\\{mark}")
    return text
