"""`predict`, `status` and `predictors`, and what all commands have in common."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metagauge.cli.main import outcome
from metagauge.contract import Job, JobStatus
from tests.fakes.answers import ASSUMPTION, HOSTILE, broken, good, outsider
from tests.fakes.served import Served


@pytest.fixture
def checkpoint(tmp_path: Path):
    def write(content: bytes, name: str = "net.onnx") -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


def test_predict_prints_the_prediction_with_its_interval(
    served: Served, checkpoint, capsys: pytest.CaptureFixture[str]
):
    assert outcome(["predict", checkpoint(good(0.6)), "--url", served.url]) == 0
    text = capsys.readouterr().out
    assert "60.0%  (55.0% to 65.0%, nominal 90% interval)" in text
    assert "resnet" in text
    assert "dead-channels" in text


def test_predict_prints_what_the_prediction_rests_on(served: Served, checkpoint, capsys: pytest.CaptureFixture[str]):
    assert outcome(["predict", checkpoint(good(0.6)), "--url", served.url]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "judged by weights and probes" in text
    assert f"taken for granted {ASSUMPTION}" in text
    assert "moved, neurons rescaled 0.04 points of test accuracy" in text
    assert "resnet 58.7% 1.25 3 blocks of 16 channels" in text
    assert "declared " not in text


HALF = ["--input-mean", "0.5,0.5,0.5", "--input-std", ".5,.5,.25"]
ORDER = ["--class-order", "truck,1,2,3,4,5,6,7,8,airplane"]


def test_predict_sends_what_is_declared_and_prints_it(served: Served, checkpoint, capsys: pytest.CaptureFixture[str]):
    assert outcome(["predict", checkpoint(good(0.6)), *HALF, *ORDER, "--url", served.url]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "declared pixels normalised by mean (0.5, 0.5, 0.5) and standard deviation (0.5, 0.5, 0.25)" in text
    assert "declared classes in the order truck, automobile, bird" in text
    assert "taken for granted" not in text
    sent = served.service.declared["job-1"]
    assert (sent.input_mean, sent.input_std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.25))
    assert sent.class_order is not None
    assert sent.class_order[0] == "truck"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--input-mean", "0.5,0.5,0.5"], "without input_std"),
        (["--input-mean", "0.5,0.5", "--input-std", "1,1,1"], "2 numbers"),
        (["--input-mean", "0,0,0", "--input-std", "0,1,1"], "input_std has 0"),
        (["--input-mean", "nan,0,0", "--input-std", "1,1,1"], "no number"),
        (["--class-order", "cat,cat,1,2,3,4,5,6,7,8"], "'cat' more than once"),
    ],
)
@pytest.mark.parametrize("command", [["predict"], ["audit", "--require", "test_accuracy>=0.5"]])
def test_a_declaration_that_cannot_be_so_is_wrong_usage(
    checkpoint, command: list[str], options: list[str], words: str, capsys: pytest.CaptureFixture[str]
):
    assert outcome([*command, checkpoint(good(0.6)), *options, "--url", "http://127.0.0.1:1"]) == 4
    assert words in capsys.readouterr().err


def test_predict_json_is_the_job_and_nothing_else(served: Served, checkpoint, capsys: pytest.CaptureFixture[str]):
    assert outcome(["predict", checkpoint(good(0.6)), "--json", "--url", served.url]) == 0
    job = Job.model_validate_json(capsys.readouterr().out)
    assert job.status is JobStatus.SUCCEEDED


def test_the_address_comes_from_the_environment_too(served: Served, checkpoint, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METAGAUGE_URL", served.url)
    assert outcome(["predict", checkpoint(good(0.6))]) == 0
    assert "POST /predict" in served.service.requests


def test_predict_sends_the_architecture_along(served: Served, checkpoint):
    sidecar = checkpoint(b'{"operations": []}', "net.json")
    assert outcome(["predict", checkpoint(good(0.6)), "--architecture", sidecar, "--url", served.url]) == 0
    assert served.service.sidecars["job-1"] == b'{"operations": []}'


CONFIG = b'{"model_type": "bert"}'
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def test_shards_by_name_bring_the_config_beside_them(served: Served, checkpoint):
    checkpoint(CONFIG, "config.json")
    assert outcome(["predict", *(checkpoint(good(0.6), name) for name in SHARDS), "--url", served.url]) == 0
    assert served.service.sidecars["job-1"] == CONFIG


def test_the_files_of_a_model_that_tells_its_own_architecture_bring_none(served: Served, checkpoint):
    checkpoint(CONFIG, "config.json")
    names = ("net.onnx", "net.onnx.data")
    assert outcome(["predict", *(checkpoint(good(0.6), name) for name in names), "--url", served.url]) == 0
    assert not served.service.sidecars.get("job-1")


def test_an_abstention_is_an_answer_with_reasons(served: Served, checkpoint, capsys: pytest.CaptureFixture[str]):
    assert outcome(["predict", checkpoint(outsider("it has 1000 classes")), "--url", served.url]) == 0
    text = capsys.readouterr().out
    assert "No prediction" in text
    assert "it has 1000 classes" in text


def test_a_failed_job_cannot_be_evaluated_and_says_why(served: Served, checkpoint, capsys: pytest.CaptureFixture[str]):
    assert outcome(["predict", checkpoint(broken("no_parameters", "nothing to weigh")), "--url", served.url]) == 2
    assert "no_parameters: nothing to weigh" in capsys.readouterr().out


def test_a_refused_upload_says_its_code_on_stderr(served: Served, checkpoint, capsys: pytest.CaptureFixture[str]):
    assert outcome(["predict", checkpoint(b""), "--json", "--url", served.url]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "(empty_upload)" in captured.err


def test_an_unreachable_service_is_named(
    checkpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("metagauge.client.transport.ATTEMPTS", 0)
    assert outcome(["predict", checkpoint(good(0.6)), "--url", "http://127.0.0.1:1"]) == 2
    said = capsys.readouterr().err
    assert "no answer from http://127.0.0.1:1" in said and "METAGAUGE_URL" in said


def test_status_shows_one_job_and_a_missing_one_is_an_error(
    served: Served, checkpoint, capsys: pytest.CaptureFixture[str]
):
    outcome(["predict", checkpoint(good(0.6)), "--url", served.url])
    capsys.readouterr()
    assert outcome(["status", "job-1", "--json", "--url", served.url]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "succeeded"
    assert outcome(["status", "job-9", "--url", served.url]) == 2
    assert "job_not_found" in capsys.readouterr().err


def test_predictors_lists_what_is_served(served: Served, capsys: pytest.CaptureFixture[str]):
    assert outcome(["predictors", "--url", served.url]) == 0
    assert "cifar10-accuracy" in capsys.readouterr().out
    assert outcome(["predictors", "--json", "--url", served.url]) == 0
    assert json.loads(capsys.readouterr().out)[0]["scores"] == {"r2": 0.7}


def test_each_of_several_predictors_is_listed_with_its_scores(served: Served, capsys: pytest.CaptureFixture[str]):
    served.service.served = 2
    assert outcome(["predictors", "--url", served.url]) == 0
    text = capsys.readouterr().out
    assert "cifar10-accuracy v1  CIFAR-10 accuracy\n  CIFAR-10 classifiers\n  r2 0.7\n" in text
    assert "cifar10-varying-cnn v1  Varying CNNs\n  small CNNs\n  r2 0.9  tau 0.8\n" in text


def test_the_predictor_that_is_asked_can_be_chosen(served: Served, checkpoint, capsys: pytest.CaptureFixture[str]):
    assert outcome(["predict", checkpoint(good(0.6)), "--predictor", "cifar10-varying-cnn", "--url", served.url]) == 0
    assert served.service.jobs["job-1"].predictor == "cifar10-varying-cnn"
    assert "cifar10-varying-cnn v1" in capsys.readouterr().out


def test_the_card_of_a_predictor_is_printed_as_text(served: Served, capsys: pytest.CaptureFixture[str]):
    assert outcome(["predictors", "--card", "cifar10-accuracy", "--url", served.url]) == 0
    assert capsys.readouterr().out == "# cifar10-accuracy-v1\n\nIts scores: \\x1b[31m<b>0.7</b>\n"
    assert outcome(["predictors", "--card", "oracle", "--url", served.url]) == 2
    assert "predictor_unknown" in capsys.readouterr().err


def test_a_strangers_names_reach_the_terminal_as_text(served: Served, checkpoint, capsys: pytest.CaptureFixture[str]):
    assert "\x1b" in HOSTILE
    outcome(["predict", checkpoint(good(0.6)), "--url", served.url])
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "\\x1b[31m[bold]" in text


@pytest.mark.parametrize(
    "arguments",
    [["predict"], ["predict", "/no/such/file"], ["frobnicate"], ["status"], ["predictors", "--url", "localhost:8000"]],
)
def test_wrong_usage_exits_with_four(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert outcome(arguments) == 4
    assert "metagauge: " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["audit", "--help"], ["inspect", "--help"]])
def test_help_is_no_failure(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert outcome(arguments) == 0
    assert "Usage" in capsys.readouterr().out


def test_an_unforeseen_error_is_not_taken_for_a_failed_requirement(
    served: Served, checkpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("metagauge.cli.predict_command.judge", breaks)
    assert outcome(["predict", checkpoint(good(0.6)), "--url", served.url]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_the_installed_command_exits_with_the_code(served: Served, checkpoint):
    command = [str(Path(sys.executable).parent / "metagauge"), "audit", checkpoint(good(0.4)), "--url", served.url]
    ended = subprocess.run([*command, "--require", "test_accuracy>=0.5"], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "FAILED" in ended.stdout
    assert ended.stderr == ""


def test_a_folder_is_sent_with_its_config(served: Served, checkpoint, tmp_path: Path):
    checkpoint(good(0.6), "model.safetensors")
    checkpoint(b'{"model_type": "bert"}', "config.json")
    assert outcome(["predict", str(tmp_path), "--url", served.url]) == 0
    assert served.service.names["job-1"] == ["model.safetensors"]
    assert served.service.sidecars["job-1"] == b'{"model_type": "bert"}'


def test_an_index_is_sent_with_its_shards(served: Served, checkpoint):
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    for name in names:
        checkpoint(good(0.6), name)
    index = checkpoint(
        json.dumps({"weight_map": dict(zip("ab", names, strict=True))}).encode(), "m.safetensors.index.json"
    )
    outcome(["predict", index, "--url", served.url])
    assert served.service.names["job-1"] == ["m.safetensors.index.json", *names]


def test_a_folder_without_a_network_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert outcome(["predict", str(tmp_path), "--url", "http://127.0.0.1:1"]) == 4
    assert "neither" in capsys.readouterr().err


def test_several_files_are_one_network(served: Served, checkpoint):
    names = ["b.onnx", "weights.bin"]
    assert outcome(["predict", *[checkpoint(good(0.6), name) for name in names], "--url", served.url]) == 0
    assert served.service.names["job-1"] == names


def test_a_folder_among_several_files_is_wrong_usage(checkpoint, tmp_path: Path):
    assert outcome(["predict", checkpoint(good(0.6)), str(tmp_path), "--url", "http://127.0.0.1:1"]) == 4
