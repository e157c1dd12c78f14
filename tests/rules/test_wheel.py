"""The wheel: the library and its command, and no name that a user's site-packages should not get."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    with ZipFile(path) as archive:
        yield archive


def test_it_holds_the_library_alone(wheel: ZipFile):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"metagauge"}


def test_it_holds_every_module_of_the_library(wheel: ZipFile):
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "metagauge").rglob("*.py")}
    assert modules == {name for name in wheel.namelist() if name.endswith(".py")}


def test_it_tells_type_checkers_that_it_is_typed(wheel: ZipFile):
    assert "metagauge/py.typed" in wheel.namelist()


def test_it_installs_the_command(wheel: ZipFile):
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "metagauge = metagauge.cli.main:run" in wheel.read(entry_points).decode()
