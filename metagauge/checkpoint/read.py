"""Reading a checkpoint: the one way in from files on disk."""

from collections.abc import Mapping
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
from metagauge.checkpoint.shard_index import ShardIndex, is_index_name, parse_index, shard_name
from metagauge.checkpoint.sharded import read_sharded
from metagauge.checkpoint.sniff import HEAD_BYTES, sniff_named
from metagauge.errors import LimitExceededError, MalformedCheckpointError


def read(path: Path, limits: Limits) -> Checkpoint:
    """The checkpoint in the one file at `path`; see `read_files`."""
    return read_files({path.name: path}, limits)


def read_files(files: Mapping[str, Path], limits: Limits) -> Checkpoint:
    """The checkpoint of one network in one or several files, by the names they were sent under. Runs nothing of them.

    Several files are shards of safetensors, with or without their index, or an ONNX model and the files it keeps
    tensors in; the model, if there are several, comes first. Files are mapped, not loaded, and stay mapped while any of
    the tensors is alive; they must not change meanwhile.

    Raises:
        EmptyUploadError: a file has no bytes.
        UnsupportedFormatError: it is neither safetensors nor ONNX, or not what its name claims.
        MalformedCheckpointError: it breaks the rules of its format, or files contradict each other.
        IncompleteCheckpointError: a shard is missing.
        LimitExceededError: it is larger, or asks for more, than `limits` allows.
        NoParametersError: it is well-formed and holds no neural parameter.
        ExternalDataRefusedError: an ONNX file that keeps its weights in a file that did not come along.
        ArchitectureMismatchError: an ONNX graph that contradicts itself.
    """
    total = sum(path.stat().st_size for path in files.values())
    if total > limits.upload_bytes:
        raise LimitExceededError(f"the {len(files)} files have {total} bytes; the limit is {limits.upload_bytes}")
    checkpoint = _read(files, limits)
    return replace(checkpoint, findings=(*checkpoint.findings, *tensor_findings(checkpoint.tensors)))


def _read(files: Mapping[str, Path], limits: Limits) -> Checkpoint:
    indexes = [name for name in files if is_index_name(name)]
    if indexes or all(shard_name(name) is not None for name in files):
        return _read_sharded(files, indexes, limits)
    name, *others = files
    content = map_file(files[name], limits)
    format_ = sniff_named(bytes(content[:HEAD_BYTES]), name)
    match format_:
        case Format.SAFETENSORS:
            if others:
                message = f"{name!r} and {others[0]!r} are not parts of one network, as far as their names tell"
                raise MalformedCheckpointError(f"{message}; send the index of the shards along, or each by itself")
            return read_safetensors(content, limits)
        case Format.ONNX:
            return read_onnx(content, limits, {other: files[other] for other in others})
        case _:
            assert_never(format_)


def _read_sharded(files: Mapping[str, Path], indexes: list[str], limits: Limits) -> Checkpoint:
    if len(indexes) > 1:
        raise MalformedCheckpointError(f"{indexes[0]!r} and {indexes[1]!r} are two indexes of one upload; send one")
    index: ShardIndex | None = None
    if indexes:
        (name,) = indexes
        index = parse_index(name, bytes(map_file(files[name], limits)), limits.tensors)
    shards = {name: map_file(path, limits) for name, path in files.items() if name not in indexes}
    return read_sharded(shards, index, limits)
