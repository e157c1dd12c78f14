"""The blob store: uploaded bytes, named by their sha256. A directory by default, any fsspec URL otherwise."""

import hashlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractFileSystem

from metagauge.errors import LimitExceededError, ServiceUnavailableError

HEAD_BYTES = 4096
"""How much of the beginning a writer remembers, for telling formats apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Stored bytes."""

    sha256: str
    size_bytes: int


class BlobWriter:
    """Bytes on their way into the store. They get their name, and can be found, with `commit`."""

    def __init__(self, store: "BlobStore", *, limit_bytes: int, what: str) -> None:
        """`what` names the upload in messages."""
        self.head = b""
        self.size_bytes = 0
        self._store = store
        self._limit = limit_bytes
        self._what = what
        self._digest = hashlib.sha256()
        self._path = store.incoming()
        self._file: BinaryIO = store.filesystem.open(self._path, "wb")  # type: ignore[assignment]

    def write(self, data: bytes) -> None:
        """Appends.

        Raises:
            LimitExceededError: this is more than the limit.
        """
        self.size_bytes += len(data)
        if self.size_bytes > self._limit:
            raise LimitExceededError(f"{self._what} is larger than the limit of {self._limit} bytes")
        if len(self.head) < HEAD_BYTES:
            self.head += data[: HEAD_BYTES - len(self.head)]
        self._digest.update(data)
        self._file.write(data)

    @property
    def blob(self) -> Blob:
        """What was written so far."""
        return Blob(sha256=self._digest.hexdigest(), size_bytes=self.size_bytes)

    def commit(self) -> Blob:
        """Gives the bytes their name; bytes that were there already count as new again."""
        self._file.close()
        blob = self.blob
        target = self._store.path(blob.sha256)
        self._store.filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._store.filesystem.mv(self._path, target)
        return blob

    def discard(self) -> None:
        """Forgets bytes that were not committed."""
        self._file.close()
        if self._store.filesystem.exists(self._path):
            self._store.filesystem.rm_file(self._path)


class BlobStore:
    """Bytes by sha256. All calls block."""

    def __init__(self, url: str, *, scratch: Path | None = None) -> None:
        """`url` as fsspec reads it: a path, `s3://bucket/prefix`, ...; `scratch` is the folder for local copies."""
        self._scratch = scratch
        self.filesystem: AbstractFileSystem
        self.filesystem, self._root = url_to_fs(url)

    def path(self, sha256: str) -> str:
        """Where the bytes with this digest are."""
        return f"{self._root}/{sha256[:2]}/{sha256}"

    def incoming(self) -> str:
        """A new place for bytes whose digest is not known yet; its folder exists."""
        folder = f"{self._root}/incoming"
        self.filesystem.makedirs(folder, exist_ok=True)
        return f"{folder}/{uuid4().hex}"

    def writer(self, *, limit_bytes: int, what: str) -> BlobWriter:
        """Takes up to `limit_bytes` of the upload that messages call `what`."""
        return BlobWriter(self, limit_bytes=limit_bytes, what=what)

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        """The bytes as a file of this machine, for as long as the block runs.

        Raises:
            ServiceUnavailableError: they are not there (any more).
        """
        path = self.path(sha256)
        if not self.filesystem.exists(path):
            raise ServiceUnavailableError(f"the uploaded bytes {sha256} are no longer stored; upload them again")
        if isinstance(self.filesystem, LocalFileSystem):
            yield Path(path)
            return
        with tempfile.TemporaryDirectory(prefix="metagauge-blob-", dir=self._scratch) as folder:
            copy = Path(folder) / sha256
            self.filesystem.get_file(path, str(copy))
            yield copy

    def check(self) -> None:
        """Writes and removes a byte.

        Raises:
            OSError: the store does not take it.
        """
        path = self.incoming()
        self.filesystem.pipe_file(path, b"\n")
        self.filesystem.rm_file(path)

    def sweep(self, *, older_than_s: float) -> int:
        """Removes what was written longer ago than that; says how many."""
        before = time.time() - older_than_s
        if not self.filesystem.exists(self._root):
            return 0
        old = [path for path in self.filesystem.find(self._root) if self.filesystem.modified(path).timestamp() < before]
        for path in old:
            self.filesystem.rm_file(path)
        return len(old)
