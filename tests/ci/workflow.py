"""Workflow files of two CI systems as what a runner makes of them: shell commands in order, and an environment."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / "docs" / "ci" / "github.yml"
GITLAB = ROOT / "docs" / "ci" / "gitlab.yml"
INSTALL = 'pip install "git+$METAGAUGE_REPOSITORY"'
"""The one step that is not executed: the package is installed here already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command. `always` steps run after a failure too; they do not change how the job ends."""

    command: str
    always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One job. GitHub runs each step in `bash -e -o pipefail`, GitLab in a shell that stops at the first failure."""

    steps: tuple[Step, ...]
    variables: Mapping[str, str]
    shell: tuple[str, ...]

    def run(self, folder: Path, environment: Mapping[str, str]) -> int:
        """The exit code of the first step that fails, or 0."""
        failed = 0
        for step in self.steps:
            if step.command == INSTALL or (failed and not step.always):
                continue
            known = {**os.environ, **self.variables, **environment}
            ended = subprocess.run([*self.shell, step.command], cwd=folder, env=known, check=False)
            failed = failed or (0 if step.always else ended.returncode)
        return failed


def workflow(system: Literal["github", "gitlab"]) -> Workflow:
    """The job of docs/ci for one system."""
    return _github() if system == "github" else _gitlab()


def _github() -> Workflow:
    (job,) = yaml.safe_load(GITHUB.read_text())["jobs"].values()
    steps = tuple(Step(command=step["run"], always="if" in step) for step in job["steps"] if "run" in step)
    variables = {name: value for name, value in job["env"].items() if "${{" not in value}
    return Workflow(steps=steps, variables=variables, shell=("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"))


def _gitlab() -> Workflow:
    (job,) = yaml.safe_load(GITLAB.read_text()).values()
    script = tuple(Step(command=line) for line in job["script"])
    after = tuple(Step(command=line, always=True) for line in job["after_script"])
    return Workflow(steps=script + after, variables=job["variables"], shell=("sh", "-e", "-c"))
