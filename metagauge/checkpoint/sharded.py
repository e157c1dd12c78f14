"""Reading a sharded checkpoint: one network whose tensors are spread over several safetensors files."""

from collections.abc import Mapping

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.dtypes import ELEMENT_TYPES
from metagauge.checkpoint.finding import Finding
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.safetensors_file import read_safetensors
from metagauge.checkpoint.shard_index import ShardIndex, check_complete
from metagauge.checkpoint.sniff import HEAD_BYTES, sniff
from metagauge.checkpoint.tensor import Tensor
from metagauge.errors import (
    ArchitectureMismatchError,
    InputError,
    LimitExceededError,
    MalformedCheckpointError,
    NoParametersError,
    UnsupportedFormatError,
)


def read_sharded(shards: Mapping[str, memoryview], index: ShardIndex | None, limits: Limits) -> Checkpoint:
    """The checkpoint whose files, by name, hold `shards`; without an `index` their names have to say that they are all.

    Raises:
        IncompleteCheckpointError: a shard is missing.
        MalformedCheckpointError: a shard breaks the format, two hold one tensor, or the index says otherwise.
        LimitExceededError: together they are more than `limits` allows.
        NoParametersError: there is not one tensor.
    """
    check_complete(tuple(shards), index)
    tensors: dict[str, Tensor] = {}
    owners: dict[str, str] = {}
    metadata: dict[str, str] = {}
    for name in sorted(shards):
        part = _shard(name, shards[name], limits)
        for tensor in part.tensors.values():
            if tensor.name in tensors:
                message = f"tensor {tensor.name[:100]!r} is in two shards, {owners[tensor.name]!r} and {name!r}"
                raise MalformedCheckpointError(message)
            _check_owner(tensor.name, name, index)
            tensors[tensor.name], owners[tensor.name] = tensor, name
        if len(tensors) > limits.tensors:
            raise LimitExceededError(f"the shards hold {len(tensors)} tensors and more; the limit is {limits.tensors}")
        _merge(metadata, part.metadata, name)
    if index is not None:
        _check_all_there(index, tensors)
    if not tensors:
        raise NoParametersError("the shards are well-formed and hold no tensors")
    return Checkpoint(
        format=Format.SAFETENSORS,
        size_bytes=sum(len(content) for content in shards.values()),
        tensors=tensors,
        metadata=metadata,
        findings=_findings(index, tensors),
    )


def _shard(name: str, content: memoryview, limits: Limits) -> Checkpoint:
    try:
        if sniff(bytes(content[:HEAD_BYTES])) is not Format.SAFETENSORS:
            raise UnsupportedFormatError("it is an ONNX model, not safetensors")
        return read_safetensors(content, limits)
    except NoParametersError:
        return Checkpoint(format=Format.SAFETENSORS, size_bytes=len(content), tensors={}, metadata={})
    except InputError as error:
        raise type(error)(f"shard {name!r}: {error}") from error


def _check_owner(tensor: str, shard: str, index: ShardIndex | None) -> None:
    if index is None:
        return
    owner = index.files.get(tensor)
    if owner != shard:
        where = "the index does not name" if owner is None else f"the index puts into {owner!r}"
        raise MalformedCheckpointError(f"shard {shard!r} holds tensor {tensor[:100]!r}, which {where}")


def _check_all_there(index: ShardIndex, tensors: Mapping[str, Tensor]) -> None:
    lost = [name for name in index.files if name not in tensors]
    if lost:
        more = f" and {len(lost) - 1} more tensors" if len(lost) > 1 else ""
        message = f"the index puts tensor {lost[0][:100]!r} into {index.files[lost[0]]!r}, which does not hold it{more}"
        raise MalformedCheckpointError(message)


def _merge(metadata: dict[str, str], more: Mapping[str, str], shard: str) -> None:
    """Each shard has metadata of its own; what the first says counts, unless it is an architecture."""
    for key, value in more.items():
        if metadata.setdefault(key, value) != value and key.startswith("metagauge."):
            raise ArchitectureMismatchError(f"shard {shard!r} has another {key!r} in its metadata than those before it")


def _findings(index: ShardIndex | None, tensors: Mapping[str, Tensor]) -> tuple[Finding, ...]:
    if index is None:
        message = "the shards came without model.safetensors.index.json: that no tensor is missing is not known"
        return (Finding(rule="no-shard-index", level="note", message=message),)
    stored = sum(ELEMENT_TYPES[tensor.dtype].stored_bytes(tensor.size) for tensor in tensors.values())
    if index.total_bytes in (None, stored):
        return ()
    message = f"the index says {index.total_bytes} bytes of tensors, and the shards hold {stored}"
    return (Finding(rule="index-total-size", level="warning", message=message, value=float(stored)),)
