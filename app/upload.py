"""Receiving uploads: streamed into the blob store, refused as early as can be told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import assert_never

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app import multipart
from app.multipart import PartBegin, PartData, PartEnd
from app.problems import failure_of
from metagauge.checkpoint.sniff import sniff
from metagauge.errors import InputError, LimitExceededError, RequestInvalidError
from metagauge.service.blobs import Blob, BlobStore, BlobWriter
from metagauge.service.record import Failure
from metagauge.service.settings import Settings

NAME_LENGTH = 255
SNIFF_BYTES = 4096
FORM_BYTES = 64 * 1024
"""What the boundary and the headers of a form may add to one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointUpload:
    """One checkpoint. `blob` is kept in the store unless `refusal` says why the file is not taken."""

    filename: str
    blob: Blob
    refusal: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """What one request brought."""

    checkpoints: tuple[CheckpointUpload, ...]
    sidecar: Blob | None


class Receiver:
    """Takes one request's body. A batch notes which files it refuses; anything else ends at the first refusal."""

    def __init__(self, blobs: BlobStore, settings: Settings, *, batch: bool) -> None:
        self._blobs = blobs
        self._settings = settings
        self._batch = batch
        self._checkpoints: list[CheckpointUpload] = []
        self._sidecar: Blob | None = None

    async def receive(self, request: Request, filename: str) -> Uploads:
        """Stores the body: the parts of a form, or else all of it as one checkpoint called `filename`.

        Raises:
            InputError: there is no checkpoint, it is no format we read, it is too large, or the form is broken.
        """
        declared, limit = request.headers.get("content-length", ""), self._limit_bytes
        if declared.isdigit() and int(declared) > limit:
            raise LimitExceededError(f"the upload has {int(declared)} bytes; the limit is {limit} bytes")
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            await self._form(request)
        else:
            await self._raw(request, filename)
        if not self._checkpoints:
            raise RequestInvalidError("the form has no part called `file`; send the checkpoint as -F file=@model.onnx")
        return Uploads(checkpoints=tuple(self._checkpoints), sidecar=self._sidecar)

    @property
    def _limit_bytes(self) -> int:
        files = self._settings.batch_files if self._batch else 1
        return self._settings.sidecar_bytes + files * (self._settings.upload_bytes + FORM_BYTES)

    async def _raw(self, request: Request, filename: str) -> None:
        async with self._writing(self._settings.upload_bytes, "the checkpoint") as writer:
            checked = False
            async for chunk in request.stream():
                await run_in_threadpool(writer.write, chunk)
                if not checked and writer.size_bytes >= SNIFF_BYTES:
                    sniff(writer.head)
                    checked = True
            await self._keep_checkpoint(writer, filename)

    async def _form(self, request: Request) -> None:
        parts = multipart.events(request)
        async for event in parts:
            match event:
                case PartBegin(name="file"):
                    if self._checkpoints and not self._batch:
                        raise RequestInvalidError("the form has several parts called `file`; use POST /predict/batch")
                    if len(self._checkpoints) >= self._settings.batch_files:
                        raise LimitExceededError(f"a batch has at most {self._settings.batch_files} files")
                    await self._checkpoint_part(parts, event.filename or "checkpoint")
                case PartBegin(name="architecture"):
                    if self._sidecar is not None:
                        raise RequestInvalidError("the form has two parts called `architecture`")
                    async with self._writing(self._settings.sidecar_bytes, "the architecture") as writer:
                        await _copy(parts, writer)
                        if writer.size_bytes:  # a browser sends an empty part for a field nobody filled in
                            self._sidecar = await run_in_threadpool(writer.commit)
                case PartBegin():
                    raise RequestInvalidError(
                        f"the form has a part called {event.name!r}; it can have `file` and `architecture`"
                    )
                case PartData() | PartEnd():
                    raise RequestInvalidError("the form's parts are out of order")
                case _:
                    assert_never(event)

    async def _checkpoint_part(self, parts: AsyncIterator[multipart.Event], filename: str) -> None:
        async with self._writing(self._settings.upload_bytes, "the checkpoint") as writer:
            await _copy(parts, writer, sniffed=not self._batch)
            await self._keep_checkpoint(writer, filename)

    async def _keep_checkpoint(self, writer: BlobWriter, filename: str) -> None:
        name = clean_name(filename)
        try:
            sniff(writer.head)
        except InputError as error:
            if not self._batch:
                raise
            refused = CheckpointUpload(filename=name, blob=writer.blob, refusal=failure_of(error))
            self._checkpoints.append(refused)
        else:
            self._checkpoints.append(CheckpointUpload(filename=name, blob=await run_in_threadpool(writer.commit)))

    @asynccontextmanager
    async def _writing(self, limit_bytes: int, what: str) -> AsyncIterator[BlobWriter]:
        writer = await run_in_threadpool(self._blobs.writer, limit_bytes=limit_bytes, what=what)
        try:
            yield writer
        finally:
            await run_in_threadpool(writer.discard)  # does nothing to what was committed


def clean_name(filename: str) -> str:
    """The last part of a file's name, without control characters."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:NAME_LENGTH] or "checkpoint"


async def _copy(parts: AsyncIterator[multipart.Event], writer: BlobWriter, *, sniffed: bool = False) -> None:
    checked = not sniffed
    async for event in parts:
        if not isinstance(event, PartData):
            return
        await run_in_threadpool(writer.write, event.data)
        if not checked and writer.size_bytes >= SNIFF_BYTES:
            sniff(writer.head)
            checked = True
