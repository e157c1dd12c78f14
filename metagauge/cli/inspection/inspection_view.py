"""An inspection as a person reads it in a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from metagauge.cli.inspection.inspection import Inspection
from metagauge.cli.report_view import findings_view
from metagauge.cli.terminal import plain
from metagauge.contract import FindingMessage


def inspection_view(found: Inspection) -> RenderableType:
    """Summary, layers, and whatever needs attention."""
    parts: list[RenderableType] = [_summary(found), Text(), _layers(found)]
    if found.unsupported:
        parts += [Text(), Text("Not understood, and left out of the graph", "bold yellow")]
        parts += [plain(f"  {piece.operator} {piece.name}: {', '.join(piece.tensors)}") for piece in found.unsupported]
    if found.findings:
        messages = tuple(
            FindingMessage(rule=item.rule, level=item.level, message=item.message, layer=item.layer, value=item.value)
            for item in found.findings
        )
        parts += [Text(), findings_view(messages)]
    return Group(*parts)


def _summary(found: Inspection) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    dtypes = ", ".join(f"{count:,} {dtype}" for dtype, count in found.dtypes.items())
    assumed = f"; assumed: {', '.join(found.assumed)}" if found.assumed else ""
    size = found.graph
    table.add_row("file", plain(found.file, "bold"))
    table.add_row("format", plain(f"{found.format}, {found.size_bytes:,} bytes, {found.tensors} tensors"))
    table.add_row("digest", found.tensors_digest)
    table.add_row("parameters", plain(f"{found.parameters:,} ({dtypes})"))
    table.add_row("family", plain(found.family))
    table.add_row("provenance", plain(found.provenance + assumed))
    table.add_row("coverage", f"{found.coverage:.1%} of the parameters")
    table.add_row("input", shape_text(found.input_shape))
    edges = f"{size.nodes:,} nodes in {size.groups} groups, {size.edges:,} edges in {size.blocks} blocks"
    table.add_row("graph", edges)
    return table


def _layers(found: Inspection) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), title="Layers", title_justify="left")
    for column in ("name", "kind", "reads", "weights", "output"):
        table.add_column(column, overflow="fold")
    table.add_column("parameters", justify="right")
    for row in found.layers:
        weights = ", ".join(shape_text(shape) for shape in row.weight_shapes)
        output = f"{row.output_layout} {shape_text(row.output_shape)}"
        count = f"{row.parameters:,}" if row.parameters else ""
        table.add_row(plain(row.name), row.kind, plain(", ".join(row.inputs)), weights, output, count)
    return table


def shape_text(shape: tuple[int, ...]) -> str:
    """Such as `16x3x3x3`."""
    return "x".join(str(size) for size in shape) or "scalar"
