"""The Dockerfiles and the compose file, as far as they can be checked without an engine."""

import configparser
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from metagauge.service import embedded
from metagauge.service.settings import Settings

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
DCLINT = "dclint@3.1.0"
PROCESSES = {"api": "api", "worker": "worker", "worker-gpu": "worker"}
"""Programs of supervisord.conf by the compose services that run them."""


def tool(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)


def services() -> dict[str, dict]:
    return yaml.safe_load(COMPOSE.read_text())["services"]


def instructions(dockerfile: Path, name: str) -> list[str]:
    lines = dockerfile.read_text().replace("\\\n", " ").splitlines()
    return [line.removeprefix(name).strip() for line in lines if line.startswith(name + " ")]


def supervised(program: str) -> list[str]:
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",))
    parser.read(ROOT / "supervisord.conf")
    return shlex.split(parser[f"program:{program}"]["command"])


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_finds_nothing(dockerfile: Path):
    checked = tool(BIN / "hadolint", dockerfile)
    assert checked.returncode == 0, checked.stdout


def test_hadolint_would_find_something(tmp_path: Path):
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\nRUN cd /tmp && sudo apt-get install curl\n")
    checked = tool(BIN / "hadolint", tmp_path / "Dockerfile")
    assert checked.returncode != 0
    assert "DL3007" in checked.stdout


def test_the_compose_file_keeps_its_schema():
    checked = tool(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)
    assert checked.returncode == 0, checked.stdout


def test_the_schema_would_refuse_an_unknown_key(tmp_path: Path):
    (tmp_path / "compose.yml").write_text(COMPOSE.read_text().replace("read_only:", "reed_only:"))
    checked = tool(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / "compose.yml")
    assert checked.returncode == 1


def test_dclint_finds_nothing_and_would_find_a_missing_tag(tmp_path: Path):
    if shutil.which("npx") is None:
        pytest.skip("npx is not installed, which runs dclint")
    checked = tool("npx", "--yes", DCLINT, COMPOSE)
    if "npm error" in checked.stderr:
        pytest.skip(f"npm cannot install {DCLINT} here: {checked.stderr.splitlines()[-1]}")
    assert checked.returncode == 0, checked.stdout
    (tmp_path / "docker-compose.yml").write_text(COMPOSE.read_text().replace("redis:7.2-bookworm", "redis"))
    assert "service-image-require-explicit-tag" in tool("npx", "--yes", DCLINT, tmp_path / "docker-compose.yml").stdout


@pytest.mark.parametrize(("service", "program"), PROCESSES.items())
def test_containers_run_the_commands_of_make_run(service: str, program: str):
    command = supervised(program)
    assert services()[service]["command"] == command
    dockerfile = ROOT / services()[service]["build"]["dockerfile"]
    assert instructions(dockerfile, "CMD") == ["[" + ", ".join(f'"{word}"' for word in command) + "]"]


def test_redis_keeps_jobs_the_way_the_embedded_one_does(tmp_path: Path):
    def options(line: list[str]) -> dict[str, str]:
        return dict(zip(line[1::2], line[2::2], strict=True))

    chosen = options(services()["redis"]["command"])
    assert chosen == {name: options(embedded.command(Settings(state_dir=tmp_path)))[name] for name in chosen}
    assert {"--appendonly", "--appendfsync", "--save", "--maxmemory-policy"} == set(chosen)


@pytest.mark.parametrize("service", services())
def test_every_container_is_confined_and_watched(service: str):
    settings = services()[service]
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in settings["security_opt"]
    assert settings["healthcheck"]["test"][0] == "CMD"
    assert all(volume.split(":")[1] in ("/state", "/scratch", "/data") for volume in settings["volumes"])


def test_only_the_api_is_reachable_and_from_this_machine_only():
    assert [name for name, settings in services().items() if "ports" in settings] == ["api"]
    assert services()["api"]["ports"] == ["127.0.0.1:${METAGAUGE_PORT:-8000}:8000"]
    assert {name for name, settings in services().items() if "outside" in settings["networks"]} == {"api"}
    assert yaml.safe_load(COMPOSE.read_text())["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_images_are_built_in_stages_and_do_not_run_as_root(dockerfile: Path):
    assert len(instructions(dockerfile, "FROM")) == 2
    assert instructions(dockerfile, "USER")[-1].split(":")[0] not in ("root", "0")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_what_an_image_copies_is_there_and_is_not_ignored(dockerfile: Path):
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in instructions(dockerfile, "COPY"):
        if line.startswith("--from"):
            continue
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, pattern) or source.startswith(f"{pattern}/") for pattern in kept), source


def test_both_processes_own_the_files_they_share():
    users = {instructions(dockerfile, "USER")[-1] for dockerfile in DOCKERFILES}
    assert users == {"10001:10001"}
