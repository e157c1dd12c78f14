"""The service's processes, started for tests the way the supervisor starts them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from metagauge.service.connection import connect
from metagauge.service.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
"""For conditions which hold in well under a second unless something is broken."""

Process = subprocess.Popen[bytes]


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Waits for `condition`, and fails naming `what` when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.02)


def environment(settings: Settings, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment in which a process has these settings."""
    chosen = {
        "METAGAUGE_STATE_DIR": str(settings.state),
        "METAGAUGE_PRETRAINED_DIR": str(settings.pretrained_dir),
        "METAGAUGE_PORT": str(settings.port),
        "OMP_NUM_THREADS": "1",
    }
    kept = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    return {**kept, **chosen, **(more or {})}


@contextmanager
def running(module: str, settings: Settings, more: Mapping[str, str] | None = None) -> Iterator[Process]:
    """`python -m module`; stopped with the block, whether or not it wants to."""
    process = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=environment(settings, more))
    try:
        yield process
    finally:
        stop(process)


def stop(process: Process) -> None:
    """Asks the process to end, and makes it if it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def redis_running(settings: Settings) -> Iterator[Redis]:
    """The embedded server, answering."""
    with running("metagauge.service.embedded", settings) as process:
        client = connect(settings, patience=0)
        until(lambda: process.poll() is not None or answers(client), "Redis")
        try:
            yield client
        finally:
            client.close()


def answers(client: Redis) -> bool:
    """Whether Redis is up."""
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
