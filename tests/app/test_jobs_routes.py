"""Jobs over HTTP: listed, waited for, followed, cancelled."""

import json
import threading

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from metagauge.contract import Job, JobStatus, Stage
from metagauge.service.settings import Settings
from tests.service import checkpoints
from tests.service.reports import REPORT
from worker.store import JobStore


def submit(api: TestClient, seed: int = 0) -> str:
    return api.post("/predict", files={"file": (f"{seed}.onnx", checkpoints.onnx_bytes(seed))}).json()["id"]


@pytest.fixture
def hand(redis: Redis, settings: Settings) -> JobStore:
    """The hand of a worker."""
    return JobStore(redis, settings)


def succeed(hand: JobStore, job_id: str) -> None:
    assert hand.succeed(hand.get(job_id), hand.deliver(job_id), REPORT.model_dump_json())


def test_an_unknown_job_is_a_404_problem(api: TestClient):
    answer = api.get("/jobs/0123")
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_job_shows_its_stage_and_progress(api: TestClient, hand: JobStore):
    job_id = submit(api)
    hand.advance(job_id, hand.deliver(job_id), Stage.INFER)
    job = Job.model_validate_json(api.get(f"/jobs/{job_id}").content)
    assert (job.status, job.stage, job.attempts) == (JobStatus.RUNNING, Stage.INFER, 1)
    assert 0 < job.progress < 1


def test_a_long_poll_returns_when_the_job_is_final(api: TestClient, hand: JobStore):
    job_id = submit(api)
    worker = threading.Timer(0.2, succeed, (hand, job_id))
    worker.start()
    job = api.get(f"/jobs/{job_id}?wait=30").json()
    worker.join()
    assert job["status"] == "succeeded"


def test_a_long_poll_returns_when_its_time_is_over(api: TestClient):
    job_id = submit(api)
    assert api.get(f"/jobs/{job_id}?wait=0.05").json()["status"] == "queued"


@pytest.mark.parametrize("wait", ["-1", "61", "soon"])
def test_a_wait_that_is_not_granted_is_refused(api: TestClient, wait: str):
    answer = api.get(f"/jobs/abc?wait={wait}")
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


def test_events_end_with_the_final_job(api: TestClient, hand: JobStore):
    job_id = submit(api)
    worker = threading.Timer(0.2, succeed, (hand, job_id))
    worker.start()
    text = api.get(f"/jobs/{job_id}/events").text
    worker.join()
    events = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    names = {line for line in text.splitlines() if line.startswith("event: ")}
    assert names == {"event: job"}
    order = ["queued", "running", "succeeded"]
    seen = [order.index(event["status"]) for event in events]
    assert seen == sorted(set(seen))
    assert events[-1]["status"] == "succeeded"
    assert events[-1]["report"]["architecture"]["family"] == "cnn"


def test_pages_list_every_job_once_newest_first(api: TestClient):
    made = [submit(api, seed) for seed in range(5)]
    seen, cursor = [], None
    for _ in range(3):
        page = api.get("/jobs", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [job["id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == sorted(made)
    assert seen == sorted(seen, reverse=True)
    assert cursor is None


def test_the_list_can_be_of_one_status(api: TestClient, hand: JobStore):
    done, waiting = submit(api, 0), submit(api, 1)
    succeed(hand, done)
    by_status = {status: api.get(f"/jobs?status={status}").json()["jobs"] for status in ("queued", "succeeded")}
    assert [job["id"] for job in by_status["queued"]] == [waiting]
    assert [job["id"] for job in by_status["succeeded"]] == [done]


def test_a_cancelled_job_is_no_longer_delivered(api: TestClient, hand: JobStore):
    job_id = submit(api)
    answer = api.delete(f"/jobs/{job_id}")
    assert (answer.status_code, answer.json()["status"]) == (202, "canceled")
    assert hand.deliver(job_id) == 0


def test_a_worker_cannot_finish_a_job_that_was_cancelled_under_its_hands(api: TestClient, hand: JobStore):
    job_id = submit(api)
    attempt = hand.deliver(job_id)
    api.delete(f"/jobs/{job_id}")
    assert not hand.holds(job_id, attempt)
    assert not hand.succeed(hand.get(job_id), attempt, REPORT.model_dump_json())
    assert api.get(f"/jobs/{job_id}").json()["status"] == "canceled"


def test_a_finished_job_cannot_be_cancelled(api: TestClient, hand: JobStore):
    job_id = submit(api)
    succeed(hand, job_id)
    answer = api.delete(f"/jobs/{job_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_finished")


def test_an_unknown_job_cannot_be_cancelled(api: TestClient):
    assert api.delete("/jobs/0123").status_code == 404


def test_a_report_of_another_version_of_the_service_can_still_be_read(api: TestClient, hand: JobStore, redis: Redis):
    job_id = submit(api)
    text = REPORT.model_copy(update={"findings": ()}).model_dump_json().replace("{", '{"since_removed": 1, ', 1)
    assert hand.succeed(hand.get(job_id), hand.deliver(job_id), text)
    assert api.get(f"/jobs/{job_id}").json()["report"] == REPORT.model_dump(mode="json")
