"""`python -m bench.coverage`: every file of a folder gets its row, also those that hang or kill their process."""

import json
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

from bench.coverage import forms
from bench.coverage.__main__ import app
from bench.coverage.case import Case, Expectation, cases
from bench.coverage.outcome import FAULT, TIMEOUT, Outcome
from bench.coverage.runner import Runner
from bench.coverage.section import replace_section
from bench.coverage.table import Row, totals
from bench.networks import small_cnn
from metagauge.architecture.codec import METADATA_KEY, to_json
from models.zoo.export import to_onnx
from tests.exported import shapes_unchecked

DEADLINE_S = 60.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One network that tells its structure, one that does not with a config beside it, and a folder of broken files."""
    architecture, tensors = small_cnn(np.random.default_rng(0))
    save_file(tensors, tmp_path / "cnn.safetensors", metadata={METADATA_KEY: to_json(architecture)})
    bare = tmp_path / "bare"
    bare.mkdir()
    save_file({"zzz": np.ones((3, 4), np.float32)}, bare / "model.safetensors")
    (bare / "config.json").write_text('{"model_type": "nobody-knows-this"}')
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "pickle.bin").write_bytes(b"\x80\x04pickle")
    (bad / "cut.safetensors").write_bytes(b"\x40\0\0\0\0\0\0\0{")
    entries = [
        {"file": "pickle.bin", "expect": "reject", "http": 415},
        {"file": "cut.safetensors", "expect": "accept", "http": 200},
    ]
    (bad / "index.json").write_text(json.dumps(entries))
    return tmp_path


def measured(found: list[Case]) -> dict[str, Row]:
    outcomes = Runner(deadline_s=DEADLINE_S).run(found, lambda case: None)
    return {case.name: Row(case=case, outcome=outcome) for case, outcome in zip(found, outcomes, strict=True)}


def test_every_file_is_a_case_and_a_config_beside_it_another(folder: Path):
    assert [case.name for case in cases(folder)] == [
        "cnn.safetensors",
        "bad/cut.safetensors",
        "bad/pickle.bin",
        "bare/model.safetensors",
        "bare/model.safetensors + config.json",
    ]


def test_shards_are_one_case(tmp_path: Path):
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    for shard in shards:
        save_file({f"{shard}.w": np.ones((3, 4), np.float32)}, tmp_path / shard)
    assert [case.name for case in cases(tmp_path)] == [shards[0]]
    weights = {f"{shard}.w": shard for shard in shards}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    (found,) = cases(tmp_path)
    assert found.name == "model.safetensors.index.json"
    assert measured([found])[found.name].outcome.parameters == 24


def test_rows_tell_verdict_coverage_and_whether_the_index_is_right(folder: Path):
    rows = measured(cases(folder))
    good = rows["cnn.safetensors"].outcome
    assert (good.verdict, good.form, good.rung, good.coverage) == ("graph", "layers", "declared", 1.0)
    assert len(good.digest) > 30
    assert good.parameters == 23472 + 448 + 650
    assert rows["bare/model.safetensors"].outcome.verdict == "structure_not_inferable"
    assert rows["cnn.safetensors"].is_expected is None
    assert rows["bad/pickle.bin"].is_expected is True
    assert rows["bad/cut.safetensors"].is_expected is False
    assert "as the index expects: 1 of 2" in totals(list(rows.values()))


def test_the_command_prints_the_table_and_writes_its_section(folder: Path):
    page = folder / "page.md"
    page.write_text("# Page\n\n## Before\n\nkept\n")
    for _ in range(2):
        ended = CliRunner().invoke(app, [str(folder), "--markdown", str(page)])
        assert ended.exit_code == 0, ended.output
    assert "5 cases: 1 graphs, 1 of them with at least 99% of the parameters" in ended.output
    text = page.read_text()
    assert text.count("## Coverage of") == 1
    assert "## Before\n\nkept\n" in text
    assert text.count("| pickle.bin") + text.count("| bad/pickle.bin") == 1


def hangs(path: Path, sidecar: Path | None, deadline_s: float, answer: Connection) -> None:
    time.sleep(DEADLINE_S)


def dies(path: Path, sidecar: Path | None, deadline_s: float, answer: Connection) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_file_that_hangs_is_given_up(folder: Path):
    case = Case(name="x", path=folder / "cnn.safetensors")
    (outcome,) = Runner(deadline_s=0.5, child=hangs).run([case], lambda case: None)
    assert outcome.verdict == TIMEOUT


def test_a_process_that_dies_is_a_fault_of_its_file_alone(folder: Path):
    case = Case(name="x", path=folder / "cnn.safetensors")
    one, other = Runner(deadline_s=DEADLINE_S, child=dies).run([case, case], lambda case: None)
    assert (one.verdict, other.verdict) == (FAULT, FAULT)
    assert "SIGKILL" in one.message


@pytest.mark.parametrize(
    ("expected", "outcome", "fits"),
    [
        (Expectation(verdict="accept", status=200), Outcome(verdict="graph"), True),
        (Expectation(verdict="accept", status=200), Outcome(verdict="no_parameters"), False),
        (Expectation(verdict="accept_with_finding", status=200), Outcome(verdict="graph"), False),
        (Expectation(verdict="accept_with_finding", status=200), Outcome(verdict="graph", rules=("odd",)), True),
        (Expectation(verdict="reject", status=422), Outcome(verdict="no_parameters"), True),
        (Expectation(verdict="reject", status=400), Outcome(verdict="no_parameters"), False),
        (Expectation(verdict="reject", status=400), Outcome(verdict=FAULT), False),
    ],
)
def test_an_expectation_is_held_against_the_status_of_the_verdict(expected: Expectation, outcome: Outcome, fits: bool):
    assert Row(case=Case(name="x", path=Path("x"), expected=expected), outcome=outcome).is_expected is fits


def test_forms_of_one_network_are_compared_by_digest():
    def row(name: str, digest: str) -> Row:
        case = Case(name=name, path=Path(name), network=name.partition("/")[0])
        return Row(case=case, outcome=Outcome(verdict="graph", coverage=1.0, digest=digest))

    rows = [row("a/model.safetensors", ""), row("a/model.safetensors", "1"), row("a/legacy.onnx", "1")]
    rows += [row("b/legacy.onnx", "2-2"), row("b/x.onnx", "2-3"), row("c/legacy.onnx", ""), row("c/x.onnx", "")]
    assert "one digest for all 2 forms of a network: 1 of 3 folders; one structure: 2" in totals(rows)


def test_a_section_is_replaced_and_its_neighbours_stay(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# Top\n\n## A\n\nold\n\n## B\n\nother\n")
    replace_section(page, "A", ["new"])
    assert page.read_text() == "# Top\n\n## A\n\nnew\n\n## B\n\nother\n"


def test_forms_of_a_network_that_are_one_graph_are_told_from_those_that_are_not(tmp_path: Path):
    architecture, tensors = small_cnn(np.random.default_rng(0))
    other = {**tensors, "head.bias": tensors["head.bias"] + 1}
    for folder, second in (("same", tensors), ("apart", other)):
        (tmp_path / folder).mkdir()
        save_file(tensors, tmp_path / folder / "net.safetensors", metadata={METADATA_KEY: to_json(architecture)})
        with shapes_unchecked():
            (tmp_path / folder / "net.onnx").write_bytes(to_onnx(architecture, second))
    page = tmp_path / "page.md"
    ended = CliRunner().invoke(forms.app, [str(tmp_path), "--markdown", str(page)])
    assert ended.exit_code == 0, ended.output
    assert "1 of 2 networks that come in 2 forms have one digest" in ended.output
    (row,) = [line for line in page.read_text().splitlines() if line.startswith("| apart")]
    assert "head" in row
