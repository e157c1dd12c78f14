"""The client, the command line and the page against the service itself, with a worker that predicts by a formula."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from metagauge.cli.main import outcome
from metagauge.client.client import Client
from metagauge.contract import Job, JobStatus
from metagauge.service.settings import Settings
from tests.page.browser import chromium
from tests.service import checkpoints, shards
from tests.service.predictor_folder import write_predictor
from tests.service.processes import redis_running, running, until

PREDICTORS = ("cifar10-accuracy", "cifar10-varying-cnn")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an API with one worker."""
    state = tmp_path_factory.mktemp("service")
    for name in PREDICTORS:
        write_predictor(state / "pretrained", name=name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = Settings(state_dir=state / "var", pretrained_dir=state / "pretrained", port=port, redis_url=None)
    with ExitStack() as processes:
        processes.enter_context(redis_running(settings))
        processes.enter_context(running("app", settings))
        processes.enter_context(running("tests.plain_worker", settings))
        address = f"http://127.0.0.1:{port}"
        until(lambda: workers(address) > 0, "a worker")
        yield address


def workers(address: str) -> int:
    try:
        answer = httpx.get(f"{address}/readyz")
    except httpx.TransportError:
        return 0
    return answer.json()["workers"] if answer.is_success else 0


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(checkpoints.onnx_bytes())
    return path


def test_the_client_gets_a_report_and_lists_its_job(url: str, checkpoint: Path):
    with Client(url) as client, checkpoint.open("rb") as file:
        *_, job = client.watch(client.predict(file, filename="net.onnx"))
        assert job.status is JobStatus.SUCCEEDED
        assert job.report is not None
        assert job.report.architecture.coverage == 1.0
        assert job.id in {listed.id for listed in client.jobs(status=JobStatus.SUCCEEDED).jobs}
        assert [predictor.name for predictor in client.predictors()] == list(PREDICTORS)


def test_the_same_upload_again_is_answered_from_the_cache(url: str, checkpoint: Path):
    def judged(client: Client) -> Job:
        with checkpoint.open("rb") as file:
            *_, job = client.watch(client.predict(file, filename="net.onnx"))
            return job

    with Client(url) as client:
        judged(client)
        assert judged(client).cached


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_each_predictor_answers_for_itself(url: str, checkpoint: Path, predictor: str):
    with Client(url) as client, checkpoint.open("rb") as file:
        *_, job = client.watch(client.predict(file, filename="net.onnx", predictor=predictor))
        assert client.card(predictor) == "# A predictor for tests\n"
    assert job.report is not None
    assert (job.report.predictor.name, job.report.basis) == (predictor, "weights and probes")


def test_what_is_declared_stands_in_the_report(url: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]):
    line = ["predict", str(checkpoint), "--url", url, "--input-mean", "0.5,0.5,0.5", "--input-std", "0.5,0.5,0.5"]
    assert outcome(line) == 0
    assert "normalised by mean (0.5, 0.5, 0.5)" in capsys.readouterr().out
    assert outcome(line[:-2]) == 4


def test_a_sidecar_makes_an_undeclared_file_readable(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bare, sidecar = tmp_path / "bare.safetensors", tmp_path / "bare.json"
    bare.write_bytes(checkpoints.safetensors_bytes(seed=5, declared=False))
    sidecar.write_text(checkpoints.to_json(checkpoints.SPECIFICATION))
    assert outcome(["predict", str(bare), "--url", url]) == 2
    assert "structure_not_inferable" in capsys.readouterr().out
    assert outcome(["predict", str(bare), "--architecture", str(sidecar), "--url", url]) == 0
    assert "declared" in capsys.readouterr().out


def test_an_audit_passes_and_fails_by_what_is_predicted(url: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]):
    line = ["audit", str(checkpoint), "--url", url, "--format", "json", "--require"]
    assert outcome([*line, "test_accuracy>=0"]) == 0
    accuracy = json.loads(capsys.readouterr().out)["files"][0]["checks"][0]["observed"]
    assert outcome([*line, f"test_accuracy>{accuracy!r}"]) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_upload"),
        (checkpoints.pickled(), "unsupported_format"),
        (checkpoints.truncated(), "malformed_checkpoint"),
    ],
    ids=["empty", "pickle", "truncated"],
)
def test_bad_input_is_refused_by_its_code(
    url: str, tmp_path: Path, content: bytes, code: str, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    assert outcome(["predict", str(path), "--url", url]) == 2
    captured = capsys.readouterr()
    assert code in captured.out + captured.err


def test_the_page_shows_a_report_of_the_service(url: str, checkpoint: Path):
    with chromium() as browser, browser.new_page() as page:
        complaints: list[str] = []
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.goto(url)
        page.set_input_files("#file", checkpoint)
        expect(page.locator("#job .figure")).to_have_count(2, timeout=60_000)
        expect(page.locator("#job .architecture tbody tr")).not_to_have_count(0)
        expect(page.locator("#recent tbody a").first).to_have_text("net.onnx")
        assert complaints == []


def test_a_folder_of_shards_is_judged_as_one_network(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name, content in shards.sharded(seed=7).items():
        (tmp_path / name).write_bytes(content)
    assert outcome(["predict", str(tmp_path), "--json", "--url", url]) == 0
    job = Job.model_validate_json(capsys.readouterr().out)
    assert (job.filename, len(job.files)) == (shards.INDEX, 3)
    assert job.report is not None
    assert job.report.architecture.coverage == 1.0


def test_a_model_is_sent_with_the_data_called_after_it(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name, content in shards.with_external_data(seed=8).items():
        (tmp_path / name).write_bytes(content)
    assert outcome(["predict", str(tmp_path / shards.MODEL), "--url", url]) == 0
    assert "in 2 files" in capsys.readouterr().out
    (tmp_path / shards.DATA).unlink()
    assert outcome(["predict", str(tmp_path / shards.MODEL), "--url", url]) == 2
    assert "external_data_refused" in capsys.readouterr().out
