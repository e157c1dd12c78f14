"""A graph goes through files unchanged, and files that do not hold it are noticed."""

import resource
from collections.abc import Callable
from dataclasses import fields, replace
from math import inf
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from metagauge.architecture.infer import infer
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.errors import MetagaugeError
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph, Reading
from tests.service import checkpoints
from worker.reading.handover import StoredGraph, restore, store
from worker.reading.stored_arrays import ArrayReader, ArrayWriter

MORE = "more.bin"
GROUPS = (NodeGroup(name="in", kind="input", size=3), NodeGroup(name="out", kind="output", size=2, slope=-inf))


def graph(weight: np.ndarray, **more: object) -> ParameterGraph:
    block = Block(source=0, target=1, role="linear", weight=weight)
    return ParameterGraph(groups=GROUPS, blocks=(replace(block, **more),), family="mlp", guessed=("no pools",))


def stored_in(folder: Path, given: ParameterGraph, files: list[Path]) -> StoredGraph:
    with ArrayWriter.into(folder / MORE, files) as arrays:
        return store(given, arrays)


def through_json(given: ParameterGraph, files: list[Path], folder: Path) -> ParameterGraph:
    stored = stored_in(folder, given, files)
    arrays = ArrayReader(files=[*files, folder / MORE])
    return restore(StoredGraph.model_validate_json(stored.model_dump_json()), arrays)


def assert_same(found: ParameterGraph, given: ParameterGraph) -> None:
    assert (found.groups, found.family, found.coverage) == (given.groups, given.family, given.coverage)
    assert found.guessed == given.guessed
    for one, other in zip(found.blocks, given.blocks, strict=True):
        for each in fields(Block):
            left, right = getattr(one, each.name), getattr(other, each.name)
            if isinstance(right, np.ndarray):
                assert left.dtype == right.dtype
                assert left.tobytes() == right.tobytes()
            else:
                assert left == right


@pytest.mark.parametrize("content", [checkpoints.onnx_bytes, checkpoints.safetensors_bytes])
def test_weights_of_the_uploaded_file_stay_there(tmp_path: Path, content: Callable[[], bytes]):
    path = tmp_path / "upload"
    path.write_bytes(content())
    checkpoint = read(path, Limits())
    built = build(infer(checkpoint, None), checkpoint)
    assert_same(through_json(built, [path], tmp_path), built)
    stored = stored_in(tmp_path, built, [path])
    assert [block.weight.file for block in stored.blocks if block.role in ("conv", "linear")] == [0, 0]  # type: ignore[attr-defined]
    assert (tmp_path / MORE).stat().st_size <= 128


ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "weight",
    [
        ARRAY,
        ARRAY[::-1, :, ::2],
        ARRAY.transpose(2, 0, 1),
        np.broadcast_to(np.float32(1), (1000, 1000, 1000)),
        np.zeros((2, 0, 1), np.float64),
        ARRAY.astype(ml_dtypes.bfloat16),
        ARRAY.astype(ml_dtypes.float8_e4m3fn),
        ARRAY.astype(ml_dtypes.int4),
        ARRAY.astype(np.int8),
        ARRAY > 3,
        np.lib.stride_tricks.as_strided(np.zeros(10**6, np.float32), (2, 1, 1), (2 * 10**6, 4, 4)),
    ],
    ids=str,
)
def test_other_arrays_are_written_once(tmp_path: Path, weight: np.ndarray):
    given = graph(weight)
    twice = replace(given, blocks=given.blocks * 2)
    found = through_json(twice, [], tmp_path)
    assert (tmp_path / MORE).stat().st_size <= 200
    if weight.size < 10**6:
        assert_same(found, twice)
    else:
        assert (found.blocks[0].weight.shape, found.blocks[0].weight.strides) == (weight.shape, weight.strides)
        assert found.blocks[0].weight[-1, -1, -1] == 1


def test_every_field_of_a_block_comes_back(tmp_path: Path):
    given = graph(
        ARRAY,
        name="x",
        groups=2,
        kernel=(2, 2),
        stride=(1, 1),
        padding=((0, 1), (1, 0)),
        heads=3,
        reading=Reading(reduction="max", token=2),
        sharing=np.arange(24).reshape(2, 3, 4),
    )
    assert_same(through_json(given, [], tmp_path), given)


@pytest.mark.parametrize(
    "change",
    [
        {"offset": 10**9},
        {"offset": -4},
        {"shape": (2, 3, 10**9)},
        {"shape": (2, 3, -1)},
        {"strides": (4,)},
        {"strides": (10**9, 4, 4)},
        {"dtype": "object"},
        {"file": 3},
    ],
)
def test_a_place_that_is_not_in_its_file_is_a_fault(tmp_path: Path, change: dict):
    stored = stored_in(tmp_path, graph(ARRAY), [])
    (block,) = stored.blocks
    wrong = block.model_copy(update={"weight": replace(block.weight, **change)})  # type: ignore[attr-defined]
    with pytest.raises(MetagaugeError, match="does not fit"):
        restore(stored.model_copy(update={"blocks": (wrong,)}), ArrayReader(files=[tmp_path / MORE]))


@pytest.mark.parametrize("change", [{"source": 2}, {"target": -1}])
def test_a_block_between_groups_that_do_not_exist_is_a_fault(tmp_path: Path, change: dict):
    with pytest.raises(MetagaugeError, match="groups"):
        through_json(graph(ARRAY, **change), [], tmp_path)


def test_restoring_takes_no_memory_for_what_is_mapped(tmp_path: Path):
    path = tmp_path / "large.safetensors"
    save_file({"w": np.ones((64, 1024, 1024), np.float32)}, path)
    stored = stored_in(tmp_path, graph(read(path, Limits()).tensor("w").array()), [path])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert restore(stored, ArrayReader(files=[path, tmp_path / MORE])).edges == 2**26
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
