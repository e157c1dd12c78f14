"""Fixtures of the service's tests: a real Redis, settings that point at it, an API, and a worker's hand on its jobs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from jaxtyping import install_import_hook
from redis import Redis

from app.main import create
from metagauge.service.connection import connect
from metagauge.service.settings import Settings
from tests.service.predictor_folder import write_predictor
from tests.service.processes import redis_running

# Before anything imports them: in tests, the shapes in these modules' signatures are checked.
install_import_hook(["models.metanetworks", "models.graph_tensors", "models.interpreter"], "beartype.beartype")


@pytest.fixture(scope="session")
def redis_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a Redis that runs for the whole session."""
    settings = Settings(state_dir=tmp_path_factory.mktemp("redis"), redis_url=None)
    with redis_running(settings):
        yield settings


@pytest.fixture
def settings(redis_settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings with an empty Redis, an empty blob store and one predictor, that no other test sees."""
    write_predictor(tmp_path / "pretrained")
    with connect(redis_settings, patience=0) as client:
        client.flushall()
    yield redis_settings.model_copy(
        update={"blob_url": str(tmp_path / "blobs"), "pretrained_dir": tmp_path / "pretrained", "upload_bytes": 100_000}
    )


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """A client of that Redis."""
    with connect(settings, patience=0) as client:
        yield client


@pytest.fixture
def api(settings: Settings) -> Iterator[TestClient]:
    """The API, without a worker."""
    with TestClient(create(settings), raise_server_exceptions=False) as client:
        yield client
