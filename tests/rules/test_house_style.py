"""The house rules that no tool knows: small files that say what they are, empty package files, telling names."""

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("metagauge", "models", "app", "worker", "bench", "tests", "docker")
MOST_LINES = 400
SHAPELESS = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "misc"})


def sources() -> list[Path]:
    """Every python file of the project."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_package_files_are_empty():
    assert names([path for path in sources() if path.name == "__init__.py" and path.stat().st_size]) == []


def test_every_file_begins_by_saying_what_it_is():
    silent = [path for path in sources() if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text()))]
    assert names(silent) == []


def test_no_file_is_too_long_to_read():
    assert names([path for path in sources() if len(path.read_text().splitlines()) > MOST_LINES]) == []


def test_no_module_has_a_name_that_says_nothing():
    assert names([path for path in sources() if path.stem in SHAPELESS]) == []


def test_there_is_something_to_look_at():
    assert len(sources()) > 50


def test_nothing_that_is_built_is_kept_in_the_repository():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        kept = listed.stdout.splitlines()
        assert [name for name in kept if name.endswith((".pyc", ".whl", ".so")) or "node_modules/" in name] == []
