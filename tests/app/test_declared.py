"""What a request declares about inputs and outputs: kept with the job, part of the result's identity, or refused."""

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from metagauge.declarations import NOTHING
from metagauge.service import queue
from metagauge.service.settings import Settings
from tests.app.test_predict_route import ONNX, blobs, finish, upload
from tests.service import checkpoints
from worker.store import JobStore

HALF = {"input_mean": "0.5,0.5,0.5", "input_std": "0.5, 0.5, 0.50"}
REVERSED = {"class_order": "9,8,7,6,5,4,3,2,1,0"}


def test_what_is_declared_reaches_the_worker(api: TestClient, redis: Redis, settings: Settings):
    declared = {**HALF, **REVERSED}
    store = JobStore(redis, settings)
    for answer in (
        api.post("/predict", files=upload(ONNX), params=declared),
        api.post("/predict", files=upload(ONNX), data=declared),
        api.post("/predict", content=ONNX, params=declared),
        api.post("/predict", files=upload(ONNX), params=REVERSED, data=HALF),
    ):
        assert answer.status_code == 202, answer.text
        found = store.get(answer.json()["id"]).declared
        assert (found.input_mean, found.input_std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
        assert found.class_order is not None
        assert (found.class_order[0], found.class_order[-1]) == ("truck", "airplane")


def test_a_batch_is_declared_as_a_whole(api: TestClient, redis: Redis, settings: Settings):
    parts = [("file", ("a.onnx", ONNX)), ("file", ("b.onnx", checkpoints.onnx_bytes(seed=1)))]
    jobs = api.post("/predict/batch", files=parts, params=HALF).json()
    found = [JobStore(redis, settings).get(job["id"]).declared.input_std for job in jobs]
    assert found == [(0.5, 0.5, 0.5)] * 2


def test_empty_fields_declare_nothing(api: TestClient, redis: Redis, settings: Settings):
    answer = api.post("/predict", files=upload(ONNX), data={"input_mean": "", "class_order": ""})
    assert JobStore(redis, settings).get(answer.json()["id"]).declared == NOTHING


@pytest.mark.parametrize(
    "declared",
    [
        {"input_mean": "0.5,0.5"},
        {"input_mean": "0.5,0.5,0.5"},
        {**HALF, "input_std": "0,0,0"},
        {**HALF, "input_mean": "nan,nan,nan"},
        {"class_order": "0,0,1,2,3,4,5,6,7,8"},
        {"class_order": "cat"},
    ],
)
def test_what_cannot_be_declared_is_refused(
    api: TestClient, settings: Settings, redis: Redis, declared: dict[str, str]
):
    for answer in (
        api.post("/predict", files=upload(ONNX), params=declared),
        api.post("/predict", files=upload(ONNX), data=declared),
        api.post("/predict", content=ONNX, params=declared),
        api.post("/predict/batch", files=upload(ONNX), params=declared),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "declaration_invalid")
    assert blobs(settings) == []
    assert queue.waiting(redis) == ()


def test_a_declaration_that_comes_twice_or_is_too_long_is_refused(api: TestClient):
    twice = api.post("/predict", files=upload(ONNX), params=REVERSED, data=REVERSED)
    assert (twice.status_code, twice.json()["code"]) == (422, "request_invalid")
    long = api.post("/predict", files=upload(ONNX), data={"class_order": "0," * 10_000})
    assert (long.status_code, long.json()["code"]) == (413, "limit_exceeded")


def test_another_declaration_is_another_result(api: TestClient, redis: Redis, settings: Settings):
    finish(redis, settings, api.post("/predict", files=upload(ONNX), params=HALF).json()["id"])
    spelled = {"input_mean": ".5,.5,.5", "input_std": "5e-1,0.5,0.5"}
    assert api.post("/predict", files=upload(ONNX), params=spelled).json()["cached"]
    for other in ({}, {**HALF, "input_std": "0.5,0.5,0.4"}, {**HALF, **REVERSED}):
        assert api.post("/predict", files=upload(ONNX), params=other).status_code == 202


def test_an_idempotency_key_with_another_declaration_is_a_conflict(api: TestClient):
    headers = {"Idempotency-Key": "k1"}
    api.post("/predict", files=upload(ONNX), headers=headers, params=HALF)
    assert api.post("/predict", files=upload(ONNX), headers=headers, params=HALF).status_code == 202
    answer = api.post("/predict", files=upload(ONNX), headers=headers, params=REVERSED)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_conflict")
