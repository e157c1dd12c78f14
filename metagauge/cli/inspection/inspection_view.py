"""An inspection as a person reads it in a terminal."""

from collections import Counter
from typing import assert_never

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from metagauge.architecture.architecture import Unsupported
from metagauge.architecture.settings import settings_text
from metagauge.cli.inspection.comparison import Comparison, Side
from metagauge.cli.inspection.inspection import GroupRow, Inspection
from metagauge.cli.report_view import findings_view
from metagauge.cli.terminal import plain
from metagauge.contract import FindingMessage

_TENSORS = 6
"""Tensors that are named for each piece which is not understood."""
_COMPLETING = frozenset({"bias", "norm_scale", "norm_shift"})
"""Roles of blocks that a graph has also where the file has none: zero biases, scales of one."""
_FINDINGS = 40
_OPERATORS = 12


def inspection_view(found: Inspection) -> RenderableType:
    """Summary, what the network is made of, and whatever needs attention."""
    parts: list[RenderableType] = [_summary(found), Text(), _layers(found) if found.layers else _groups(found)]
    if found.unsupported:
        parts += [Text(), _unsupported(found.unsupported)]
    if found.findings:
        shown = found.findings[:_FINDINGS]
        messages = tuple(
            FindingMessage(rule=item.rule, level=item.level, message=item.message, layer=item.layer, value=item.value)
            for item in shown
        )
        parts += [Text(), findings_view(messages)]
        if len(found.findings) > len(shown):
            parts.append(Text(f"and {len(found.findings) - len(shown)} more, which --json lists"))
    return Group(*parts)


def comparison_view(compared: Comparison) -> RenderableType:
    """The two in a line each, whether they are one network, and everything that they do not share."""
    bound = f"{compared.tolerance:g} of a block's largest weight"
    parts: list[RenderableType] = [_side("first", compared.first), _side("second", compared.second)]
    match compared.verdict:
        case "same":
            parts.append(Text(f"The same graph: no weights differ by more than {bound}.", "bold green"))
            if not compared.same_digest:
                parts.append(Text("Their digests differ: these are finer than that.", "dim"))
            return Group(*parts)
        case "other weights":
            parts.append(Text(f"The same structure, other weights: they differ by more than {bound}.", "bold yellow"))
        case "other structure":
            parts.append(Text("Two graphs: they differ in structure, so weights were not compared.", "bold yellow"))
        case _:
            assert_never(compared.verdict)
    if compared.explanations:
        parts.append(Text("What may explain it:"))
        parts += [plain(f"  - {explanation}") for explanation in compared.explanations]
    if compared.same_digest:
        parts.append(Text("Their digests are the same: the differences are smaller than these can show.", "dim"))
    parts.append(Text("Neurons were compared in the order of the files; reordered ones count as others.", "dim"))
    parts.append(Text("Differences:"))
    parts += [plain(f"  - {difference}") for difference in compared.differences]
    return Group(*parts)


def _side(name: str, side: Side) -> Text:
    inputs = ", ".join(shape_text(shape) for shape in side.inputs)
    about = f"{side.family}, {side.parameters:,} parameters, input {inputs}, graph digest {side.graph_digest}"
    return plain(f"{name:<6}  {side.file}: {about}")


def _summary(found: Inspection) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    dtypes = ", ".join(f"{count:,} {dtype}" for dtype, count in found.dtypes.items())
    size = found.graph
    table.add_row("file", plain(found.file if len(found.files) == 1 else f"{found.file} and what it names", "bold"))
    files = f" in {len(found.files)} files" if len(found.files) > 1 else ""
    table.add_row("format", plain(f"{found.format}, {found.size_bytes:,} bytes{files}, {found.tensors} tensors"))
    table.add_row("tensors", plain(f"sha256 {found.tensors_digest}"))
    table.add_row("parameters", plain(f"{found.parameters:,} ({dtypes})"))
    table.add_row("family", plain(found.family))
    table.add_row("structure", plain(_structure(found)))
    for number, assumption in enumerate(found.assumed):
        table.add_row("" if number else "assumed", plain(assumption))
    table.add_row("coverage", _coverage(found.coverage))
    table.add_row("input", plain(", ".join(f"{each.name} {shape_text(each.shape)}" for each in found.inputs)))
    table.add_row("output", plain(", ".join(_extent(row) for row in found.groups if row.kind == "output")))
    edges = f"{size.nodes:,} nodes in {size.groups} groups, {size.edges:,} edges in {size.blocks} blocks"
    table.add_row("graph", edges)
    table.add_row("graph digest", found.graph_digest)
    return table


def _structure(found: Inspection) -> str:
    told = f"{found.provenance}, from {found.sidecar}" if found.sidecar else found.provenance
    match found.form:
        case "layers":
            return f"{told}; {len(found.layers)} layers"
        case "dataflow":
            kinds = [f"{count} {kind}" for kind, count in found.operators.items()]
            more = [f"{len(kinds) - _OPERATORS} more kinds"] if len(kinds) > _OPERATORS else []
            return f"{told}; {sum(found.operators.values())} operators: {', '.join(kinds[:_OPERATORS] + more)}"


def _coverage(share: float) -> Text:
    """Never rounded up to all."""
    text = f"{share:.1%}" if share in (0.0, 1.0) else f"{min(max(share, 0.001), 0.999):.1%}"
    return Text(f"{text} of the parameters", style="" if share == 1.0 else "bold yellow")


def _unsupported(pieces: tuple[Unsupported, ...]) -> Table:
    table = Table(
        box=None, padding=(0, 2, 0, 0), title="Not understood", title_justify="left", title_style="bold yellow"
    )
    for column in ("operator", "name", "tensors"):
        table.add_column(column, overflow="fold")
    for piece in pieces:
        more = len(piece.tensors) - _TENSORS
        names = [*piece.tensors[:_TENSORS], *([f"{more} more"] if more > 0 else [])]
        table.add_row(plain(piece.operator), plain(piece.name), plain(", ".join(names)))
    return table


def _layers(found: Inspection) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), title="Layers", title_justify="left")
    for column in ("name", "kind", "settings", "reads", "weights", "output"):
        table.add_column(column, overflow="fold")
    table.add_column("parameters", justify="right")
    for row in found.layers:
        weights = ", ".join(shape_text(shape) for shape in row.weight_shapes)
        output = f"{row.output_layout} {shape_text(row.output_shape)}"
        count = f"{row.parameters:,}" if row.parameters else ""
        made = plain(settings_text(row.settings))
        table.add_row(plain(row.name), row.kind, made, plain(", ".join(row.inputs)), weights, output, count)
    return table


def _groups(found: Inspection) -> Table:
    """The groups of neurons in order; those that only hold parameters are told where they are read."""
    table = Table(box=None, padding=(0, 2, 0, 0), title="Groups of neurons", title_justify="left")
    for column in ("name", "neurons", "computes", "weights", "wired to"):
        table.add_column(column, overflow="fold")
    for row in found.groups:
        if row.kind != "parameter" or row.reads:
            table.add_row(plain(row.name), _extent(row), plain(_computes(row)), _weights(row), plain(_wires(row)))
    return table


def _extent(row: GroupRow) -> str:
    return f"{row.size:,} at {row.positions:,}" if row.positions > 1 else f"{row.size:,}"


def _computes(row: GroupRow) -> str:
    norm = "" if row.norm == "none" else f"{row.norm} norm"
    if row.norm == "group":
        norm = f"group norm of {row.norm_groups}"
    slope = f" {row.slope:g}" if row.slope else ""
    activation = "" if row.activation == "identity" else f"{row.activation}{slope}"
    return ", ".join(part for part in (row.operation, norm, activation) if part) if row.reads else row.kind


def _weights(row: GroupRow) -> Text:
    blocks = [
        block for block in row.reads if not block.is_wiring and (block.is_stored or block.role not in _COMPLETING)
    ]
    lines = [f"{block.role} {_weight_shape(block.shape)} of {block.tensor or block.source}" for block in blocks]
    return Text("\n").join(map(plain, lines))


def _weight_shape(shape: tuple[int, ...]) -> str:
    """Without the axes at the end that have one position."""
    sizes = shape
    while len(sizes) > 1 and sizes[-1] == 1:
        sizes = sizes[:-1]
    return shape_text(sizes)


def _wires(row: GroupRow) -> str:
    sources = Counter(block.source for block in row.reads if block.is_wiring)
    return ", ".join(name if count == 1 else f"{name} ({count} times)" for name, count in sources.items())


def shape_text(shape: tuple[int, ...]) -> str:
    """Such as `16x3x3x3`."""
    return "x".join(str(size) for size in shape) or "scalar"
