"""`metagauge inspect`: what a checkpoint holds, without a service and without running it."""

from metagauge.cli.options import ArchitectureFile, AsJson, CheckpointFile
from metagauge.cli.terminal import out, write_line
from metagauge.errors import ExtraMissingError

READ_EXTRA = frozenset({"ml_dtypes", "numpy", "onnx", "safetensors"})
"""What `pip install 'metagauge[read]'` brings."""


def inspect(file: CheckpointFile, architecture: ArchitectureFile = None, as_json: AsJson = False) -> None:
    """Print layers, shapes, parameters and coverage of a checkpoint, offline."""
    try:
        from metagauge.cli.inspection.inspection import inspection, to_json  # noqa: PLC0415 - needs the extra
        from metagauge.cli.inspection.inspection_view import inspection_view  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in READ_EXTRA:
            raise
        message = f"reading checkpoints here needs {error.name}: pip install 'metagauge[read]'"
        raise ExtraMissingError(message) from error
    found = inspection(file, architecture)
    if as_json:
        write_line(to_json(found))
    else:
        out().print(inspection_view(found))
