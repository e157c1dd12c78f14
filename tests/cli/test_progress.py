"""Progress is for people: shown where a terminal is, and never in the way of the result."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.answers import good
from tests.fakes.served import Served

COMMAND = (sys.executable, "-c", "from metagauge.cli.main import run; run()")


@pytest.fixture
def command(served: Served, tmp_path: Path) -> list[str]:
    path = tmp_path / "[bold]net.onnx"
    path.write_bytes(good(0.6))
    return [*COMMAND, "predict", str(path), "--json", "--url", served.url]


def everything(terminal: int) -> bytes:
    """What was written to the other end until it closed, which Linux tells by an error."""
    seen = b""
    try:
        while part := os.read(terminal, 65536):
            seen += part
    except OSError:
        pass
    return seen


def test_on_a_terminal_the_stages_are_shown_beside_the_result(command: list[str]):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = everything(ours)
        assert process.stdout is not None
        result = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0
    assert b"[bold]net.onnx" in seen
    assert result.startswith(b"{")
    assert result.endswith(b"}\n")


def test_without_a_terminal_nothing_but_the_result_is_written(command: list[str]):
    ended = subprocess.run(command, capture_output=True, check=True)
    assert ended.stderr == b""
    assert ended.stdout.startswith(b"{")
