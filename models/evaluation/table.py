"""A table that is printed to the console and written as Markdown."""

from dataclasses import dataclass

from rich import table as rich_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells are text already."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remark: str = ""
    """What a reader has to know, below the table."""

    def markdown(self, level: int = 3) -> str:
        """As Markdown, under a heading of that level."""
        lines = [
            f"{'#' * level} {self.title}",
            "",
            f"| {' | '.join(self.header)} |",
            "|---" * len(self.header) + "|",
            *(f"| {' | '.join(row)} |" for row in self.rows),
        ]
        return "\n".join(lines + (["", self.remark] if self.remark else [])) + "\n"

    def rich(self) -> rich_table.Table:
        """For a console."""
        found = rich_table.Table(*self.header, title=self.title, caption=self.remark or None)
        for row in self.rows:
            found.add_row(*row)
        return found
