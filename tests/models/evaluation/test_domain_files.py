"""Files of any origin: what gives a graph is judged, what does not is left out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

from metagauge.architecture.architecture import Architecture
from metagauge.declare.save import save
from metagauge.errors import MetagaugeError
from models.evaluation.domain_cases import HeldOut
from models.evaluation.domain_files import accuracy_of, checkpoint_cases, read_subject
from tests.models.evaluation.fake_images import noise

IMAGES = HeldOut.of(noise(), 50)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two networks and two files that are none."""
    (tmp_path / "below").mkdir()
    mlp = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 2))
    save(mlp, (3, 2, 2), tmp_path / "below" / "mlp.safetensors")
    save(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sigmoid(), nn.Softmax(1)), (3, 2, 2), tmp_path / "conv.safetensors")
    (tmp_path / "broken.onnx").write_bytes(b"\x08\x07nothing")
    save_file({"a": np.zeros((3, 4), np.float32), "b": np.zeros((9, 9), np.float32)}, tmp_path / "bare.safetensors")
    (tmp_path / "notes.txt").write_text("no network")
    return tmp_path


def test_every_file_that_gives_a_graph_is_judged_and_none_that_does_not(files: Path):
    found = list(checkpoint_cases([files], IMAGES))
    assert [case.arm for case in found] == ["files: safetensors"] * 2
    assert all(case.test_accuracy is None for case in found)


def test_a_network_of_layers_comes_with_what_it_computes_with(files: Path):
    subject = read_subject(files / "below" / "mlp.safetensors")
    assert isinstance(subject.network, Architecture)
    assert subject.tensors is not None and len(subject.tensors) == 4


def test_what_is_no_network_is_refused(files: Path):
    for name in ("broken.onnx", "bare.safetensors"):
        with pytest.raises(MetagaugeError):
            read_subject(files / name)


def test_what_can_be_asked_about_images_is_worth_what_it_gets_right(tmp_path: Path):
    head = nn.Linear(3072, 10)
    nn.init.zeros_(head.weight)
    head.bias.data = 1.0 * (torch.arange(10) == 4)
    save(nn.Sequential(nn.Flatten(), head), (3, 32, 32), tmp_path / "four.safetensors")
    always_four = accuracy_of(read_subject(tmp_path / "four.safetensors"), IMAGES)
    assert always_four == pytest.approx(float((IMAGES.labels == 4).float().mean()))


@pytest.mark.parametrize(("size", "outputs"), [(16, 10), (32, 9)])
def test_what_cannot_be_asked_has_no_accuracy(tmp_path: Path, size: int, outputs: int):
    save(nn.Sequential(nn.Flatten(), nn.Linear(3 * size**2, outputs)), (3, size, size), tmp_path / "other.safetensors")
    assert accuracy_of(read_subject(tmp_path / "other.safetensors"), IMAGES) is None
