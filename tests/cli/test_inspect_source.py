"""What `metagauge inspect` takes for one network: a file, an index with its shards, or a folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from metagauge.architecture.codec import METADATA_KEY, to_json
from metagauge.checkpoint.limits import Limits
from metagauge.cli.inspection.inspection import inspect_path
from metagauge.cli.inspection.source import source
from metagauge.errors import IncompleteCheckpointError, RequestInvalidError
from tests.zoo_networks import drawn

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
INDEX = "model.safetensors.index.json"


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """A folder with a network in two shards, their index, and its specification as config.json."""
    architecture, tensors = drawn("mlp")
    names = sorted(tensors)
    parts = (names[: len(names) // 2], names[len(names) // 2 :])
    for shard, part in zip(SHARDS, parts, strict=True):
        save_file({name: tensors[name] for name in part}, tmp_path / shard)
    weights = {name: shard for shard, part in zip(SHARDS, parts, strict=True) for name in part}
    (tmp_path / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weights}))
    (tmp_path / "config.json").write_text(to_json(architecture))
    return tmp_path


@pytest.mark.parametrize("name", ["", INDEX, SHARDS[1]])
def test_a_sharded_network_is_found_by_its_folder_its_index_or_a_shard(sharded: Path, name: str):
    found = inspect_path(sharded / name, None).inspection
    assert set(SHARDS) <= set(found.files)
    assert (found.sidecar, found.coverage, found.form) == ("config.json", 1.0, "layers")


def test_a_shard_that_is_missing_is_named(sharded: Path):
    (sharded / SHARDS[0]).unlink()
    with pytest.raises(IncompleteCheckpointError, match=SHARDS[0]):
        source(sharded, Limits())


def test_a_file_that_tells_its_structure_needs_no_config_beside_it(tmp_path: Path):
    architecture, tensors = drawn("mlp")
    save_file(tensors, tmp_path / "net.safetensors", metadata={METADATA_KEY: to_json(architecture)})
    (tmp_path / "config.json").write_text("{}")
    assert inspect_path(tmp_path, None).inspection.sidecar == ""


def test_a_sidecar_that_is_named_comes_before_the_one_beside(sharded: Path):
    (sharded / "config.json").rename(sharded / "mine.json")
    (sharded / "config.json").write_text("{}")
    assert inspect_path(sharded, sharded / "mine.json").inspection.sidecar == "mine.json"


@pytest.mark.parametrize("text", ['{"architecture": "resnet18"}', "[1]", "no JSON", "[" * 100_000])
def test_a_config_that_does_not_say_what_the_network_is_is_left_alone(sharded: Path, text: str):
    (sharded / "config.json").write_text(text)
    assert source(sharded, Limits()).config is None


def test_data_beside_an_onnx_model_belongs_to_it_and_other_files_do_not(tmp_path: Path):
    for name in ("net.onnx", "net.onnx.data", "other.onnx", "notes.txt", "network.bin"):
        (tmp_path / name).write_bytes(b"any")
    assert list(source(tmp_path / "net.onnx", Limits()).files) == ["net.onnx", "net.onnx.data"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], r"neither a \.safetensors nor an \.onnx file"),
        (["a.safetensors", "b.safetensors"], r"several networks \(a\.safetensors, b\.safetensors\)"),
        (["a.onnx", "b.onnx"], "several networks"),
    ],
)
def test_a_folder_without_one_network_is_wrong_usage(tmp_path: Path, names: list[str], message: str):
    for name in names:
        save_file({"w": np.ones((2, 2), np.float32)}, tmp_path / name)
    with pytest.raises(RequestInvalidError, match=message):
        source(tmp_path, Limits())
