"""`POST /predict` and `POST /predict/batch`, without a worker."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from app.main import create
from metagauge.contract import JobStatus
from metagauge.service import queue
from metagauge.service.record import Failure, JobRecord
from metagauge.service.settings import Settings
from tests.service import checkpoints
from tests.service.predictor_folder import write_predictor
from tests.service.reports import REPORT
from worker.store import JobStore

ONNX = checkpoints.onnx_bytes()


def upload(content: bytes, name: str = "net.onnx") -> dict[str, tuple[str, bytes]]:
    return {"file": (name, content)}


def finish(redis: Redis, settings: Settings, job_id: str) -> JobRecord:
    """Does what a worker does in the end."""
    store = JobStore(redis, settings)
    attempt = store.deliver(job_id)
    assert store.succeed(store.get(job_id), attempt, REPORT.model_dump_json())
    return store.get(job_id)


def blobs(settings: Settings) -> list[str]:
    return sorted(path.name for path in Path(settings.blobs).rglob("*") if path.is_file())


def test_an_upload_becomes_a_queued_job(api: TestClient, redis: Redis):
    answer = api.post("/predict", files=upload(ONNX))
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    assert "retry-after" in answer.headers
    assert (job["status"], job["filename"], job["size_bytes"]) == ("queued", "net.onnx", len(ONNX))
    assert queue.waiting(redis) == (job["id"],)


def test_bytes_are_stored_under_their_digest_and_never_in_redis(api: TestClient, redis: Redis, settings: Settings):
    job = api.post("/predict", files=upload(ONNX)).json()
    assert blobs(settings) == [job["sha256"]]
    dumps = [redis.dump(key) or b"" for key in redis.scan_iter()]
    assert not any(ONNX[:200] in dump for dump in dumps)


def test_a_raw_body_is_an_upload_too(api: TestClient):
    job = api.post("/predict?filename=raw.onnx", content=ONNX).json()
    assert (job["filename"], job["size_bytes"]) == ("raw.onnx", len(ONNX))


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "empty_upload"),
        (b"just some words\n", 415, "unsupported_format"),
        (checkpoints.pickled(), 415, "unsupported_format"),
        (b"PK\x03\x04" + bytes(60), 415, "unsupported_format"),
        (ONNX + bytes(100_000), 413, "limit_exceeded"),
    ],
)
def test_what_cannot_be_a_checkpoint_is_refused_at_once(
    api: TestClient, redis: Redis, settings: Settings, content: bytes, status: int, code: str
):
    for answer in (api.post("/predict", files=upload(content)), api.post("/predict", content=content)):
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert blobs(settings) == []
    assert queue.waiting(redis) == ()


@pytest.mark.parametrize(
    "parts",
    [
        [("wrong", ("a", ONNX))],
        [("file", ("a", ONNX)), ("file", ("b", ONNX))],
        [("architecture", ("a.json", b"{}"))],
        [("file", ("a", ONNX)), ("architecture", ("a", b"{}")), ("architecture", ("b", b"{}"))],
    ],
)
def test_a_form_with_other_parts_is_refused(api: TestClient, parts: list[tuple[str, tuple[str, bytes]]]):
    answer = api.post("/predict", files=parts)
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


def test_a_form_that_is_cut_off_is_refused(api: TestClient):
    request = api.build_request("POST", "/predict", files=upload(ONNX))
    request.read()
    answer = api.post(
        "/predict", content=request.content[:-30], headers={"content-type": request.headers["content-type"]}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


def test_an_unknown_predictor_is_refused_by_name(api: TestClient):
    answer = api.post("/predict?predictor=oracle", files=upload(ONNX))
    assert (answer.status_code, answer.json()["code"]) == (404, "predictor_unknown")
    assert "'oracle'" in answer.json()["detail"]


def test_a_full_queue_refuses_and_says_when_to_come_back(settings: Settings):
    with TestClient(create(settings.model_copy(update={"queue_limit": 1}))) as api:
        assert api.post("/predict", files=upload(ONNX)).status_code == 202
        answer = api.post("/predict", files=upload(ONNX))
    assert (answer.status_code, answer.json()["code"]) == (503, "queue_full")
    assert int(answer.headers["retry-after"]) > 0


def test_the_second_upload_of_the_same_bytes_is_answered_from_the_cache(
    api: TestClient, redis: Redis, settings: Settings
):
    first = api.post("/predict", files=upload(ONNX)).json()
    finish(redis, settings, first["id"])
    answer = api.post("/predict", files=upload(ONNX, "other-name.onnx"))
    job = answer.json()
    assert answer.status_code == 200
    assert (job["status"], job["cached"], job["filename"]) == ("succeeded", True, "other-name.onnx")
    assert job["id"] != first["id"]
    assert job["report"] == REPORT.model_dump(mode="json")


@pytest.mark.parametrize("change", ["content", "sidecar"])
def test_another_content_or_sidecar_is_another_result(api: TestClient, redis: Redis, settings: Settings, change: str):
    finish(redis, settings, api.post("/predict", files=upload(ONNX)).json()["id"])
    changed = {
        "content": upload(checkpoints.onnx_bytes(seed=1)),
        "sidecar": {**upload(ONNX), "architecture": ("config.json", b"{}")},
    }
    assert api.post("/predict", files=changed[change]).status_code == 202


def test_a_newer_predictor_does_not_answer_with_the_older_ones_result(redis: Redis, settings: Settings):
    with TestClient(create(settings)) as api:
        finish(redis, settings, api.post("/predict", files=upload(ONNX)).json()["id"])
    write_predictor(settings.pretrained_dir, version=2)
    with TestClient(create(settings)) as api:
        assert api.post("/predict", files=upload(ONNX)).status_code == 202


def test_a_repeated_idempotency_key_gives_the_same_job(api: TestClient, redis: Redis):
    headers = {"Idempotency-Key": "k1"}
    first = api.post("/predict", files=upload(ONNX), headers=headers).json()
    second = api.post("/predict", files=upload(ONNX), headers=headers).json()
    assert first["id"] == second["id"]
    assert queue.waiting(redis) == (first["id"],)


def test_an_idempotency_key_with_another_upload_is_a_conflict(api: TestClient):
    headers = {"Idempotency-Key": "k1"}
    api.post("/predict", files=upload(ONNX), headers=headers)
    answer = api.post("/predict", files=upload(checkpoints.onnx_bytes(seed=1)), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_conflict")


def test_an_idempotency_key_of_a_refused_request_is_free_again(settings: Settings, redis: Redis):
    headers = {"Idempotency-Key": "k1"}
    with TestClient(create(settings.model_copy(update={"queue_limit": 1}))) as api:
        blocking = api.post("/predict", files=upload(checkpoints.onnx_bytes(seed=1))).json()
        assert api.post("/predict", files=upload(ONNX), headers=headers).status_code == 503
        assert api.delete(f"/jobs/{blocking['id']}").status_code == 202
        assert api.post("/predict", files=upload(ONNX), headers=headers).status_code == 202


def test_a_preferred_wait_that_is_in_vain_answers_202(api: TestClient):
    answer = api.post("/predict", files=upload(ONNX), headers={"Prefer": "respond-async, wait=0.05, wait=0"})
    assert answer.status_code == 202


def test_a_batch_has_one_job_for_each_file_and_says_which_it_refuses(api: TestClient, redis: Redis):
    parts = [
        ("file", ("a.onnx", ONNX)),
        ("file", ("b.txt", b"words")),
        ("file", ("c.onnx", checkpoints.onnx_bytes(seed=1))),
    ]
    answer = api.post("/predict/batch", files=parts)
    jobs = answer.json()
    assert answer.status_code == 202
    assert [job["filename"] for job in jobs] == ["a.onnx", "b.txt", "c.onnx"]
    assert [job["status"] for job in jobs] == ["queued", "failed", "queued"]
    assert (jobs[1]["problem"]["status"], jobs[1]["problem"]["code"]) == (415, "unsupported_format")
    assert queue.waiting(redis) == (jobs[0]["id"], jobs[2]["id"])


def test_a_failed_job_carries_the_problem_a_refusal_would_have_carried(
    api: TestClient, redis: Redis, settings: Settings
):
    job = api.post("/predict", files=upload(ONNX)).json()
    store = JobStore(redis, settings)
    failure = Failure(code="no_parameters", detail="nothing to judge")
    assert store.fail(job["id"], store.deliver(job["id"]), JobStatus.FAILED, failure)
    answer = api.get(f"/jobs/{job['id']}")
    assert answer.status_code == 200
    assert answer.json()["problem"] == {
        "type": "about:blank",
        "title": "The checkpoint has no parameters",
        "status": 422,
        "code": "no_parameters",
        "detail": "nothing to judge",
    }


def test_a_batch_that_does_not_fit_into_the_queue_leaves_no_job_behind(settings: Settings):
    with TestClient(create(settings.model_copy(update={"queue_limit": 2}))) as api:
        files = [("file", (f"net{number}.onnx", checkpoints.onnx_bytes(seed=number))) for number in range(4)]
        assert api.post("/predict/batch", files=files).status_code == 503
        jobs = api.get("/jobs").json()["jobs"]
    assert {job["status"] for job in jobs} <= {"canceled"}
