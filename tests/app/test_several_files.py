"""Uploads of several files: which make one job, and what is refused."""

import json

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from app.main import create
from metagauge.service import queue
from metagauge.service.settings import Settings
from tests.app.test_predict_route import blobs
from tests.service import checkpoints, shards
from tests.service.shards import DATA, INDEX, MODEL, ONE, TWO

SHARDED = shards.sharded()
EXTERNAL = shards.with_external_data()
CONFIG = json.dumps({"model_type": "bert"}).encode()


def parts(files: dict[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (name, content)) for name, content in files.items()]


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("files", "main"), [(SHARDED, INDEX), (EXTERNAL, MODEL)], ids=["shards", "external"])
def test_the_files_of_one_network_are_one_job(
    api: TestClient, redis: Redis, settings: Settings, path: str, reverse: bool, files: dict[str, bytes], main: str
):
    order = dict(reversed(files.items())) if reverse else files
    answer = api.post(path, files=parts(order))
    assert answer.status_code == 202, answer.text
    (job,) = answer.json() if path.endswith("batch") else [answer.json()]
    assert (job["filename"], job["size_bytes"]) == (main, sum(len(content) for content in files.values()))
    assert sorted(file["filename"] for file in job["files"]) == sorted(files)
    assert sorted(file["sha256"] for file in job["files"]) == blobs(settings)
    assert queue.waiting(redis) == (job["id"],)


def test_the_order_of_the_files_is_no_difference_and_one_byte_is(api: TestClient):
    first = api.post("/predict", files=parts(SHARDED)).json()["sha256"]
    assert api.post("/predict", files=parts(dict(reversed(SHARDED.items())))).json()["sha256"] == first
    other = shards.sharded(seed=1)
    assert api.post("/predict", files=parts({**SHARDED, TWO: other[TWO]})).json()["sha256"] != first


def test_a_config_among_the_files_is_the_architecture(api: TestClient, settings: Settings):
    alone = {"file": ("net.safetensors", checkpoints.safetensors_bytes())}
    beside = {**alone, "architecture": ("anything.json", CONFIG)}
    among = [*alone.items(), ("file", ("config.json", CONFIG))]
    api.post("/predict", files=beside)
    stored = blobs(settings)
    jobs = [api.post("/predict", files=among), *[api.post("/predict/batch", files=among)]]
    assert [answer.status_code for answer in jobs] == [202, 202]
    assert len(jobs[1].json()) == 1
    assert blobs(settings) == stored


def test_two_descriptions_of_one_network_are_refused(api: TestClient):
    files = [("file", ("net.onnx", checkpoints.onnx_bytes())), ("file", ("config.json", CONFIG))]
    answer = api.post("/predict", files=[*files, ("architecture", ("a.json", CONFIG))])
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


@pytest.mark.parametrize(
    ("files", "status", "code", "named"),
    [
        ({"a.onnx": checkpoints.onnx_bytes(), "b.onnx": checkpoints.onnx_bytes(1)}, 422, "request_invalid", "b.onnx"),
        ({**SHARDED, "x.safetensors": SHARDED[ONE]}, 422, "request_invalid", "x.safetensors"),
        ({**SHARDED, INDEX: b"{}"}, 400, "malformed_checkpoint", "weight_map"),
        ({**SHARDED, INDEX: b'{"weight_map": {"a": "../b"}}'}, 400, "malformed_checkpoint", "plain file name"),
        ({MODEL: EXTERNAL[MODEL], "old.pt": checkpoints.pickled()}, 415, "unsupported_format", "pickle"),
        ({"config.json": CONFIG}, 422, "request_invalid", "file"),
        ({"net.onnx": checkpoints.safetensors_bytes()}, 415, "unsupported_format", "renamed"),
        ({**SHARDED, "b.safetensors.index.json": b"{}"}, 400, "malformed_checkpoint", "b.safetensors.index.json"),
    ],
)
def test_what_is_not_one_network_is_refused_by_name(
    api: TestClient, settings: Settings, files: dict[str, bytes], status: int, code: str, named: str
):
    answer = api.post("/predict", files=parts(files))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert named in answer.json()["detail"]
    assert blobs(settings) == []


def test_a_batch_sorts_networks_apart(api: TestClient):
    files = {**SHARDED, "a.onnx": checkpoints.onnx_bytes(1), "words.txt": b"words", **EXTERNAL}
    jobs = api.post("/predict/batch", files=parts(files)).json()
    found = {job["filename"]: (job["status"], len(job["files"])) for job in jobs}
    assert found == {INDEX: ("queued", 3), "a.onnx": ("queued", 0), MODEL: ("queued", 2), "words.txt": ("failed", 0)}


def test_files_with_one_name_are_networks_of_their_own(api: TestClient):
    files = [("file", ("model.onnx", checkpoints.onnx_bytes(seed))) for seed in (0, 1)]
    jobs = api.post("/predict/batch", files=files).json()
    assert [(job["filename"], job["status"]) for job in jobs] == [("model.onnx", "queued")] * 2


@pytest.mark.parametrize("limit", [{"network_bytes": 1000}, {"batch_files": 2}])
def test_limits_hold_for_all_files_together(settings: Settings, limit: dict[str, int]):
    with TestClient(create(settings.model_copy(update=limit))) as api:
        answer = api.post("/predict", files=parts(SHARDED))
    assert (answer.status_code, answer.json()["code"]) == (413, "limit_exceeded")
    assert blobs(settings) == []


def test_an_upload_has_a_handful_of_indexes_at_most(api: TestClient):
    files = {f"m{number}.safetensors.index.json": SHARDED[INDEX] for number in range(6)}
    answer = api.post("/predict/batch", files=parts(files))
    assert (answer.status_code, answer.json()["code"]) == (413, "limit_exceeded")


def test_external_data_of_no_known_name_goes_with_the_only_model(api: TestClient):
    answer = api.post("/predict", files=parts({"weights": b"\x00\x01\xff" * 50, MODEL: EXTERNAL[MODEL]}))
    assert [file["filename"] for file in answer.json()["files"]] == [MODEL, "weights"], DATA
