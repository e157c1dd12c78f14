"""Outcomes and exit codes of `metagauge audit`."""

import json
from pathlib import Path

import pytest

from metagauge.cli.audit.verdict import Outcome, worst
from metagauge.cli.main import outcome
from tests.fakes.answers import broken, good, outsider
from tests.fakes.served import Served
from tests.fakes.service import problem

GOOD = good(0.6)
WEAK = good(0.4)
ODD = outsider("the input has 1 channel, not 3")
BROKEN = broken("structure_not_inferable", "no layer order in the file")
ACCURATE = ("--require", "test_accuracy>=0.5")


@pytest.fixture
def audit(served: Served, tmp_path: Path):
    def run(*contents: bytes, options: tuple[str, ...] = ACCURATE, baseline: bytes | None = None) -> int:
        paths = []
        for number, content in enumerate(contents):
            path = tmp_path / f"net{number}.onnx"
            path.write_bytes(content)
            paths.append(str(path))
        if baseline is not None:
            (tmp_path / "baseline.onnx").write_bytes(baseline)
            options = (*options, "--baseline", str(tmp_path / "baseline.onnx"))
        return outcome(["audit", *paths, "--url", served.url, *options])

    return run


def regression(allowed: str) -> tuple[str, ...]:
    return ("--max-regression", allowed)


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        ((GOOD,), 0),
        ((GOOD, GOOD), 0),
        ((WEAK,), 1),
        ((GOOD, WEAK), 1),
        ((ODD,), 2),
        ((GOOD, ODD), 2),
        ((BROKEN,), 2),
        ((BROKEN, WEAK), 1),
        ((b"",), 2),
    ],
)
def test_the_exit_code_says_how_it_ended(audit, contents: tuple[bytes, ...], code: int):
    assert audit(*contents) == code


def test_every_requirement_counts(audit):
    both = (*ACCURATE, "--require", "generalization_gap<=0.05")
    assert audit(GOOD, options=both) == 1
    assert audit(GOOD, options=(*ACCURATE, "--require", "generalization_gap<=0.2")) == 0


def test_the_lower_bound_is_stricter_than_the_value(audit):
    assert audit(GOOD, options=("--require", "test_accuracy>=0.58")) == 0
    assert audit(GOOD, options=("--require", "test_accuracy.low>=0.58")) == 1


def test_abstaining_passes_only_when_it_is_allowed(audit):
    assert audit(ODD, options=(*ACCURATE, "--allow-abstain")) == 0
    assert audit(ODD, options=ACCURATE) == 2


def test_allowing_abstention_forgives_neither_failed_jobs_nor_weak_networks(audit):
    assert audit(BROKEN, options=(*ACCURATE, "--allow-abstain")) == 2
    assert audit(WEAK, options=(*ACCURATE, "--allow-abstain")) == 1


@pytest.mark.parametrize(("before", "allowed", "code"), [(0.62, "0.02", 0), (0.621, "0.02", 1), (0.5, "0", 0)])
def test_a_drop_below_the_baseline_fails_beyond_what_is_allowed(audit, before: float, allowed: str, code: int):
    assert audit(GOOD, options=regression(allowed), baseline=good(before)) == code


def test_a_baseline_without_prediction_leaves_the_comparison_open(audit):
    assert audit(GOOD, options=regression("0.02"), baseline=ODD) == 2
    assert audit(GOOD, options=regression("0.02"), baseline=BROKEN) == 2
    assert audit(GOOD, options=(*regression("0.02"), "--allow-abstain"), baseline=ODD) == 0


def test_json_holds_every_number_and_nothing_else_is_on_stdout(audit, capsys: pytest.CaptureFixture[str]):
    assert audit(GOOD, WEAK, ODD, BROKEN, options=(*ACCURATE, "--format", "json")) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["outcome"] == "failed"
    assert [file["outcome"] for file in found["files"]] == ["passed", "failed", "not_evaluated", "not_evaluated"]
    assert found["files"][0]["checks"][0]["observed"] == 0.6
    assert found["files"][1]["assessment"]["report"]["predictions"]["test_accuracy"]["value"] == 0.4
    assert found["files"][3]["assessment"]["refusal"]["code"] == "structure_not_inferable"


def test_text_names_files_outcomes_and_reasons(audit, capsys: pytest.CaptureFixture[str]):
    audit(GOOD, WEAK, ODD, BROKEN)
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "net0.onnx",
        "test_accuracy>=0.5",
        "1 passed, 1 failed, 2 not_evaluated",
        "input has 1 channel",
        "no layer order",
    ):
        assert part in text


def test_a_file_that_the_service_refuses_does_not_stop_the_others(
    audit, served: Served, capsys: pytest.CaptureFixture[str]
):
    served.service.faults.append(problem(415, "unsupported_format", "this is a pickle"))
    assert audit(GOOD, GOOD) == 2
    assert "1 passed, 1 not_evaluated" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--require", "accuracy>=1"),
        ("--max-regression", "0.02"),
        ("--max-regression", "-1", "--baseline", __file__),
        ("--baseline", __file__),
        (*ACCURATE, "--format", "junit-of-my-dreams"),
        (*ACCURATE, "--no-such-option"),
        (*ACCURATE, "--baseline", "/no/such/file", "--max-regression", "0.1"),
    ],
)
def test_wrong_usage_is_told_apart_from_a_failed_requirement(audit, served: Served, options: tuple[str, ...]):
    assert audit(GOOD, options=options) == 4
    assert served.service.requests == []


def test_a_known_failure_outweighs_what_could_not_be_evaluated():
    assert worst([Outcome.PASSED, Outcome.NOT_EVALUATED, Outcome.FAILED]) is Outcome.FAILED
    assert worst([Outcome.PASSED, Outcome.NOT_EVALUATED]) is Outcome.NOT_EVALUATED
    assert worst([Outcome.PASSED, Outcome.ABSTAINED]) is Outcome.PASSED
