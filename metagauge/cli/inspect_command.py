"""`metagauge inspect`: what a checkpoint holds, without a service and without running it."""

from pathlib import Path
from typing import Annotated

import typer

from metagauge.cli.exit_code import ExitCode
from metagauge.cli.options import ArchitectureFile, AsJson, NetworkPath
from metagauge.cli.terminal import out, write_line
from metagauge.errors import ExtraMissingError

READ_EXTRA = frozenset({"ml_dtypes", "numpy", "onnx", "safetensors"})
"""What the extra `read` brings: `pip install '.[read]'` in a clone."""

GraphFile = Annotated[
    Path | None,
    typer.Option(
        "--graph", metavar="FILE", dir_okay=False, help="Draw the parameter graph into a .svg, .html or .dot."
    ),
]

Other = Annotated[
    Path | None,
    typer.Option(
        "--compare",
        metavar="OTHER",
        exists=True,
        help="Say what OTHER, read with what is beside it, does not share with FILE; exit 0 if nothing, 1 if something."
        " Neurons are compared in the files' order: a network whose hidden neurons were reordered counts as another.",
    ),
]


def inspect(
    file: NetworkPath,
    architecture: ArchitectureFile = None,
    as_json: AsJson = False,
    graph: GraphFile = None,
    compare: Other = None,
) -> None:
    """Print layers, shapes, parameters and coverage of a checkpoint, offline; draw it with --graph.

    With --compare only what two networks do not share is printed, and the exit code is 1 where they differ.
    """
    try:
        from metagauge.cli.inspection.as_json import as_json as written  # noqa: PLC0415 - needs the extra
        from metagauge.cli.inspection.comparison import comparison  # noqa: PLC0415
        from metagauge.cli.inspection.inspection import inspect_path  # noqa: PLC0415
        from metagauge.cli.inspection.inspection_view import comparison_view, inspection_view  # noqa: PLC0415
        from metagauge.cli.inspection.picture.draw import draw, suffix_of  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in READ_EXTRA:
            raise
        message = f"reading checkpoints here needs {error.name}: in a clone of Metagauge, pip install '.[read]'"
        raise ExtraMissingError(message) from error
    if graph is not None:
        suffix_of(graph)
    found = inspect_path(file, architecture)
    compared = None if compare is None else comparison(found, inspect_path(compare, None))
    if as_json:
        write_line(written(found.inspection, compared))
    else:
        out().print(inspection_view(found.inspection) if compared is None else comparison_view(compared))
    if graph is not None:
        about = found.inspection
        subtitle = f"{about.family}, {about.parameters:,} parameters, {about.coverage:.1%} of them in the graph"
        draw(found.graph, graph, about.file, subtitle)
    if compared is not None and compared.verdict != "same":
        raise typer.Exit(ExitCode.DIFFERENT)
