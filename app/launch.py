"""What `make run` says: a command to paste when the service is ready, and why it gives up when it cannot be started.

Runs as an event listener of supervisord (http://supervisord.org/events.html): events come in through stdin.
"""

import os
import shlex
import signal
import sys
import threading
import time
from pathlib import Path

import httpx
from supervisor import childutils

from metagauge.service.settings import Settings

SAMPLE = Path("docs/samples/resnet.onnx")
EVERY_S = 0.2


def main() -> None:
    """Listens until supervisord ends."""
    threading.Thread(target=_announce, args=(Settings(),), daemon=True).start()
    while True:
        headers, text = childutils.listener.wait(sys.stdin, sys.stdout)
        event, _ = childutils.eventdata(text + "\n")
        name = event["processname"]
        if headers["eventname"] == "PROCESS_STATE_FATAL":
            _say(f"\n{name} cannot be started (see above); stopping.")
            os.kill(os.getppid(), signal.SIGTERM)
        elif event.get("expected") == "0":
            _say(f"{name} died; it is started again.")
        childutils.listener.ok(sys.stdout)


def _announce(settings: Settings) -> None:
    url = f"http://{settings.host}:{settings.port}"
    with httpx.Client(base_url=url, timeout=5.0) as client:
        while not _has_worker(client):
            time.sleep(EVERY_S)
    command = f"curl -H 'Prefer: wait=30' -F file=@{shlex.quote(str(SAMPLE))} {url}/predict"
    _say(
        f"\nMetagauge is ready at {url} (web page: {url}/, API: {url}/docs)."
        f"\nJudge the sample checkpoint:\n\n  {command}\n\nCtrl-C stops it."
    )


def _has_worker(client: httpx.Client) -> bool:
    try:
        answer = client.get("/readyz")
    except httpx.TransportError:
        return False
    return answer.is_success and answer.json()["workers"] > 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
