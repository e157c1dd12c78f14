"""From received files to networks: which belong together, which are refused, which is the description of one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from metagauge.checkpoint.bundle import CONFIG_NAME, Sent, bundles
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.shard_index import INDEX_BYTES, is_index_name, parse_index
from metagauge.checkpoint.sniff import sniff_named
from metagauge.errors import InputError, RequestInvalidError
from metagauge.service.blobs import BlobWriter

NAME_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """A file whose bytes have arrived. `text` is all of it for an index of shards, and empty for other files."""

    name: str
    writer: BlobWriter
    text: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """The files of one network, its main file first, or a file that is `refused`."""

    files: tuple[ReceivedFile, ...]
    refused: InputError | None = None


def text_bytes(name: str) -> int:
    """How much of a file of this name has to be kept beside what is stored."""
    return INDEX_BYTES if is_index_name(name) else 0


def clean_name(filename: str) -> str:
    """The last part of a file's name, without control characters."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:NAME_LENGTH] or "checkpoint"


def is_config(name: str) -> bool:
    """Whether a file of this name describes the network that it comes with."""
    return name.lower() == CONFIG_NAME


async def parcels(received: Sequence[ReceivedFile]) -> list[Parcel]:
    """Every file in one parcel each. Of files with one name the first may have others with it."""
    named: dict[str, ReceivedFile] = {}
    alike = [file for file in received if named.setdefault(file.name, file) is not file]
    sent = {name: await run_in_threadpool(_sent, file) for name, file in named.items()}
    found = [_parcel([named[name] for name in bundle.files], sent) for bundle in bundles(tuple(sent.values()))]
    for file in alike:
        found.append(_parcel([file], {file.name: await run_in_threadpool(_sent, file)}))
    return found


def one(found: Sequence[Parcel]) -> Parcel:
    """The only network of a request that may bring one.

    Raises:
        InputError: it is refused, or there are several.
    """
    for refused in _refusals(found):
        raise refused
    if len(found) > 1:
        first, second, *_ = (parcel.files[0].name for parcel in found)
        message = f"{first!r} and {second!r} are not parts of one network, as far as their names tell"
        raise RequestInvalidError(f"{message}; send several networks to POST /predict/batch")
    (parcel,) = found
    return parcel


def _refusals(found: Sequence[Parcel]) -> Iterator[InputError]:
    """What is known to be wrong, an index first: without it its shards look like networks of their own."""
    refused = sorted(found, key=lambda parcel: not is_index_name(parcel.files[0].name))
    return (parcel.refused for parcel in refused if parcel.refused is not None)


def _parcel(files: Sequence[ReceivedFile], sent: dict[str, Sent]) -> Parcel:
    refusal = sent[files[0].name].refusal
    return Parcel(files=tuple(files), refused=refusal if isinstance(refusal, InputError) else None)


def _sent(file: ReceivedFile) -> Sent:
    try:
        if is_index_name(file.name):
            index = parse_index(file.name, file.text, Limits().tensors)
            return Sent(name=file.name, shards=index.shards)
        return Sent(name=file.name, format=sniff_named(file.writer.head, file.name))
    except InputError as error:
        return Sent(name=file.name, refusal=error)
