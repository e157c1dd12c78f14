"""The CI jobs that docs/ci shows do what they say: executed step by step against a service."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from tests.ci.workflow import GITHUB, GITLAB, INSTALL, workflow
from tests.fakes.answers import good, outsider
from tests.fakes.served import Served

System = Literal["github", "gitlab"]
SYSTEMS: tuple[System, ...] = ("github", "gitlab")
BIN = Path(sys.executable).parent


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone whose main branch holds a checkpoint of 60 %."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    (origin / "models").mkdir(parents=True)
    (origin / "models" / "model.onnx").write_bytes(good(0.6))
    git(origin, "init")
    git(origin, "add", "models")
    git(origin, "commit", "--message", "Add the model")
    git(tmp_path, "clone", str(origin), str(clone))
    return clone


@pytest.fixture
def run(served: Served, checkout: Path):
    def run(system: System, checkpoint: bytes) -> int:
        (checkout / "models" / "model.onnx").write_bytes(checkpoint)
        environment = {"METAGAUGE_URL": served.url, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
        return workflow(system).run(checkout, environment)

    return run


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    ("checkpoint", "code", "outcome"),
    [(good(0.6), 0, "passed"), (good(0.49), 1, "failed"), (outsider("it has 1000 classes"), 2, "not_evaluated")],
    ids=["good", "weak", "odd"],
)
def test_the_job_ends_as_the_audit_does_and_keeps_its_result(
    run, checkout: Path, system: System, checkpoint: bytes, code: int, outcome: str
):
    assert run(system, checkpoint) == code
    assert json.loads((checkout / "audit.json").read_text())["outcome"] == outcome


def test_the_github_job_notices_a_regression_that_the_requirements_allow(run, checkout: Path):
    assert run("github", good(0.57)) == 1
    checks = json.loads((checkout / "audit.json").read_text())["files"][0]["checks"]
    assert [check["outcome"] for check in checks] == ["passed", "passed", "failed"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_without_a_service_the_job_fails_and_does_not_pass(checkout: Path, system: System):
    environment = {"METAGAUGE_URL": "no-url", "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    assert workflow(system).run(checkout, environment) == 4


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_only_step_left_out_is_the_installation(system: System):
    assert [step.command for step in workflow(system).steps].count(INSTALL) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--builtin-schema", "vendor.github-workflows", GITHUB),
        ("--builtin-schema", "custom.github-workflows-require-timeout", GITHUB),
        ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", GITLAB),
    ],
    ids=["github", "github-timeout", "gitlab"],
)
def test_the_files_keep_the_schema_of_their_system(arguments: tuple[str | Path, ...]):
    checked = subprocess.run([BIN / "check-jsonschema", *arguments], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_schema_would_refuse_a_misspelt_key(tmp_path: Path):
    broken = tmp_path / "github.yml"
    broken.write_text(GITHUB.read_text().replace("runs-on", "run-on"))
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", broken]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
