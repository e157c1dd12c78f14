"""A picture in the DOT language of Graphviz. Names are a stranger's, and are written as text, never as markup."""

from html import escape
from math import log10, prod

from metagauge.cli.inspection.picture.palette import COLOURS, colour_of
from metagauge.cli.inspection.picture.picture import Arrow, Box, Frame, Picture
from metagauge.graph.parameter_graph import Block, NodeGroup, Reading

_NAME = 44
"""Letters of a name; longer ones lose their middle."""
_DETAILS = 3
_UNTOLD = frozenset({"wire", "member", "operand"})
"""Roles that say no more than the arrow."""
_CALM = 2000
"""Layers that all arrows may cross together. Beyond, bending them around boxes takes minutes, so they go straight and
under the boxes, and fewer ways of uncrossing them are tried."""
_SMALL = "splines=spline"
_LARGE = "splines=line, labeljust=l, outputorder=edgesfirst, nslimit=1, nslimit1=1, mclimit=0.1"
_GAP = "\N{NO-BREAK SPACE}"
"""Keeps a label off its arrow."""
_FONT = "Helvetica,Arial,sans-serif"


def dot(picture: Picture, title: str, subtitle: str) -> str:
    """The whole graph, top to bottom."""
    lines = [
        "digraph network {",
        f'graph [rankdir=TB, fontname="{_FONT}", fontsize=12, labelloc=t, pad=0.3, nodesep=0.25, ranksep=0.35,'
        f" {_LARGE if _length(picture) > _CALM else _SMALL}, tooltip=network,"
        f" label={_heading(picture, title, subtitle)}];",
        f'node [shape=box, style="rounded,filled", fontname="{_FONT}", fontsize=11, margin="0.14,0.06"];',
        f'edge [fontname="{_FONT}", fontsize=9, arrowsize=0.6];',
    ]
    lines += [_node(box) for box in picture.boxes]
    for number, frame in enumerate(picture.frames):
        lines += _cluster(number, frame)
    lines += [_edge(arrow) for arrow in picture.arrows]
    return "\n".join([*lines, "}", ""])


def _length(picture: Picture) -> int:
    """All arrows together, in layers of the drawing."""
    depths: dict[int, int] = {}
    length = 0
    for arrow in sorted(picture.arrows, key=lambda arrow: (arrow.target, arrow.source)):
        if arrow.source < arrow.target:
            depths[arrow.target] = max(depths.get(arrow.target, 0), depths.get(arrow.source, 0) + 1)
    for arrow in picture.arrows:
        length += max(depths.get(arrow.target, 0) - depths.get(arrow.source, 0), 0)
    return length


def text(name: str, letters: int = _NAME) -> str:
    """A name that fits, without control characters, escaped for markup."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    if len(plain) > letters:
        head = letters // 2 - 1
        plain = f"{plain[:head]}…{plain[len(plain) - (letters - head - 1) :]}"
    return escape(plain)


def _heading(picture: Picture, title: str, subtitle: str) -> str:
    used = {colour_of(arrow.block.role) for arrow in picture.arrows}
    swatches = "".join(
        f'<TD><FONT COLOR="{colour}">━ </FONT>{meaning}</TD>' for meaning, colour in COLOURS.items() if colour in used
    )
    notes = [
        subtitle,
        "A box is a group of neurons, an arrow a block of parameters; thicker arrows have more of them.",
        "Dashed arrows are wiring without parameters.",
    ]
    if picture.frames:
        notes.append("A frame is drawn once for all its equal copies.")
    if picture.left_out:
        notes.append(f"{picture.left_out} more groups at the end are not drawn.")
    rows = "".join(f"<TR><TD>{text(note, 200)}</TD></TR>" for note in notes)
    legend = f'<TR><TD><TABLE BORDER="0" CELLSPACING="8" CELLPADDING="0"><TR>{swatches}</TR></TABLE></TD></TR>'
    heading = f'<TR><TD><B><FONT POINT-SIZE="18">{text(title, 100)}</FONT></B></TD></TR>'
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="1">{heading}{rows}{legend if used else ""}</TABLE>>'


def _node(box: Box) -> str:
    lines = [f"<B>{text(box.title)}</B>", text(_size(box.group)), *map(text, _effects(box.group))]
    lines += [f'<FONT COLOR="#57606a">{text(_parameter(block))}</FONT>' for block in box.parameters]
    rows = '<BR ALIGN="CENTER"/>'.join(line for line in lines if line)
    fill, border = _colours(box.group)
    return f'g{box.number} [label=<{rows}>, fillcolor="{fill}", color="{border}", tooltip="{_quoted(box.group.name)}"];'


def _colours(group: NodeGroup) -> tuple[str, str]:
    match group.kind:
        case "input" | "output":
            return "#ddf4ff", "#0969da"
        case "parameter":
            return "#f6f8fa", "#8c959f"
        case "hidden":
            return ("#fff1e5", "#bc4c00") if group.operation == "opaque" else ("#ffffff", "#57606a")


def _size(group: NodeGroup) -> str:
    neurons = f"{group.size:,} neuron{'s' * (group.size != 1)}"
    return f"{neurons} at {group.positions:,} positions" if group.positions > 1 else neurons


def _effects(group: NodeGroup) -> list[str]:
    """What a group does with what comes in, one line each."""
    lines = []
    if group.operation != "sum":
        details = [detail for detail in group.detail if not detail.isidentifier()]  # less the operator's own name
        lines.append(" ".join([group.operation.replace("_", " "), *details[:_DETAILS]]))
    after = []
    if group.norm != "none":
        after.append(f"{group.norm} norm" + (f" in {group.norm_groups} groups" if group.norm == "group" else ""))
    if group.activation != "identity":
        after.append(group.activation.replace("_", " ") + (f" {group.slope:g}" if group.slope else ""))
    if group.is_causal:
        after.append("causal")
    return [*lines, " → ".join(after)]


def _parameter(block: Block) -> str:
    return f"+ {block.role.replace('_', ' ')} {shape(block)}"


def _cluster(number: int, frame: Frame) -> list[str]:
    members = " ".join(f"g{box};" for box in frame.boxes)
    times = f"× {frame.times}, the last from {_quoted(frame.last)}"
    label = f'label="{times}", labeljust=l, fontsize=12, fontcolor="#57606a", tooltip="{times}"'
    style = 'style="rounded,dashed", color="#8c959f", bgcolor="#f6f8fa", margin=14'
    return [f"subgraph cluster_{number} {{ graph [{label}, {style}]; {members} }}"]


def _edge(arrow: Arrow) -> str:
    block = arrow.block
    colour = colour_of(block.role)
    width = 1.0 if block.is_wiring else 0.8 + 0.45 * log10(1 + block.weight.size)
    style = "dashed" if block.is_wiring else "solid"
    label = "\\n".join(f"{_GAP}{_quoted(line)}" for line in _label(arrow) if line)
    # An arrow against the order of execution belongs to a loop, and must not turn the picture upside down.
    against = ", constraint=false" if arrow.source >= arrow.target else ""
    return (
        f'g{arrow.source} -> g{arrow.target} [label="{label}", color="{colour}", fontcolor="{colour}",'
        f' penwidth={width:.2f}, style={style}, tooltip="{_quoted(block.name or block.role)}"{against}];'
    )


def _label(arrow: Arrow) -> list[str]:
    block = arrow.block
    role = "" if block.role in _UNTOLD else block.role.replace("_", " ")
    first = role if block.is_wiring else f"{role} {shape(block)}".strip()
    windows = [
        f"stride {_sizes(block.stride)}" if any(step != 1 for step in block.stride) else "",
        f"dilation {_sizes(block.dilation)}" if any(step != 1 for step in block.dilation) else "",
        f"{block.groups} groups" if block.groups > 1 and not block.is_wiring else "",
        f"{block.heads} heads" if block.heads else "",
        "transposed" if block.transposed else "",
    ]
    times = f"{arrow.times} times" if arrow.times > 1 else ""
    return [first, ", ".join(each for each in windows if each), _reading(block.reading), times]


def shape(block: Block) -> str:
    """Such as `16×3×3×3`: outputs, inputs for each group, and the sizes of the kernel."""
    outputs, inputs, positions = block.weight.shape
    kernel = block.kernel if prod(block.kernel) == positions else (positions,)
    sizes = [outputs, inputs, *kernel]
    while len(sizes) > 1 and sizes[-1] == 1:
        sizes.pop()
    return _sizes(sizes)


def _reading(reading: Reading) -> str:
    if reading.token >= 0:
        return f"of token {reading.token}"
    if reading.reduction is None:
        return "in raster order" if reading.raster else ""
    step = f", step {_sizes(reading.stride)}" if any(size > 1 for size in reading.stride) else ""
    return (
        f"{reading.reduction} of everything"
        if reading.broadcast
        else f"{reading.reduction} of {_sizes(reading.window)}{step}"
    )


def _sizes(sizes: tuple[int, ...] | list[int]) -> str:
    return "×".join(map(str, sizes))


def _quoted(name: str) -> str:
    """Inside a quoted string of DOT: its backslash begins an escape there, its quote ends the string."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name[:200])
    return escape(plain.replace("\\", "/").replace('"', "'"), quote=False)
