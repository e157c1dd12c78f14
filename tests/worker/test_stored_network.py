"""A network that may be executed goes through files unchanged; others do not go, and what does not fit is noticed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from metagauge.architecture.codec import from_json, to_json
from metagauge.architecture.infer import infer
from metagauge.architecture.lower import lower
from metagauge.architecture.network import Network
from metagauge.architecture.reachable import reachable
from metagauge.architecture.resolve import parameter_shape
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.errors import MetagaugeError
from models.interpreter.layers import run
from tests.service import checkpoints
from worker.reading import stored_network
from worker.reading.sandbox import Sandbox
from worker.reading.stored_arrays import ArrayReader, ArrayWriter
from worker.reading.stored_network import StoredNetwork, restore_network, store_network

MORE = "more.bin"
FORMS = [checkpoints.onnx_bytes, checkpoints.safetensors_bytes]
Content = Callable[[], bytes]


def written(folder: Path, content: Content) -> Path:
    path = folder / "upload"
    path.write_bytes(content())
    return path


def known(path: Path) -> tuple[Network, Checkpoint]:
    checkpoint = read(path, Limits())
    return infer(checkpoint, None), checkpoint


def stored(path: Path, network: Network, checkpoint: Checkpoint) -> StoredNetwork | None:
    with ArrayWriter.into(path.parent / MORE, [path]) as arrays:
        return store_network(network, checkpoint, arrays)


def handed_over(tmp_path: Path) -> tuple[StoredNetwork, ArrayReader]:
    path = written(tmp_path, checkpoints.onnx_bytes)
    found = stored(path, *known(path))
    assert found is not None
    return found, ArrayReader(files=[path, tmp_path / MORE])


@pytest.mark.parametrize("content", FORMS)
def test_a_network_comes_back_with_its_tensors(tmp_path: Path, content: Content):
    path = written(tmp_path, content)
    network, checkpoint = known(path)
    found = stored(path, network, checkpoint)
    assert found is not None
    again = StoredNetwork.model_validate_json(found.model_dump_json())
    executable = restore_network(again, ArrayReader(files=[path, tmp_path / MORE]))
    assert executable.network == reachable(network)  # type: ignore[arg-type]
    assert executable.tensors.keys() <= checkpoint.tensors.keys()
    for name, array in executable.tensors.items():
        assert np.array_equal(array, checkpoint.tensor(name).array())
    assert (tmp_path / MORE).stat().st_size == 0


def test_what_is_in_no_uploaded_file_is_written(tmp_path: Path):
    path = written(tmp_path, checkpoints.onnx_bytes)
    network, checkpoint = known(path)
    doubled = {
        name: replace(tensor, load=lambda given=tensor: given.array() * 2)
        for name, tensor in checkpoint.tensors.items()
    }
    found = stored(path, network, replace(checkpoint, tensors=doubled))
    assert found is not None
    executable = restore_network(found, ArrayReader(files=[path, tmp_path / MORE]))
    for name, array in executable.tensors.items():
        assert np.array_equal(array, checkpoint.tensor(name).array() * 2)


@pytest.mark.parametrize("content", FORMS)
def test_the_network_that_left_the_child_computes_what_was_uploaded(tmp_path: Path, content: Content):
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = run(checkpoints.SPECIFICATION, as_torch(checkpoints.tensors()), images)
    upload = {"net": written(tmp_path, content)}
    with Sandbox(limits=Limits(), deadline_s=60).read(upload, None, lambda _: None) as found:
        assert found.executable is not None
        tensors = as_torch(found.executable.tensors)
        outputs = run(found.executable.network, tensors, images)
        changed = {name: tensor + 0.01 for name, tensor in tensors.items()}
        others = run(found.executable.network, changed, images)
    assert torch.allclose(outputs, expected, atol=1e-6)
    assert not torch.allclose(others, expected, atol=1e-3)


def as_torch(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}


def test_single_operators_are_not_handed_over(tmp_path: Path):
    path = written(tmp_path, checkpoints.safetensors_bytes)
    _, checkpoint = known(path)
    assert (
        stored(path, lower(checkpoints.SPECIFICATION, lambda each: parameter_shape(each, checkpoint)), checkpoint)
        is None
    )


@pytest.mark.parametrize("bound", ["EXECUTED_ELEMENTS", "EXECUTED_OPERATIONS", "SPECIFICATION_LENGTH"])
def test_a_large_network_is_not_handed_over(tmp_path: Path, bound: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stored_network, bound, 3)
    path = written(tmp_path, checkpoints.onnx_bytes)
    assert stored(path, *known(path)) is None


def without_a_tensor(found: StoredNetwork) -> dict[str, object]:
    return {"tensors": dict(list(found.tensors.items())[1:])}


def elsewhere(found: StoredNetwork) -> dict[str, object]:
    return {"tensors": {name: replace(place, offset=10**9) for name, place in found.tensors.items()}}


def in_no_file(found: StoredNetwork) -> dict[str, object]:
    return {"tensors": {name: replace(place, file=7) for name, place in found.tensors.items()}}


def nonsense(found: StoredNetwork) -> dict[str, object]:
    return {"architecture": found.architecture[:-5]}


def of_operators(found: StoredNetwork) -> dict[str, object]:
    return {"architecture": '{"steps": [], "outputs": []}'}


@pytest.mark.parametrize("change", [without_a_tensor, elsewhere, in_no_file, nonsense, of_operators])
def test_what_does_not_fit_is_a_fault(tmp_path: Path, change: Callable[[StoredNetwork], dict[str, object]]):
    found, arrays = handed_over(tmp_path)
    with pytest.raises(MetagaugeError, match="handed over"):
        restore_network(found.model_copy(update=change(found)), arrays)


def test_what_fits_is_none(tmp_path: Path):
    found, arrays = handed_over(tmp_path)
    assert to_json(restore_network(found, arrays).network) == to_json(from_json(found.architecture))
