"""The JSON header of a safetensors file, parsed strictly: one reading for every byte of the file, or a refusal."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import NoReturn

from metagauge.checkpoint.dtypes import ELEMENT_TYPES, ElementType, is_addressable
from metagauge.checkpoint.limits import Limits
from metagauge.errors import LimitExceededError, MalformedCheckpointError

_ENTRY_KEYS = {"dtype", "shape", "data_offsets"}
_OFFSET_MAX = 2**63

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One tensor of the header; `begin` and `end` count from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def element(self) -> ElementType:
        """How its elements are stored."""
        return ELEMENT_TYPES[self.dtype]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Entries in the order of their data, and the file's metadata."""

    entries: tuple[Entry, ...]
    metadata: Mapping[str, str]


def parse_header(text: bytes, data_bytes: int, limits: Limits) -> Header:
    """The header `text` of a file with `data_bytes` bytes behind it.

    Raises:
        MalformedCheckpointError: it breaks the format; the message names the tensor and the numbers.
        LimitExceededError: more tensors, or a higher rank, than `limits` allows.
    """
    fields = _json_object(text, limits)
    _check_names(fields)
    metadata = _metadata(fields.pop("__metadata__", {}))
    if len(fields) > limits.tensors:
        raise LimitExceededError(f"the file holds {len(fields)} tensors; the limit is {limits.tensors}")
    entries = sorted((_entry(*item, limits) for item in fields.items()), key=lambda entry: (entry.begin, entry.end))
    _check_layout(entries, data_bytes)
    return Header(entries=tuple(entries), metadata=metadata)


def _json_object(text: bytes, limits: Limits) -> dict[str, Json]:
    if not text.startswith(b"{"):
        raise MalformedCheckpointError(f"the header has to begin with '{{'; it begins with {text[:1]!r}")
    # Python objects take many times the space of their JSON, so what can become one is counted first.
    containers = text.count(b"{") + text.count(b"[")
    values = text.count(b",")
    if containers > 4 * (limits.tensors + 16) or values > (limits.rank + 4) * (limits.tensors + 16):
        message = f"the header has {containers} brackets and {values} commas, more than {limits.tensors} tensors need"
        raise LimitExceededError(message)
    try:
        fields = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_number,
            parse_float=_refuse_number,
        )
    except UnicodeDecodeError as error:
        raise MalformedCheckpointError(f"the header is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise MalformedCheckpointError("the header is nested too deeply to be one of safetensors") from error
    except ValueError as error:
        raise MalformedCheckpointError(f"the header is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise MalformedCheckpointError("the header is not a JSON object")
    return fields


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise MalformedCheckpointError(f"the header has the key {_shown(twice)} twice")
    return fields


def _refuse_number(text: str) -> NoReturn:
    raise MalformedCheckpointError(f"the header holds the number {text[:40]}; only whole numbers have a place there")


def _check_names(fields: dict[str, Json]) -> None:
    """Half a surrogate pair can be written in JSON, but in no text that leaves here."""
    for name in fields:
        try:
            name.encode("utf-8")
        except UnicodeEncodeError as error:
            raise MalformedCheckpointError(f"the name {name[:100]!a} is not Unicode text") from error


def _metadata(fields: Json) -> Mapping[str, str]:
    if not isinstance(fields, dict):
        raise MalformedCheckpointError("__metadata__ is not a JSON object")
    metadata = {key: value for key, value in fields.items() if isinstance(value, str)}
    _check_names(dict.fromkeys(metadata.values()))
    _check_names(dict.fromkeys(metadata))
    if len(metadata) != len(fields):
        odd = next(key for key in fields if key not in metadata)
        raise MalformedCheckpointError(f"__metadata__ entry {_shown(odd)} is not a string")
    return metadata


def _entry(name: str, fields: Json, limits: Limits) -> Entry:
    if not isinstance(fields, dict) or fields.keys() != _ENTRY_KEYS:
        raise MalformedCheckpointError(
            f"the entry of {_shown(name)} needs exactly the keys dtype, shape and data_offsets"
        )
    dtype, shape, offsets = fields["dtype"], _sizes(fields["shape"]), _sizes(fields["data_offsets"])
    if not isinstance(dtype, str) or dtype not in ELEMENT_TYPES:
        message = f"{_shown(name)} has dtype {_shown(str(dtype))}, which safetensors does not know"
        raise MalformedCheckpointError(message)
    if shape is None or not is_addressable(shape):
        raise MalformedCheckpointError(f"the shape of {_shown(name)} is not a list of sizes that memory can hold")
    if offsets is None or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise MalformedCheckpointError(f"the data_offsets of {_shown(name)} are not [begin, end]")
    if len(shape) > limits.rank:
        raise LimitExceededError(f"{_shown(name)} has {len(shape)} axes; the limit is {limits.rank}")
    begin, end = offsets
    bits = prod(shape) * ELEMENT_TYPES[dtype].bits
    if bits != (end - begin) * 8:
        needed = f"{bits // 8} bytes" if bits % 8 == 0 else f"{bits} bits"
        message = (
            f"{_shown(name)} of shape {list(shape)} and dtype {dtype} needs {needed}, and its data_offsets span"
            f" {end - begin}"
        )
        raise MalformedCheckpointError(message)
    return Entry(name=name, dtype=dtype, shape=shape, begin=begin, end=end)


def _sizes(values: Json) -> tuple[int, ...] | None:
    """`values` as sizes, or None when it is no list of them."""
    if not isinstance(values, list):
        return None
    sizes: list[int] = []
    for value in values:
        if type(value) is not int or not 0 <= value < _OFFSET_MAX:
            return None
        sizes.append(value)
    return tuple(sizes)


def _check_layout(entries: list[Entry], data_bytes: int) -> None:
    """Tensors fill the data without holes and without overlaps, so that no byte is read twice or never."""
    position = 0
    for entry in entries:
        if entry.end > data_bytes:
            message = (
                f"{_shown(entry.name)} ends at byte {entry.end} of the data, and there are {data_bytes}: cut short?"
            )
            raise MalformedCheckpointError(message)
        if entry.begin != position:
            kind = "overlaps the tensor before it" if entry.begin < position else "leaves a hole before it"
            message = f"{_shown(entry.name)} {kind}: it begins at byte {entry.begin} of the data instead of {position}"
            raise MalformedCheckpointError(message)
        position = entry.end
    if position != data_bytes:
        raise MalformedCheckpointError(f"{data_bytes - position} bytes follow the last tensor, and no tensor owns them")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 100 else name[:97] + "...")
