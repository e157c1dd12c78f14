"""`make run`: what a newcomer types, started, killed at, stopped and started again."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from socket import create_server

import httpx
import psutil
import pytest

from metagauge.contract import Job, JobStatus, Stage
from metagauge.service.settings import Settings
from tests.e2e.test_processes import free_port
from tests.service import checkpoints
from tests.service.predictor_folder import write_predictor
from tests.service.processes import ROOT, environment, until

BIN = Path(sys.executable).parent
PUBLISHED = [*(ROOT / "models" / "pretrained").glob("cifar10-accuracy-v*/model.safetensors")]


class Run:
    """A supervised service, in a process group of its own as a terminal would give it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, port: int) -> None:
        self.process = process
        self.log = log
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90)

    def wait_ready(self) -> None:
        until(lambda: "is ready" in self.text() or self.process.poll() is not None, "the announcement")
        assert self.process.poll() is None, self.text()

    def text(self) -> str:
        return self.log.read_text()

    def program(self, module: str) -> psutil.Process:
        family = psutil.Process(self.process.pid).children(recursive=True)
        (found,) = [child for child in family if child.cmdline()[-2:] == ["-m", module]]
        return found

    def interrupt(self) -> list[psutil.Process]:
        """Types Ctrl-C; returns every process that was there."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=60)
        return family

    def job(self, job_id: str, wait: float = 0.0) -> Job:
        return Job.model_validate_json(self.http.get(f"/jobs/{job_id}", params={"wait": wait}).content)


Start = Callable[[], AbstractContextManager[Run]]


def is_alive(process: psutil.Process) -> bool:
    """A zombie is not: its parent is gone, and it waits for whoever adopts orphans here."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_predictor(tmp_path / "pretrained")
    return Settings(
        state_dir=tmp_path / "var", pretrained_dir=tmp_path / "pretrained", port=free_port(), redis_url=None
    )


@contextmanager
def started(line: list[str], settings: Settings, log: Path, **more: str) -> Iterator[Run]:
    settings.state.mkdir(exist_ok=True)
    variables = environment(settings, {"PATH": f"{BIN}:{os.environ['PATH']}", **more})
    with log.open("wb") as output:
        process = subprocess.Popen(
            line, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield Run(process, log, settings.port)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


@pytest.fixture
def supervised(settings: Settings, tmp_path: Path) -> Start:
    """Starts what `make run` starts, but for a worker whose predictor waits while the gate is closed."""
    configuration = tmp_path / "supervisord.conf"
    shipped = (ROOT / "supervisord.conf").read_text()
    assert shipped.count("-m worker") == 1
    configuration.write_text(shipped.replace("-m worker", "-m tests.plain_worker"))
    gate = {"METAGAUGE_TEST_GATE": str(tmp_path / "gate")}
    return lambda: started(["supervisord", "-c", str(configuration)], settings, tmp_path / "log", **gate)


def test_a_killed_worker_is_started_again_and_finishes_its_job_and_jobs_outlive_a_stop(
    supervised: Start, tmp_path: Path
):
    gate = tmp_path / "gate"
    with supervised() as run:
        run.wait_ready()
        gate.touch()
        job_id = run.http.post("/predict", content=checkpoints.onnx_bytes()).json()["id"]
        until(lambda: run.job(job_id).stage is Stage.PREDICT, "the prediction")
        run.program("tests.plain_worker").kill()
        gate.unlink()
        finished = run.job(job_id, wait=60)
        assert (finished.status, finished.attempts) == (JobStatus.SUCCEEDED, 2)
        family = run.interrupt()
        assert len(family) >= 4
        assert not [process for process in family if is_alive(process)]
    with supervised() as run:
        run.wait_ready()
        assert run.job(job_id) == finished


def test_a_port_that_is_taken_ends_the_run_with_a_reason(supervised: Start, settings: Settings):
    with create_server(("127.0.0.1", settings.port)), supervised() as run:
        run.process.wait(timeout=60)
        assert "address already in use" in run.text()
        assert "api cannot be started" in run.text()


@pytest.mark.skipif(not PUBLISHED, reason="no predictor is published in models/pretrained")
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_make_run_prints_a_command_that_judges_the_sample(settings: Settings, tmp_path: Path):
    real = settings.model_copy(update={"pretrained_dir": ROOT / "models" / "pretrained"})
    line = ["make", f"VENV={BIN.parent}", f"--old-file={BIN}/.run", "run"]
    with started(line, real, tmp_path / "log") as run:
        run.wait_ready()
        (command,) = re.findall(r"^\s*(curl .+)$", run.text(), re.MULTILINE)
        answer = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, check=True)
        job = Job.model_validate_json(answer.stdout)
        assert job.status is JobStatus.SUCCEEDED, job
        assert job.report is not None
        assert job.report.predictions is not None
        family = run.interrupt()
        assert not [process for process in family if is_alive(process)]
