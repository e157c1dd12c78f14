"""`make run` says what stands in its way before it starts anything."""

import os
import subprocess
import sys
from socket import create_server

from app.preflight import obstacle
from metagauge.service.settings import Settings


def test_a_free_address_and_an_unused_folder_are_no_obstacle(settings: Settings):
    with create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert obstacle(settings.model_copy(update={"port": port})) is None


def test_a_taken_port_is_named(settings: Settings):
    with create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reason = obstacle(settings.model_copy(update={"port": port}))
        assert reason is not None
        assert str(port) in reason
        answer = subprocess.run(
            [sys.executable, "-m", "app.preflight"],
            env={**os.environ, "METAGAUGE_PORT": str(port)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (answer.returncode, "METAGAUGE_PORT" in answer.stderr) == (1, True)


def test_a_folder_in_use_is_named_and_a_dead_run_is_not(settings: Settings, tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    mine = settings.model_copy(update={"state_dir": folder, "port": 0})
    (folder / "supervisord.pid").write_text(str(os.getpid()))
    assert str(os.getpid()) in (obstacle(mine) or "")
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    (folder / "supervisord.pid").write_text(str(finished.pid))
    assert obstacle(mine) is None
