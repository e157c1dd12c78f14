"""Draws a parameter graph into a file: SVG, a web page, or Graphviz's own language."""

from pathlib import Path
from typing import Literal

from metagauge.cli.inspection.picture.dot import dot, text
from metagauge.cli.inspection.picture.picture import picture
from metagauge.cli.inspection.picture.render import svg
from metagauge.errors import RequestInvalidError
from metagauge.graph.parameter_graph import ParameterGraph

Suffix = Literal[".svg", ".html", ".dot"]
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ margin: 0; background: #fff }} svg {{ display: block; margin: auto; max-width: none }}</style>
{drawing}
</html>
"""


def suffix_of(path: Path) -> Suffix:
    """Which kind of file `path` asks for.

    Raises:
        RequestInvalidError: it is none that can be written.
    """
    match path.suffix.lower():
        case ".svg" | ".html" | ".dot" as suffix:
            return suffix
        case other:
            message = f"a graph is drawn into a .svg, .html or .dot file, and {path.name!r} ends with {other!r}"
            raise RequestInvalidError(message)


def draw(graph: ParameterGraph, path: Path, title: str, subtitle: str) -> None:
    """Writes the drawing of `graph`.

    Raises:
        RequestInvalidError: the file's name has no suffix we know.
        ExtraMissingError: Graphviz is needed and not installed.
        LimitExceededError: the drawing is too large to be laid out in time.
    """
    suffix = suffix_of(path)
    source = dot(picture(graph), title, subtitle)
    match suffix:
        case ".dot":
            path.write_text(source, encoding="utf-8")
        case ".svg":
            path.write_bytes(svg(source))
        case ".html":
            drawing = svg(source).decode()
            inline = drawing[drawing.index("<svg") :]
            path.write_text(_PAGE.format(title=text(title), drawing=inline), encoding="utf-8")
