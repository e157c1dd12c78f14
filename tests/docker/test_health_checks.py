"""The containers' health checks, run against a real Redis and a real API."""

import os
import socket
import subprocess
import sys

import pytest
from redis import Redis

from metagauge.service import keys
from metagauge.service.settings import Settings
from tests.service import processes


def check(script: str, settings: Settings) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"docker/{script}"]
    environment = {**processes.environment(settings), "PYTHONPATH": str(processes.ROOT)}
    return subprocess.run(command, cwd=processes.ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_worker_is_healthy_while_its_own_key_is_there(settings: Settings, redis: Redis):
    assert check("healthy_worker.py", settings).returncode == 1
    redis.set(keys.worker("another-host-1"), "")
    assert check("healthy_worker.py", settings).returncode == 1
    redis.set(keys.worker(f"{socket.gethostname()}-{os.getpid()}"), "")
    assert check("healthy_worker.py", settings).returncode == 0


def test_without_redis_a_worker_is_not_healthy(settings: Settings, tmp_path):
    ended = check("healthy_worker.py", settings.model_copy(update={"state_dir": tmp_path / "none"}))
    assert ended.returncode == 1
    assert "Redis does not answer" in ended.stderr


@pytest.mark.usefixtures("redis")
def test_the_api_is_healthy_when_it_is_ready(settings: Settings):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = settings.model_copy(update={"port": port})
    assert check("healthy_api.py", settings).returncode == 1
    with processes.running("app", settings):
        processes.until(lambda: check("healthy_api.py", settings).returncode == 0, "a healthy API")
