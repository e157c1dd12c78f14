"""CIFAR-10 is read from either layout, and nothing in its files can run."""

import builtins
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from models.zoo.images import MEAN, SPREAD, load_images, normalise
from tests.models.small_zoo import TEST_IMAGES, TRAIN_IMAGES, pictures, write_python_files


def test_a_parquet_file_of_jpegs_is_read(picture_file: Path, tmp_path: Path):
    images = load_images(picture_file, tmp_path)
    pixels, labels = pictures(TEST_IMAGES, 1)
    assert len(images.train_labels) == TRAIN_IMAGES
    assert images.test_labels.tolist() == labels.tolist()
    assert images.test_pixels.shape == (TEST_IMAGES, 3, 32, 32)
    error = images.test_pixels.numpy().astype(float) - pixels.transpose(0, 3, 1, 2)
    assert np.abs(error.mean(axis=(2, 3))).max() < 5, "a JPEG keeps the colour"


def test_the_standard_python_files_are_read(tmp_path: Path):
    images = load_images(write_python_files(tmp_path / "cifar-10-batches-py"), tmp_path / "cache")
    pixels, labels = pictures(10, 5)
    assert images.test_labels.tolist() == labels.tolist()
    assert np.array_equal(images.test_pixels, pixels.transpose(0, 3, 1, 2))
    assert len(images.train_labels) == 50


def test_images_are_decoded_once(picture_file: Path, tmp_path: Path):
    first = load_images(picture_file, tmp_path)
    again = load_images(Path("nowhere"), tmp_path)
    assert torch.equal(first.train_pixels, again.train_pixels)


def test_pixels_are_normalised_channel_by_channel():
    white = normalise(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8))
    expected = (1 - torch.tensor(MEAN)) / torch.tensor(SPREAD)
    torch.testing.assert_close(white[0, :, 0, 0], expected)


class Attack:
    """Unpickles by calling a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("attack", ["system", "eval", "numpy"])
def test_a_malicious_file_does_not_run(attack: str, tmp_path: Path):
    marker = tmp_path / "it-ran"
    payload = {
        "system": Attack(os.system, f"touch {marker}"),
        "eval": Attack(builtins.eval, f"open({str(marker)!r}, 'w')"),
        "numpy": Attack(np.save, str(marker), np.zeros(1)),
    }[attack]
    folder = write_python_files(tmp_path / "cifar-10-batches-py")
    hostile = pickle.dumps({b"data": payload, b"labels": []}, protocol=2)
    (folder / "data_batch_1").write_bytes(hostile)
    with pytest.raises(pickle.UnpicklingError, match="has no place in a CIFAR-10 file"):
        load_images(folder, tmp_path / "cache")
    assert not list(tmp_path.glob("it-ran*"))
    pickle.loads(hostile)
    assert list(tmp_path.glob("it-ran*")), "the attack would have worked"
