"""Reading a checkpoint: the one way in from a file on disk."""

from dataclasses import replace
from pathlib import Path
from typing import assert_never

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.findings import tensor_findings
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.mapped import map_file
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.checkpoint.safetensors_file import read_safetensors
from metagauge.checkpoint.sniff import HEAD_BYTES, sniff


def read(path: Path, limits: Limits) -> Checkpoint:
    """The checkpoint in the file at `path`. Nothing of the file is run.

    The file is mapped, not loaded, and stays mapped while any of the tensors is alive; it must not change meanwhile.

    Raises:
        EmptyUploadError: the file has no bytes.
        UnsupportedFormatError: it is neither safetensors nor ONNX.
        MalformedCheckpointError: it breaks the rules of its format.
        LimitExceededError: it is larger, or asks for more, than `limits` allows.
        NoParametersError: it is well-formed and holds no neural parameter.
        ExternalDataRefusedError: an ONNX file that keeps its weights elsewhere.
        ArchitectureMismatchError: an ONNX graph that contradicts itself.
    """
    content = map_file(path, limits)
    format_ = sniff(bytes(content[:HEAD_BYTES]))
    match format_:
        case Format.SAFETENSORS:
            checkpoint = read_safetensors(content, limits)
        case Format.ONNX:
            checkpoint = read_onnx(content, limits)
        case _:
            assert_never(format_)
    return replace(checkpoint, findings=(*checkpoint.findings, *tensor_findings(checkpoint.tensors)))
