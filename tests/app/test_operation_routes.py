"""Health, metrics, documentation, the page, and problems for what is not there."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.main import create
from metagauge.declarations import NAMES
from metagauge.service.settings import Settings
from tests.service import checkpoints
from tests.service.predictor_folder import write_predictor


def test_the_api_is_ready_without_a_worker_and_says_there_is_none(api: TestClient):
    assert api.get("/livez").status_code == 200
    assert api.get("/readyz").json() == {"status": "ready", "workers": 0}


def test_without_redis_the_api_lives_and_is_not_ready(tmp_path: Path, settings: Settings):
    with TestClient(create(settings.model_copy(update={"state_dir": tmp_path})), raise_server_exceptions=False) as api:
        assert api.get("/livez").status_code == 200
        for answer in (api.get("/readyz"), api.post("/predict", content=checkpoints.onnx_bytes())):
            assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")


def test_without_a_predictor_the_api_is_not_ready(settings: Settings, tmp_path: Path):
    with TestClient(create(settings.model_copy(update={"pretrained_dir": tmp_path / "none"}))) as api:
        assert api.get("/readyz").json()["code"] == "predictor_unknown"


def test_metrics_count_answers_by_route_and_jobs_by_status(api: TestClient):
    api.post("/predict", content=checkpoints.onnx_bytes())
    api.get("/jobs/0123")
    text = api.get("/metrics").text
    assert 'metagauge_requests_total{method="GET",route="/jobs/{job_id}",status="404"} 1.0' in text
    assert 'metagauge_jobs{status="queued"} 1.0' in text


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_loads_nothing_from_elsewhere(api: TestClient, path: str):
    page = api.get(path).text
    sources = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert sources
    for source in sources:
        assert source.startswith("/")
        assert api.get(source).status_code == 200


def test_the_description_names_the_upload_and_the_refusals(api: TestClient):
    operation = api.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert set(operation["requestBody"]["content"]) == {"multipart/form-data", "application/octet-stream"}
    assert {"200", "202", "400", "413", "415", "422", "503"} <= set(operation["responses"])


def test_predictors_and_their_cards_are_listed(api: TestClient):
    (summary,) = api.get("/predictors").json()
    assert summary == api.get("/predictors/cifar10-accuracy").json()
    assert (summary["name"], summary["version"], summary["scores"]["r2"]) == ("cifar10-accuracy", 1, 0.7)
    card = api.get("/predictors/cifar10-accuracy/card")
    assert card.headers["content-type"].startswith("text/markdown")
    assert card.text.startswith("# ")
    assert api.get("/predictors/oracle/card").json()["code"] == "predictor_unknown"


def test_of_several_predictors_the_newest_of_each_is_served_and_one_is_chosen(settings: Settings):
    write_predictor(settings.pretrained_dir, version=10)
    write_predictor(settings.pretrained_dir, name="cifar10-varying-cnn")
    with TestClient(create(settings)) as api:
        listed = [(each["name"], each["version"]) for each in api.get("/predictors").json()]
        assert listed == [("cifar10-accuracy", 10), ("cifar10-varying-cnn", 1)]
        assert api.get("/predictors/cifar10-varying-cnn/card").text.startswith("# ")
        content = checkpoints.onnx_bytes()
        jobs = [
            api.post(f"/predict{query}", content=content).json() for query in ("", "?predictor=cifar10-varying-cnn")
        ]
    assert [job["predictor"] for job in jobs] == ["cifar10-accuracy", "cifar10-varying-cnn"]


def test_scores_that_are_no_numbers_are_not_listed(settings: Settings):
    path = write_predictor(settings.pretrained_dir, name="odd")
    (path / "metrics.json").write_text('{"scores": {"r2": NaN, "tau": 0.5, "best": Infinity, "of": {"all": 1}}}')
    with TestClient(create(settings)) as api:
        assert api.get("/predictors/odd").json()["scores"] == {"tau": 0.5}


def test_the_description_names_what_can_be_declared(api: TestClient):
    for path in ("/predict", "/predict/batch"):
        operation = api.get("/openapi.json").json()["paths"][path]["post"]
        assert set(NAMES) <= {parameter["name"] for parameter in operation["parameters"]}
        form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
        assert set(NAMES) <= set(form)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PATCH", "/jobs", 405)])
def test_what_is_not_there_is_a_problem_document(api: TestClient, method: str, path: str, status: int):
    answer = api.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == answer.json()["status"] == status
