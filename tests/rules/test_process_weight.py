"""What a process loads when it starts, seen in a fresh interpreter.

Import contracts cannot see what a parent package's `__init__` or a third party brings in; this can.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
HEAVY = frozenset({"torch", "numpy", "onnx", "torch_geometric", "scipy", "sklearn"})

LOADED = """
import importlib, json, sys
from importlib.abc import MetaPathFinder

class NotInstalled(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[2:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def start(module: str, without: frozenset[str] = frozenset()) -> subprocess.CompletedProcess[str]:
    """Imports `module` in a fresh interpreter that does not find the top-level modules `without`."""
    command = [sys.executable, "-c", LOADED, module, *sorted(without)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def loaded(module: str) -> frozenset[str]:
    """Top-level names in `sys.modules` after importing `module` and nothing else."""
    ended = start(module)
    assert ended.returncode == 0, ended.stderr
    return frozenset(json.loads(ended.stdout))


def distributions(requirement: str) -> frozenset[str]:
    """The distributions that installing `requirement` brings, itself included, by canonical name."""
    found: dict[tuple[str, str], None] = {}
    waiting = [(Requirement(requirement).name, extra) for extra in ("", *Requirement(requirement).extras)]
    while waiting:
        name, extra = waiting.pop()
        key = (canonicalize_name(name), extra)
        if key in found:
            continue
        found[key] = None
        for need in needs(name, extra):
            waiting += [(need.name, wanted) for wanted in ("", *need.extras)]
    return frozenset(name for name, _ in found)


def needs(name: str, extra: str) -> list[Requirement]:
    """What distribution `name` asks for; ours says it in pyproject.toml, which may be newer than the installation."""
    if name == "metagauge":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        return [
            Requirement(line)
            for line in (project["optional-dependencies"][extra] if extra else project["dependencies"])
        ]
    try:
        asked = [Requirement(line) for line in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        return []
    return [need for need in asked if need.marker is None or need.marker.evaluate({"extra": extra})]


@cache
def owners() -> Mapping[str, list[str]]:
    """Distributions by the top-level modules they bring."""
    return metadata.packages_distributions()


def others(requirement: str) -> frozenset[str]:
    """Top-level modules installed here that `requirement` does not bring."""
    brought = distributions(requirement)
    return frozenset(name for name, by in owners().items() if not brought & {canonicalize_name(owner) for owner in by})


@pytest.mark.parametrize("module", ["metagauge.client.client", "metagauge.cli.main", "metagauge.contract", "app.main"])
def test_no_network_library_is_loaded(module: str):
    assert loaded(module) & HEAVY == frozenset()


def test_a_network_library_would_be_noticed():
    assert loaded("metagauge.architecture.resolve") & HEAVY == {"numpy"}


@pytest.mark.parametrize(
    ("module", "requirement"),
    [
        ("metagauge.cli.main", "metagauge"),
        ("metagauge.cli.inspection.inspection", "metagauge[read]"),
        ("app.main", "metagauge[api]"),
        ("worker.__main__", "metagauge[worker]"),
    ],
)
def test_an_extra_brings_all_that_its_process_imports(module: str, requirement: str):
    ended = start(module, without=others(requirement))
    assert ended.returncode == 0, ended.stderr


def test_a_missing_extra_would_be_noticed():
    ended = start("worker.__main__", without=others("metagauge[api]"))
    assert "ModuleNotFoundError: No module named 'torch'" in ended.stderr
