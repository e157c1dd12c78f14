"""Receiving uploads: streamed into the blob store, refused as early as can be told."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import assert_never

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app import multipart
from app.multipart import PartBegin, PartData, PartEnd
from app.parcel import Parcel, ReceivedFile, clean_name, is_config, one, parcels, text_bytes
from app.problems import failure_of
from metagauge.checkpoint.shard_index import is_index_name
from metagauge.checkpoint.sniff import sniff
from metagauge.contract import Declarations
from metagauge.declarations import NAMES, parse
from metagauge.errors import LimitExceededError, RequestInvalidError, UnknownFormatError
from metagauge.service.blobs import Blob, BlobStore, BlobWriter
from metagauge.service.record import Failure, StoredFile
from metagauge.service.settings import Settings

SNIFF_BYTES = 4096
INDEXES = 4
"""Sharded networks in one batch: their indexes are held in memory while the rest arrives."""
FIELD_BYTES = 4096
"""Of what a part of a form declares."""
FORM_BYTES = 64 * 1024
"""What the boundary and the headers of a form may add to one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointUpload:
    """One checkpoint: its files, the main one first. They are in the store unless `refusal` says why not."""

    files: tuple[StoredFile, ...]
    refusal: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """What one request brought."""

    checkpoints: tuple[CheckpointUpload, ...]
    sidecar: Blob | None
    declared: Declarations


class Receiver:
    """Takes one request's body. A batch notes which files it refuses; anything else ends at the first refusal."""

    def __init__(self, blobs: BlobStore, settings: Settings, *, batch: bool) -> None:
        self._blobs = blobs
        self._settings = settings
        self._batch = batch
        self._files: list[ReceivedFile] = []
        self._sidecar: Blob | None = None
        self._declared: dict[str, str] = {}

    async def receive(self, request: Request, filename: str, declared: Mapping[str, str]) -> Uploads:
        """Stores the body: the parts of a form, or else all of it as one checkpoint called `filename`.

        `declared` is what the query declares; the parts of a form may declare the rest.

        Raises:
            InputError: there is no checkpoint, it is no format we read, it is too large, the form is broken, or what
                is declared cannot be so.
        """
        self._declared = dict(declared)
        is_form = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
        announced, limit = request.headers.get("content-length", ""), self._limit_bytes(is_form=is_form)
        if announced.isdigit() and int(announced) > limit:
            raise LimitExceededError(f"the upload has {int(announced)} bytes; the limit is {limit} bytes")
        async with AsyncExitStack() as writers:
            if is_form:
                await self._form(request, writers)
            else:
                await self._raw(request, filename, writers)
            return await self._settled()

    def _limit_bytes(self, *, is_form: bool) -> int:
        if not is_form:
            return self._settings.upload_bytes
        return self._settings.sidecar_bytes + self._settings.batch_files * (self._settings.upload_bytes + FORM_BYTES)

    async def _raw(self, request: Request, filename: str, writers: AsyncExitStack) -> None:
        writer = await writers.enter_async_context(self._writing(self._settings.upload_bytes, "the checkpoint"))
        checked = False
        async for chunk in request.stream():
            await run_in_threadpool(writer.write, chunk)
            if not checked and writer.size_bytes >= SNIFF_BYTES:
                sniff(writer.head)
                checked = True
        self._files.append(ReceivedFile(name=clean_name(filename), writer=writer))

    async def _form(self, request: Request, writers: AsyncExitStack) -> None:
        parts = multipart.events(request)
        async for event in parts:
            match event:
                case PartBegin(name="file"):
                    if len(self._files) >= self._settings.batch_files:
                        raise LimitExceededError(f"an upload has at most {self._settings.batch_files} files")
                    self._files.append(await self._file(parts, event.filename or "checkpoint", writers))
                case PartBegin(name="architecture"):
                    if self._sidecar is not None:
                        raise RequestInvalidError("the form has two parts called `architecture`")
                    async with self._writing(self._settings.sidecar_bytes, "the architecture") as writer:
                        await _copy(parts, writer)
                        if writer.size_bytes:  # a browser sends an empty part for a field nobody filled in
                            self._sidecar = await run_in_threadpool(writer.commit)
                case PartBegin(name=name) if name in NAMES:
                    if name in self._declared:
                        raise RequestInvalidError(f"{name} is declared twice")
                    self._declared[name] = await _text(parts, name)
                case PartBegin():
                    known = ", ".join(f"`{name}`" for name in ("file", "architecture", *NAMES))
                    raise RequestInvalidError(f"the form has a part called {event.name!r}; it can have {known}")
                case PartData() | PartEnd():
                    raise RequestInvalidError("the form's parts are out of order")
                case _:
                    assert_never(event)

    async def _file(
        self, parts: AsyncIterator[multipart.Event], filename: str, writers: AsyncExitStack
    ) -> ReceivedFile:
        name = clean_name(filename)
        limit = self._settings.sidecar_bytes if is_config(name) else self._settings.upload_bytes
        writer = await writers.enter_async_context(self._writing(limit, "the checkpoint"))
        if is_index_name(name) and sum(is_index_name(file.name) for file in self._files) >= INDEXES:
            raise LimitExceededError(f"an upload has at most {INDEXES} indexes of shards")
        sniffed = not self._batch and not name.lower().endswith(".json")
        text = await _copy(parts, writer, sniffed=sniffed, kept=text_bytes(name))
        return ReceivedFile(name=name, writer=writer, text=text)

    async def _settled(self) -> Uploads:
        """Sorts the files into networks, and stores those that are none refused."""
        declared = parse(self._declared)
        configs = [file for file in self._files if is_config(file.name)]
        found = await parcels([file for file in self._files if file not in configs])
        if not found:
            raise RequestInvalidError("the form has no part called `file`; send the checkpoint as -F file=@model.onnx")
        if not self._batch:
            found = [one(found)]
        if len(configs) == 1 and sum(parcel.refused is None for parcel in found) == 1:
            if self._sidecar is not None:
                message = f"the form has a part called `architecture` and the file {configs[0].name!r}"
                raise RequestInvalidError(f"{message}, which both say what the network is; send one of them")
            self._sidecar = await run_in_threadpool(configs[0].writer.commit)
        else:
            found += await parcels(configs)
            if not self._batch:
                found = [one(found)]
        checkpoints = tuple([await self._stored(parcel) for parcel in found])
        return Uploads(checkpoints=checkpoints, sidecar=self._sidecar, declared=declared)

    async def _stored(self, parcel: Parcel) -> CheckpointUpload:
        size, limit = sum(file.writer.size_bytes for file in parcel.files), self._settings.network_bytes
        if parcel.refused is None and size > limit:
            raise LimitExceededError(f"the {len(parcel.files)} files have {size} bytes; the limit is {limit} bytes")
        if parcel.refused is not None:
            return CheckpointUpload(
                files=_stored_files(parcel.files, [file.writer.blob for file in parcel.files]),
                refusal=failure_of(parcel.refused),
            )
        blobs = [await run_in_threadpool(file.writer.commit) for file in parcel.files]
        return CheckpointUpload(files=_stored_files(parcel.files, blobs))

    @asynccontextmanager
    async def _writing(self, limit_bytes: int, what: str) -> AsyncIterator[BlobWriter]:
        writer = await run_in_threadpool(self._blobs.writer, limit_bytes=limit_bytes, what=what)
        try:
            yield writer
        finally:
            await run_in_threadpool(writer.discard)  # does nothing to what was committed


def _stored_files(files: Sequence[ReceivedFile], blobs: Sequence[Blob]) -> tuple[StoredFile, ...]:
    return tuple(
        StoredFile(filename=file.name, sha256=blob.sha256, size_bytes=blob.size_bytes)
        for file, blob in zip(files, blobs, strict=True)
    )


async def _copy(
    parts: AsyncIterator[multipart.Event], writer: BlobWriter, *, sniffed: bool = False, kept: int = 0
) -> bytes:
    """Writes one part; returns its first bytes, up to one more than `kept`."""
    checked, text = not sniffed, bytearray()
    async for event in parts:
        if not isinstance(event, PartData):
            break
        await run_in_threadpool(writer.write, event.data)
        if kept and len(text) <= kept:
            text += event.data[: kept + 1 - len(text)]
        if not checked and writer.size_bytes >= SNIFF_BYTES:
            _check_head(writer.head)
            checked = True
    return bytes(text)


async def _text(parts: AsyncIterator[multipart.Event], name: str) -> str:
    """What one short part says."""
    text = bytearray()
    async for event in parts:
        if not isinstance(event, PartData):
            break
        text += event.data
        if len(text) > FIELD_BYTES:
            raise LimitExceededError(f"{name} has more than {FIELD_BYTES} bytes")
    return text.decode(errors="replace")


def _check_head(head: bytes) -> None:
    """Refuses what is known to be something else; unknown bytes may be the data of a model that is still to come."""
    with suppress(UnknownFormatError):
        sniff(head)
