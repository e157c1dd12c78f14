"""The service as its processes: Redis, the API and a worker that are killed and come back."""

import itertools
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from metagauge.contract import Job, JobStatus, Stage
from metagauge.service.connection import connect
from metagauge.service.settings import Settings
from tests.service import checkpoints
from tests.service.predictor_folder import write_predictor
from tests.service.processes import Process, redis_running, running, stop, until

WORKER = "tests.plain_worker"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Service:
    """Processes that a test can stop and start again, and contents that were not uploaded before."""

    def __init__(self, state: Path, stack: ExitStack) -> None:
        write_predictor(state / "pretrained")
        self.settings = Settings(
            state_dir=state / "var", pretrained_dir=state / "pretrained", port=free_port(), redis_url=None
        )
        self.gate = state / "gate"
        self.http = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{self.settings.port}", timeout=90))
        self._seeds = itertools.count()
        self._redis = stack.enter_context(ExitStack())
        self._others = stack.enter_context(ExitStack())
        self._worker: Process | None = None
        self.start_redis()
        self._others.enter_context(running("app", self.settings))
        until(self.is_ready, "the API")

    def start_redis(self) -> None:
        self._redis.enter_context(redis_running(self.settings))

    def stop_redis(self) -> None:
        self._redis.close()

    def start_worker(self) -> None:
        """Has a worker up, and the gate open."""
        self.gate.unlink(missing_ok=True)
        if self._worker is None:
            gate = {"METAGAUGE_TEST_GATE": str(self.gate)}
            self._worker = self._others.enter_context(running("tests.plain_worker", self.settings, gate))
        until(lambda: self.workers() == 1, "a worker")

    def stop_worker(self) -> None:
        if self._worker is not None:
            stop(self._worker)
            self._worker = None
            until(lambda: self.workers() == 0, "the end of the worker")

    def is_ready(self) -> bool:
        try:
            return self.http.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def workers(self) -> int:
        answer = self.http.get("/readyz")
        return answer.json()["workers"] if answer.is_success else -1

    def fresh(self) -> bytes:
        """A network that this service has not seen."""
        return checkpoints.onnx_bytes(seed=next(self._seeds))

    def upload(self, content: bytes, name: str = "net.onnx") -> Job:
        answer = self.http.post("/predict", files={"file": (name, content)})
        assert answer.is_success, answer.text
        return Job.model_validate_json(answer.content)

    def job(self, job: Job, *, wait: float = 0.0) -> Job:
        return Job.model_validate_json(self.http.get(f"/jobs/{job.id}", params={"wait": wait}).content)

    def is_at(self, job: Job, stage: Stage) -> bool:
        return self.job(job).stage is stage


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with ExitStack() as stack:
        yield Service(tmp_path_factory.mktemp("service"), stack)


def test_twenty_uploads_at_once_all_finish(service: Service):
    service.start_worker()
    start = threading.Barrier(20)

    def one(number: int) -> Job:
        content = service.fresh() if number % 2 else checkpoints.safetensors_bytes(number)
        start.wait()
        return service.job(service.upload(content, f"{number}"), wait=60)

    with ThreadPoolExecutor(20) as pool:
        jobs = list(pool.map(one, range(20)))
    assert [job.status for job in jobs] == [JobStatus.SUCCEEDED] * 20
    assert len({job.id for job in jobs}) == 20
    assert {job.attempts for job in jobs} == {1}


def test_redis_restarts_without_losing_a_job(service: Service):
    service.stop_worker()
    waiting = [service.upload(service.fresh()) for _ in range(5)]
    service.stop_redis()
    assert service.http.get("/readyz").status_code == 503
    assert service.http.get("/livez").status_code == 200
    service.start_redis()
    assert [service.job(job).status for job in waiting] == [JobStatus.QUEUED] * 5
    service.start_worker()
    assert {service.job(job, wait=60).status for job in waiting} == {JobStatus.SUCCEEDED}


def test_redis_restarts_under_a_job_that_runs(service: Service):
    service.start_worker()
    service.gate.touch()
    running_jobs = [service.upload(service.fresh()) for _ in range(4)]
    until(lambda: service.is_at(running_jobs[0], Stage.PREDICT), "the first prediction")
    service.stop_redis()
    service.start_redis()
    service.gate.unlink()
    assert {service.job(job, wait=60).status for job in running_jobs} == {JobStatus.SUCCEEDED}


def test_a_cancelled_job_leaves_the_worker_free(service: Service):
    service.start_worker()
    service.gate.touch()
    job = service.upload(service.fresh())
    until(lambda: service.is_at(job, Stage.PREDICT), "the prediction")
    assert service.http.delete(f"/jobs/{job.id}").status_code == 202
    service.gate.unlink()
    other = service.job(service.upload(service.fresh()), wait=60)
    assert other.status is JobStatus.SUCCEEDED
    assert service.job(job).status is JobStatus.CANCELED


def test_each_bad_file_has_its_own_code_and_the_worker_goes_on(service: Service):
    service.start_worker()
    expected = {
        "empty_upload": b"",
        "malformed_checkpoint": checkpoints.truncated(),
        "unsupported_format": checkpoints.pickled(),
        "no_parameters": checkpoints.onnx_without_parameters(),
        "structure_not_inferable": checkpoints.unknown_structure(),
    }
    found = {}
    for code, content in expected.items():
        answer = service.http.post("/predict", files={"file": ("checkpoint", content)}, headers={"Prefer": "wait=60"})
        body = answer.json()
        problem = body if "code" in body else body["problem"]
        found[code] = problem["code"]
        assert len(problem["detail"]) > 20
    assert found == {code: code for code in expected}
    assert service.job(service.upload(service.fresh()), wait=60).status is JobStatus.SUCCEEDED


def test_the_second_upload_is_answered_at_once(service: Service):
    service.start_worker()
    content = service.fresh()
    first = service.job(service.upload(content), wait=60)
    again = service.http.post("/predict", files={"file": ("again.onnx", content)})
    assert again.status_code == 200
    job = Job.model_validate_json(again.content)
    assert job.cached
    assert job.report == first.report


def test_events_show_the_stages_move(service: Service):
    service.start_worker()
    service.gate.touch()
    job = service.upload(service.fresh())
    seen: list[Job] = []
    with service.http.stream("GET", f"/jobs/{job.id}/events") as events:
        for line in events.iter_lines():
            if line.startswith("data: "):
                seen.append(Job.model_validate_json(line.removeprefix("data: ")))
                if seen[-1].stage == "predict":
                    service.gate.unlink(missing_ok=True)
    assert "predict" in [event.stage for event in seen]
    assert [event.progress for event in seen] == sorted(event.progress for event in seen)
    assert seen[-1].status is JobStatus.SUCCEEDED
    assert seen[-1].report is not None


def test_a_second_service_on_the_same_directory_is_refused(service: Service):
    with running("metagauge.service.embedded", service.settings) as second:
        assert second.wait(timeout=60) != 0
    assert service.is_ready()


def test_the_state_is_closed_to_other_users_and_redis_has_no_port(service: Service):
    folder = service.settings.state / "redis"
    assert folder.stat().st_mode & 0o777 == 0o700
    with connect(service.settings, patience=0) as client:
        assert client.config_get("port") == {b"port": b"0"} or client.config_get("port") == {"port": "0"}
