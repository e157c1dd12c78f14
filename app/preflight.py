"""What `make run` asks first: is the address free, and does no other run use the state folder?"""

import os
import socket
import sys

from metagauge.service.settings import Settings


def main() -> int:
    """Says what stands in the way, if anything does; returns the exit code."""
    settings = Settings()
    reason = obstacle(settings)
    if reason is not None:
        sys.stderr.write(f"metagauge: {reason}\n")
    return int(reason is not None)


def obstacle(settings: Settings) -> str | None:
    """Why the service cannot be started with these settings; None if nothing is known to stand in the way."""
    runner = _runner(settings)
    if runner is not None:
        return f"process {runner} already runs with {settings.state}; stop it, or set METAGAUGE_STATE_DIR"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return f"{settings.host}:{settings.port} cannot be used ({error.strerror}); set METAGAUGE_PORT"
    return None


def _runner(settings: Settings) -> int | None:
    """The process that holds the state folder, if it is alive."""
    try:
        runner = int((settings.state / "supervisord.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    try:
        os.kill(runner, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # another user's, and alive
    return runner


if __name__ == "__main__":
    sys.exit(main())
