"""The index of a sharded checkpoint, `model.safetensors.index.json`, and the names of shards; standard library only."""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from metagauge.errors import IncompleteCheckpointError, LimitExceededError, MalformedCheckpointError

INDEX_BYTES = 16 * 1000 * 1000
"""The largest published indexes, of models with some ninety thousand tensors, have nine million bytes."""
INDEX_NAME = re.compile(r".*\.safetensors\.index(?:\.[\w-]+)?\.json", re.IGNORECASE | re.DOTALL)
_SHARD_NAME = re.compile(
    r"(?P<stem>.*?)[-_.](?P<number>\d{1,6})-of-(?P<count>\d{1,6})(?P<rest>.*)\.safetensors", re.IGNORECASE | re.DOTALL
)
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardName:
    """What a name such as `model-00002-of-00003.safetensors` says. `series` is equal for the shards of one model."""

    series: tuple[str, str, str]
    number: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardIndex:
    """Which file holds which tensor. `total_bytes` is what the index says of all tensors together, if it does."""

    name: str
    files: Mapping[str, str]
    """Tensor name -> name of its file."""
    total_bytes: int | None = None

    @property
    def shards(self) -> tuple[str, ...]:
        """The files, each once, in the order of their first tensors."""
        return tuple(dict.fromkeys(self.files.values()))


def is_index_name(name: str) -> bool:
    """Whether a file of this name is the index of a sharded checkpoint."""
    return INDEX_NAME.fullmatch(name) is not None


def shard_name(name: str) -> ShardName | None:
    """What `name` says about shards; None if it is not the name of one of several."""
    match = _SHARD_NAME.fullmatch(name)
    if match is None or int(match["count"]) < 2 or not 0 <= int(match["number"]) <= int(match["count"]):
        return None
    series = (match["stem"], match["count"], match["rest"])
    return ShardName(series=series, number=int(match["number"]), count=int(match["count"]))


def parse_index(name: str, text: bytes, tensors: int) -> ShardIndex:
    """The index of the file `name`, which holds `text`; of at most `tensors` tensors.

    Raises:
        MalformedCheckpointError: it is no index; the message names the entry.
        LimitExceededError: it is larger, or has more tensors, than is allowed.
    """
    if len(text) > INDEX_BYTES:
        raise LimitExceededError(f"the index {name!r} has {len(text)} bytes; the limit is {INDEX_BYTES}")
    if text.count(b'"') > 8 * (tensors + 1024) or text.count(b"[") + text.count(b"{") > 1024:
        raise LimitExceededError(f"the index {name!r} has more entries than {tensors} tensors need")
    try:
        fields = json.loads(text.decode("utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
        raise MalformedCheckpointError(f"the index {name!r} is not JSON: {error}"[:300]) from error
    entries = fields.get("weight_map") if isinstance(fields, dict) else None
    if not isinstance(entries, dict) or not entries:
        message = f"the index {name!r} has no weight_map, which says for each tensor the file that holds it"
        raise MalformedCheckpointError(message)
    if len(entries) > tensors:
        raise LimitExceededError(f"the index {name!r} lists {len(entries)} tensors; the limit is {tensors}")
    files: dict[str, str] = {}
    for tensor, file in entries.items():
        if not isinstance(file, str) or not is_plain(file):
            shown = repr(file)[:100]
            message = f"the index {name!r} puts tensor {tensor[:100]!r} into {shown}, which is no plain file name"
            raise MalformedCheckpointError(message)
        files[tensor] = file
    return ShardIndex(name=name, files=files, total_bytes=_total(fields))


def load_index(path: Path, tensors: int) -> ShardIndex:
    """The index in the file at `path`; see `parse_index`."""
    with path.open("rb") as file:
        return parse_index(path.name, file.read(INDEX_BYTES + 1), tensors)


def is_plain(name: str) -> bool:
    """Whether `name` is that of a file and of no folder, and leads nowhere else."""
    return bool(name) and name not in (".", "..") and not any(letter in "/\\\0" for letter in name) and len(name) < 256


def check_complete(shards: Collection[str], index: ShardIndex | None) -> None:
    """Raises if `shards`, the names of files that were sent, are not all of one checkpoint.

    Raises:
        IncompleteCheckpointError: one is missing; the message names it.
        MalformedCheckpointError: there is one too many, or without an index they are of several checkpoints.
    """
    if index is not None:
        _check_missing([name for name in index.shards if name not in shards], len(shards))
        if odd := [name for name in shards if name not in index.files.values()]:
            message = f"{_listed(odd)} came with the index {index.name!r}, which does not name it"
            raise MalformedCheckpointError(message)
        return
    named = {name: shard_name(name) for name in shards}
    known = [found for found in named.values() if found is not None]
    if len(known) < len(named) or len({found.series for found in known}) != 1:
        message = (
            f"nothing says that {_listed(list(shards))} are parts of one network; send model.safetensors.index.json"
        )
        raise MalformedCheckpointError(f"{message} with its shards, or each network by itself")
    numbers, count = {found.number for found in known}, known[0].count
    first = 0 if 0 in numbers else 1
    (stem, _, rest), digits = known[0].series, 5
    missing = [number for number in range(first, first + count) if number not in numbers]
    _check_missing(
        [f"{stem}-{number:0{digits}d}-of-{count:0{digits}d}{rest}.safetensors" for number in missing], len(named)
    )


def _check_missing(missing: list[str], sent: int) -> None:
    if missing:
        message = f"{_listed(missing)} did not come with the upload, which has {sent} of the checkpoint's shards"
        raise IncompleteCheckpointError(f"{message}: send all of them, and the index, in one upload")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(repr(name[:100]) for name in names[:_SHOWN]) + more


def _total(fields: Mapping[str, object]) -> int | None:
    metadata = fields.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    return int(total) if isinstance(total, int | float) and 0 <= total < 2**63 else None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise MalformedCheckpointError(f"the index names {name[:100]!r} twice")
    return fields
