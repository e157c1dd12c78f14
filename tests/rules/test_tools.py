"""The rules that tools keep: style, types and who may import whom."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def run(*command: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs a tool of the virtual environment; pyright shall not look for a newer version of itself."""
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "NO_COLOR": "1"}
    line = [str(BIN / command[0]), *command[1:]]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("pyright",), ("lint-imports",)],
    ids=lambda command: " ".join(command),
)
def test_the_tool_finds_nothing(command: tuple[str, ...]):
    ended = run(*command)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_ruff_would_find_an_unused_import(tmp_path: Path):
    (tmp_path / "wrong.py").write_text('"""A module."""\n\nimport os\n')
    assert "F401" in run("ruff", "check", "--config", str(ROOT / "pyproject.toml"), str(tmp_path)).stdout


def test_pyright_would_find_a_wrong_type(tmp_path: Path):
    (tmp_path / "wrong.py").write_text('"""A module."""\n\nsize: int = "large"\n')
    assert run("pyright", str(tmp_path / "wrong.py")).returncode == 1


def test_import_linter_would_find_the_api_importing_a_network_library(tmp_path: Path):
    packages = ("metagauge", "models", "app", "worker")
    for package in packages:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "app" / "main.py").write_text("import models\n")
    (tmp_path / "pyproject.toml").write_text(
        "[tool.importlinter]\n"
        f"root_packages = {list(packages)}\n"
        '[[tool.importlinter.contracts]]\nname = "x"\ntype = "forbidden"\n'
        'source_modules = ["app"]\nforbidden_modules = ["models"]\n'
    )
    assert "app.main -> models" in run("lint-imports", folder=tmp_path).stdout
