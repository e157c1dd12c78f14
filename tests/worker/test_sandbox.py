"""Reading in a child process: what comes back, and what a child can do to the worker - nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metagauge.architecture.codec import to_json
from metagauge.checkpoint.limits import Limits
from metagauge.contract import Stage
from metagauge.errors import (
    EmptyUploadError,
    IncompleteCheckpointError,
    JobSupersededError,
    LimitExceededError,
    MalformedCheckpointError,
    MetagaugeError,
    NoParametersError,
    ReadTimeoutError,
    StructureNotInferableError,
    UnsupportedFormatError,
)
from tests.service import checkpoints, shards
from tests.worker import hostile_children
from worker.reading import bounds
from worker.reading.sandbox import Child, Sandbox


def sandbox(deadline_s: float = 60.0) -> Sandbox:
    return Sandbox(limits=Limits(), deadline_s=deadline_s)


def ignore(_: Stage | None) -> None:
    return


@pytest.fixture
def upload(tmp_path: Path) -> Callable[[bytes], dict[str, Path]]:
    def write(content: bytes) -> dict[str, Path]:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return {"network": path}

    return write


@pytest.mark.parametrize("form", ["onnx", "safetensors"])
def test_the_graph_and_its_weights_come_back(upload: Callable[[bytes], dict[str, Path]], form: str):
    content = {"onnx": checkpoints.onnx_bytes, "safetensors": checkpoints.safetensors_bytes}[form]()
    stages: list[Stage | None] = []
    with sandbox().read(upload(content), None, stages.append) as read:
        (block,) = [block for block in read.graph.blocks if block.role == "conv"]
        assert np.array_equal(block.weight, checkpoints.tensors()["conv.weight"].reshape(block.weight.shape))
        assert not block.weight.flags.writeable
        assert read.reading.summary.format == form
        assert read.reading.summary.parameters == sum(array.size for array in checkpoints.tensors().values())
        assert read.graph.coverage == read.reading.architecture.coverage == 1.0
    assert [stage for stage in stages if stage] == [Stage.READ, Stage.INFER, Stage.BUILD]


def test_a_sidecar_settles_what_the_file_leaves_open(upload: Callable[[bytes], dict[str, Path]], tmp_path: Path):
    sidecar = tmp_path / "architecture.json"
    sidecar.write_text(to_json(checkpoints.SPECIFICATION))
    with sandbox().read(upload(checkpoints.safetensors_bytes(declared=False)), sidecar, ignore) as read:
        assert [layer.kind for layer in read.reading.architecture.layers] == [
            "conv",
            "activation",
            "global_pool",
            "linear",
        ]
        assert read.reading.architecture.provenance == "declared"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", EmptyUploadError),
        (b"words", UnsupportedFormatError),
        (checkpoints.truncated(), MalformedCheckpointError),
        (checkpoints.onnx_without_parameters(), NoParametersError),
        (checkpoints.unknown_structure(), StructureNotInferableError),
    ],
)
def test_a_refusal_keeps_its_class_and_message(
    upload: Callable[[bytes], dict[str, Path]], content: bytes, error: type[MetagaugeError]
):
    with pytest.raises(error, match=r"\w+ \w+"), sandbox().read(upload(content), None, ignore):
        pass


@pytest.mark.parametrize(
    ("child", "error"),
    [
        (hostile_children.hoards, LimitExceededError),
        (hostile_children.is_killed, LimitExceededError),
        (hostile_children.floods_the_disk, LimitExceededError),
        (hostile_children.raises, MetagaugeError),
        (hostile_children.says_nothing, MetagaugeError),
        (hostile_children.says_nonsense, MetagaugeError),
    ],
)
def test_a_child_that_goes_wrong_is_an_error_with_a_reason(
    upload: Callable[[bytes], dict[str, Path]], child: Child, error: type[MetagaugeError]
):
    victim = Sandbox(limits=Limits(expanded_bytes=0), deadline_s=60.0, child=child)
    with pytest.raises(error) as raised, victim.read(upload(checkpoints.onnx_bytes()), None, ignore):
        pass
    assert type(raised.value) is error


@pytest.mark.parametrize("child", [hostile_children.sleeps, hostile_children.spins])
def test_a_child_that_does_not_end_is_ended_at_its_deadline(upload: Callable[[bytes], dict[str, Path]], child: Child):
    slow = Sandbox(limits=Limits(), deadline_s=0.3, child=child)
    with pytest.raises(ReadTimeoutError), slow.read(upload(checkpoints.onnx_bytes()), None, ignore):
        pass


def test_a_child_is_ended_when_its_job_is_cancelled(upload: Callable[[bytes], dict[str, Path]]):
    def cancelled(stage: Stage | None) -> None:
        if stage is None:
            raise JobSupersededError("cancelled")

    slow = Sandbox(limits=Limits(), deadline_s=3600.0, child=hostile_children.sleeps)
    with pytest.raises(JobSupersededError), slow.read(upload(checkpoints.onnx_bytes()), None, cancelled):
        pass


def test_nothing_is_left_behind(
    upload: Callable[[bytes], dict[str, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with sandbox().read(upload(checkpoints.onnx_bytes()), None, ignore):
        assert list(folder.iterdir())
    assert not list(folder.iterdir())


def test_bounds_grow_with_the_file():
    small, large = (bounds.bounds_for(size, expanded_bytes=0, deadline_s=10.0) for size in (1, 10**9))
    assert large.memory_bytes - small.memory_bytes >= 3 * 10**9
    assert replace(large, memory_bytes=0, written_bytes=0) == replace(small, memory_bytes=0, written_bytes=0)


def test_the_child_has_no_torch_and_few_files(upload: Callable[[bytes], dict[str, Path]], tmp_path: Path):
    curious = Sandbox(limits=Limits(), deadline_s=60.0, child=hostile_children.reports_itself)
    with pytest.raises(MetagaugeError), curious.read(upload(b"\n"), None, ignore):
        pass
    loaded, files = (tmp_path / "upload.self").read_text().splitlines()
    assert "numpy" in loaded.split()
    assert "torch" not in loaded.split()
    assert int(files) <= bounds.Bounds(memory_bytes=1, written_bytes=1, cpu_s=1, deadline_s=1.0).open_files


@pytest.mark.parametrize("files", [shards.sharded(), shards.with_external_data()], ids=["shards", "external data"])
def test_a_network_in_several_files_is_the_one_in_one(tmp_path: Path, files: dict[str, bytes]):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with sandbox().read({name: tmp_path / name for name in files}, None, ignore) as read:
        (block,) = [block for block in read.graph.blocks if block.role == "linear"]
        assert np.array_equal(block.weight, checkpoints.tensors()["head.weight"].reshape(block.weight.shape))
        assert read.graph.coverage == 1.0


def test_a_missing_shard_is_named(tmp_path: Path):
    files = shards.sharded()
    del files[shards.TWO]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with (
        pytest.raises(IncompleteCheckpointError, match=shards.TWO),
        sandbox().read({name: tmp_path / name for name in files}, None, ignore),
    ):
        pass


def test_a_config_beside_weights_that_declare_their_architecture_is_not_needed(
    upload: Callable[[bytes], dict[str, Path]], tmp_path: Path
):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with sandbox().read(upload(checkpoints.safetensors_bytes()), tmp_path / "config.json", ignore) as read:
        assert read.reading.architecture.provenance == "declared"
