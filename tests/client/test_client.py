"""The client against a service that speaks the contract."""

import io
import socket

import httpx
import pytest
from starlette.responses import HTMLResponse

from metagauge.client.answer import error_of
from metagauge.client.client import Client
from metagauge.contract import Declarations, Job, JobStatus, Problem
from metagauge.declarations import CLASSES
from metagauge.errors import (
    EmptyUploadError,
    JobFinishedError,
    JobNotFoundError,
    PredictorUnknownError,
    QueueFullError,
    RequestInvalidError,
    ServiceUnavailableError,
    UnexpectedAnswerError,
    WaitTimeoutError,
)
from tests.fakes.answers import broken, good
from tests.fakes.served import Served
from tests.fakes.service import problem


def upload(client: Client, content: bytes, name: str = "net.onnx") -> Job:
    return client.predict(io.BytesIO(content), filename=name)


def test_an_upload_becomes_a_job_that_ends_with_a_report(served: Served):
    with Client(served.url) as client:
        states = list(client.watch(upload(client, good(0.6))))
    assert states[0].status is JobStatus.QUEUED
    assert [state.status.is_final for state in states] == [False] * (len(states) - 1) + [True]
    assert states[-1].report is not None
    assert states[-1].report.predictions is not None
    assert states[-1].report.predictions.test_accuracy.value == 0.6


def test_the_sidecar_the_name_and_the_predictor_travel_along(served: Served):
    with Client(served.url) as client:
        job = client.predict(
            io.BytesIO(good(0.6)), filename="ä net.onnx", architecture=io.BytesIO(b'{"a": 1}'), predictor="other"
        )
    assert (job.filename, job.predictor) == ("ä net.onnx", "other")
    assert served.service.sidecars[job.id] == b'{"a": 1}'


def test_what_is_declared_travels_along_and_comes_back(served: Served):
    declared = Declarations(input_mean=(0.1, 0.2, 0.3), input_std=(1 / 3, 0.5, 1.0), class_order=CLASSES[::-1])
    with Client(served.url) as client:
        *_, job = client.watch(client.predict(io.BytesIO(good(0.6)), filename="net.onnx", declared=declared))
    assert served.service.declared[job.id] == declared
    assert job.report is not None
    assert (job.report.declared, job.report.assumptions) == (declared, ())


def test_the_card_of_a_predictor_is_its_text(served: Served):
    with Client(served.url) as client:
        assert client.card("cifar10-accuracy").startswith("# cifar10-accuracy-v1\n")
        with pytest.raises(PredictorUnknownError):
            client.card("oracle")
        with pytest.raises(RequestInvalidError):
            client.card("../jobs")


def test_a_failed_job_stands_for_the_error_of_its_code(served: Served):
    with Client(served.url) as client:
        *_, last = client.watch(upload(client, broken("empty_upload", "nothing there")))
    assert last.status is JobStatus.FAILED
    assert last.problem is not None
    assert isinstance(error_of(last.problem), EmptyUploadError)


def test_a_refused_request_raises_the_error_of_its_code(served: Served):
    with Client(served.url) as client:
        with pytest.raises(EmptyUploadError, match="no bytes arrived"):
            upload(client, b"")
        with pytest.raises(JobNotFoundError):
            client.job("job-99")


def test_an_unknown_code_is_an_unexpected_answer():
    found = error_of(Problem(title="Teapot", status=418, code="teapot", detail="short and stout"))
    assert type(found) is UnexpectedAnswerError
    assert "short and stout" in str(found)


def test_a_busy_service_is_asked_again_and_gets_the_whole_file_again(served: Served):
    busy = problem(503, "queue_full", "too many jobs", headers={"Retry-After": "0"})
    served.service.faults += [busy, problem(429, "rate_limited", "slow down")]
    with Client(served.url) as client:
        job = upload(client, good(0.6))
    assert served.service.contents[job.id] == good(0.6)
    assert served.service.requests == ["POST /predict"] * 3


def test_a_service_that_stays_busy_is_given_up_with_its_own_reason(served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("metagauge.client.transport.ATTEMPTS", 1)
    served.service.faults += [problem(503, "queue_full", "too many jobs")] * 9
    with Client(served.url) as client, pytest.raises(QueueFullError, match="too many jobs"):
        upload(client, good(0.6))
    assert len(served.service.requests) == 2


def test_a_refusal_is_not_tried_again(served: Served):
    served.service.faults += [problem(400, "malformed_checkpoint", "broken")]
    with Client(served.url) as client, pytest.raises(Exception, match="broken"):
        upload(client, good(0.6))
    assert len(served.service.requests) == 1


class LosesTheFirstAnswer(httpx.BaseTransport):
    """The request arrives and the connection drops before the answer does."""

    def __init__(self) -> None:
        self.inner = httpx.HTTPTransport()
        self.lost = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        if not self.lost:
            self.lost += 1
            response.close()
            raise httpx.RemoteProtocolError("connection dropped")
        return response


def test_an_upload_whose_answer_is_lost_makes_one_job(served: Served):
    losing = LosesTheFirstAnswer()
    with Client(served.url, inner=losing) as client:
        job = upload(client, good(0.6))
    assert losing.lost == 1
    assert list(served.service.jobs) == [job.id]


def test_an_upload_waits_for_its_own_first_try(served: Served):
    served.service.faults.append(problem(409, "idempotency_conflict", "the first request is still being received"))
    with Client(served.url) as client:
        assert upload(client, good(0.6)).status is JobStatus.QUEUED


def test_a_conflict_of_another_kind_is_final(served: Served):
    served.service.faults.append(problem(409, "job_finished", "it is finished"))
    with Client(served.url) as client, pytest.raises(JobFinishedError):
        client.cancel("job-1")
    assert len(served.service.requests) == 1


def test_two_uploads_of_one_file_are_two_jobs(served: Served):
    with Client(served.url) as client:
        first, second = upload(client, good(0.6)), upload(client, good(0.6))
    assert first.id != second.id


def test_nobody_listening_is_said_with_the_address(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("metagauge.client.transport.ATTEMPTS", 0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ServiceUnavailableError, match=str(port)):
        client.predictors()


def test_a_page_instead_of_json_is_an_unexpected_answer(served: Served):
    served.service.faults += [HTMLResponse("<h1>hello</h1>"), HTMLResponse("<h1>gone</h1>", status_code=404)]
    with Client(served.url) as client:
        with pytest.raises(UnexpectedAnswerError, match="does not fit the contract"):
            client.predictors()
        with pytest.raises(UnexpectedAnswerError, match="is this a Metagauge service"):
            client.predictors()


def test_fields_of_a_newer_service_are_ignored(served: Served):
    with Client(served.url) as client:
        job = upload(client, good(0.6))
        newer = job.model_dump_json()[:-1] + ', "mood": "sunny"}'
        served.service.faults.append(HTMLResponse(newer, media_type="application/json"))
        assert client.job(job.id) == job


def test_waiting_ends_at_the_deadline(served: Served):
    with Client(served.url) as client:
        job = upload(client, good(0.6))
        with pytest.raises(WaitTimeoutError, match="still queued"):
            list(client.watch(job, deadline_s=0.0))


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://host", "", "http://[::1"])
def test_an_address_that_is_no_url_is_refused_at_once(url: str):
    with pytest.raises(RequestInvalidError):
        Client(url)


@pytest.mark.parametrize("job_id", ["../predictors", "a/b", "", "a?wait=1", "é"])
def test_a_job_id_cannot_reach_another_path(served: Served, job_id: str):
    with Client(served.url) as client, pytest.raises(RequestInvalidError):
        client.job(job_id)
    assert served.service.requests == []


def test_jobs_are_listed_and_canceled(served: Served):
    with Client(served.url) as client:
        first, second = upload(client, good(0.6)), upload(client, good(0.7))
        assert client.cancel(first.id).status is JobStatus.CANCELED
        assert [job.id for job in client.jobs().jobs] == [second.id, first.id]
        assert [job.id for job in client.jobs(status=JobStatus.CANCELED).jobs] == [first.id]
        assert client.predictors()[0].name == "cifar10-accuracy"
