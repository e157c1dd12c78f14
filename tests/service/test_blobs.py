"""The blob store, as a directory and in memory."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from metagauge.errors import LimitExceededError, ServiceUnavailableError
from metagauge.service.blobs import BlobStore

CONTENT = b"some weights " * 1000


@pytest.fixture(params=["directory", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    yield BlobStore(str(tmp_path / "blobs") if request.param == "directory" else "memory://blobs")
    fsspec.filesystem("memory").store.clear()


def put(store: BlobStore, content: bytes = CONTENT) -> str:
    writer = store.writer(limit_bytes=10**6, what="the upload")
    for start in range(0, len(content), 1000):
        writer.write(content[start : start + 1000])
    return writer.commit().sha256


def test_bytes_come_back_under_their_digest(store: BlobStore):
    sha256 = put(store)
    assert sha256 == hashlib.sha256(CONTENT).hexdigest()
    with store.local(sha256) as path:
        assert path.read_bytes() == CONTENT


def test_bytes_can_be_stored_twice(store: BlobStore):
    assert put(store) == put(store)
    with store.local(put(store)) as path:
        assert path.read_bytes() == CONTENT


def test_bytes_above_the_limit_are_refused_by_name_and_number(store: BlobStore):
    writer = store.writer(limit_bytes=10, what="the upload")
    writer.write(bytes(10))
    with pytest.raises(LimitExceededError, match=r"the upload .* 10 bytes"):
        writer.write(b"x")


def test_discarded_bytes_leave_nothing(store: BlobStore):
    writer = store.writer(limit_bytes=10**6, what="the upload")
    writer.write(CONTENT)
    writer.discard()
    assert store.sweep(older_than_s=-60) == 0


def test_bytes_that_are_gone_are_missed_with_a_way_out(store: BlobStore):
    with pytest.raises(ServiceUnavailableError, match="upload them again"), store.local("0" * 64):
        pass


def test_a_store_that_takes_bytes_is_fine_and_one_that_does_not_is_not(store: BlobStore, tmp_path: Path):
    store.check()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        BlobStore(str(tmp_path / "file" / "below")).check()


def test_only_old_bytes_are_swept(tmp_path: Path):
    store = BlobStore(str(tmp_path / "blobs"))
    old, young = put(store, b"old"), put(store, b"young")
    os.utime(store.path(old), (0, 0))
    assert store.sweep(older_than_s=3600) == 1
    assert not Path(store.path(old)).exists()
    assert Path(store.path(young)).exists()
