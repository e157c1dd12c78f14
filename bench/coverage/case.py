"""What there is to measure in a folder: ONNX files, safetensors with and without their config, and broken files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metagauge.checkpoint.shard_index import is_index_name, shard_name

INDEX = "index.json"
CONFIG = "config.json"
SUFFIXES = frozenset({".onnx", ".safetensors"})
_NOT_FILES_TO_READ = frozenset({INDEX, CONFIG, "README.md"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What an index says should become of a file: `accept`, `accept_with_finding` or `reject`, with an HTTP status."""

    verdict: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One file, and the sidecar that is sent along. Cases of one `network` are forms of the same one, if not empty."""

    name: str
    path: Path
    sidecar: Path | None = None
    network: str = ""
    expected: Expectation | None = None


def cases(folder: Path) -> list[Case]:
    """Every case under `folder`, in the order of their names.

    In a folder whose index says what to expect, every file is a case; elsewhere the ONNX and safetensors files are,
    shards together under the name of their index or the first of them. Safetensors with a config.json beside them are
    two cases: without it, and with it. Several files in one folder with one safetensors network among them are forms of
    that network.
    """
    folders = [folder, *sorted(path for path in folder.rglob("*") if path.is_dir())]
    return [case for each in folders for case in _in_folder(each, folder)]


def _in_folder(folder: Path, root: Path) -> Iterator[Case]:
    expected = _expectations(folder / INDEX)
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name not in _NOT_FILES_TO_READ)
    files = files if expected else _networks(files)
    weights = [path for path in files if path.suffix != ".onnx"]
    network = str(folder.relative_to(root)) if len(weights) == 1 and not expected else ""
    config = folder / CONFIG
    for path in files:
        name = str(path.relative_to(root))
        yield Case(name=name, path=path, network=network, expected=expected.get(path.name))
        if path in weights and config.is_file():
            yield Case(name=f"{name} + {CONFIG}", path=path, sidecar=config, network=network)


def _networks(files: list[Path]) -> list[Path]:
    """One file for each network among `files`."""
    indexes = [path for path in files if is_index_name(path.name)]
    shards = [path for path in files if shard_name(path.name) is not None]
    first = {named.series: path for path in reversed(shards) if (named := shard_name(path.name)) is not None}
    whole = [path for path in files if path.suffix in SUFFIXES and path not in shards]
    return sorted([*indexes, *([] if indexes else first.values()), *whole])


def _expectations(index: Path) -> dict[str, Expectation]:
    """By file name; empty where the folder has no index or one of another kind."""
    if not index.is_file():
        return {}
    entries: Any = json.loads(index.read_text(encoding="utf-8"))
    if not isinstance(entries, list):
        return {}
    return {
        Path(entry["file"]).name: Expectation(verdict=entry["expect"], status=int(entry.get("http", 0)))
        for entry in entries
        if isinstance(entry, dict) and "expect" in entry and "file" in entry
    }
