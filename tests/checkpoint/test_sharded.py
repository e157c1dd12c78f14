"""Sharded checkpoints: the same as one file, or a refusal that says what is wrong with which file."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from metagauge.checkpoint.digest import digest
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read, read_files
from metagauge.errors import (
    ArchitectureMismatchError,
    IncompleteCheckpointError,
    LimitExceededError,
    MalformedCheckpointError,
    MetagaugeError,
    NoParametersError,
    UnsupportedFormatError,
)

INDEX = "model.safetensors.index.json"
ONE, TWO = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
TENSORS = {name: np.full((2, 3), number, np.float32) for number, name in enumerate(("a", "b", "c"))}
PLACES = {"a": ONE, "b": ONE, "c": TWO}


def shard(*names: str, **more: str) -> bytes:
    return save({name: TENSORS[name] for name in names}, metadata=more or None)


def index(places: object = PLACES, total: object = 72) -> bytes:
    return json.dumps({"metadata": {"total_size": total}, "weight_map": places}).encode()


WHOLE = {INDEX: index(), ONE: shard("a", "b"), TWO: shard("c")}


def written(folder: Path, files: dict[str, bytes]) -> dict[str, Path]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}


def test_shards_are_read_as_the_one_file_they_stand_for(tmp_path: Path):
    found = read_files(written(tmp_path, WHOLE), Limits())
    save_file(TENSORS, tmp_path / "whole.safetensors")
    assert digest(found) == digest(read(tmp_path / "whole.safetensors", Limits()))
    assert not found.findings


def test_numbered_shards_are_read_without_an_index_with_a_note(tmp_path: Path):
    found = read_files(written(tmp_path, {ONE: WHOLE[ONE], TWO: WHOLE[TWO]}), Limits())
    assert sorted(found.tensors) == ["a", "b", "c"]
    assert [finding.rule for finding in found.findings] == ["no-shard-index"]


def test_an_index_with_another_total_is_worth_a_warning(tmp_path: Path):
    found = read_files(written(tmp_path, {**WHOLE, INDEX: index(total=100)}), Limits())
    assert [finding.rule for finding in found.findings] == ["index-total-size"]


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        ({TWO: None}, IncompleteCheckpointError, TWO),
        ({TWO: None, INDEX: None}, IncompleteCheckpointError, TWO),
        ({ONE: None, TWO: None}, IncompleteCheckpointError, ONE),
        ({TWO: shard("c", "b")}, MalformedCheckpointError, "'b' is in two shards"),
        ({ONE: shard("a"), TWO: shard("b", "c")}, MalformedCheckpointError, f"'b', which the index puts into {ONE!r}"),
        ({INDEX: index({**PLACES, "d": TWO})}, MalformedCheckpointError, f"'d' into {TWO!r}, which does not hold it"),
        ({INDEX: index({"a": ONE, "c": TWO})}, MalformedCheckpointError, "'b', which the index does not name"),
        ({"part.safetensors": shard("b")}, MalformedCheckpointError, "part.safetensors"),
        ({INDEX: index({"a": "../a.safetensors"})}, MalformedCheckpointError, "no plain file name"),
        ({INDEX: index({"a": 3})}, MalformedCheckpointError, "no plain file name"),
        ({INDEX: index({})}, MalformedCheckpointError, "weight_map"),
        ({INDEX: index([])}, MalformedCheckpointError, "weight_map"),
        ({INDEX: b"[1]"}, MalformedCheckpointError, "weight_map"),
        ({INDEX: b"{"}, MalformedCheckpointError, "not JSON"),
        ({INDEX: b"\xff{}"}, MalformedCheckpointError, "not JSON"),
        ({INDEX: b"[" * 1000}, MalformedCheckpointError, "not JSON"),
        ({INDEX: b"[" * 100_000}, LimitExceededError, "entries"),
        ({INDEX: b'{"weight_map":{"a":"x","a":"y"}}'}, MalformedCheckpointError, "'a' twice"),
        ({"other.safetensors.index.json": index()}, MalformedCheckpointError, "two indexes"),
        ({TWO: b"\x08\x01"}, UnsupportedFormatError, TWO),
        ({TWO: shard("c")[:-1]}, MalformedCheckpointError, TWO),
        ({ONE: shard("a", "b", **{"metagauge.x": "1"}), TWO: shard("c", **{"metagauge.x": "2"})},
         ArchitectureMismatchError, "metadata"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused_by_name(
    tmp_path: Path, change: dict[str, bytes | None], error: type[MetagaugeError], named: str
):
    files = {name: content for name, content in {**WHOLE, **change}.items() if content is not None}
    with pytest.raises(error, match=named.replace(".", r"\.").replace("[", r"\[")) as raised:
        read_files(written(tmp_path, files), Limits())
    assert type(raised.value) is error


def test_shards_without_tensors_have_no_parameters(tmp_path: Path):
    with pytest.raises(NoParametersError):
        read_files(written(tmp_path, {ONE: save({}), TWO: save({})}), Limits())


@pytest.mark.parametrize("limits", [Limits(tensors=2), Limits(upload_bytes=100)])
def test_limits_are_those_of_all_shards_together(tmp_path: Path, limits: Limits):
    with pytest.raises(LimitExceededError):
        read_files(written(tmp_path, {ONE: WHOLE[ONE], TWO: WHOLE[TWO]}), limits)


def test_two_files_that_no_name_joins_are_not_one_network(tmp_path: Path):
    with pytest.raises(MalformedCheckpointError, match=r"'x\.safetensors' and 'y\.safetensors'"):
        read_files(written(tmp_path, {"x.safetensors": shard("a"), "y.safetensors": shard("b")}), Limits())
