"""CIFAR-10 in memory, from a parquet file of JPEGs or from the standard python files."""

import io
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pyarrow import parquet
from torch import Tensor
from tqdm import tqdm

MEAN = (0.4914, 0.4822, 0.4465)
SPREAD = (0.2470, 0.2435, 0.2616)
"""Mean and standard deviation of CIFAR-10's training pixels per channel, on a scale of one; zoo networks read pixels
normalised with them."""
PYTHON_FILES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Pixels as bytes, (images, 3, 32, 32), and labels, (images,)."""

    train_pixels: Tensor
    train_labels: Tensor
    test_pixels: Tensor
    test_labels: Tensor

    def to(self, device: torch.device) -> "Images":
        """The same images in the memory of a device."""
        return Images(
            train_pixels=self.train_pixels.to(device),
            train_labels=self.train_labels.to(device),
            test_pixels=self.test_pixels.to(device),
            test_labels=self.test_labels.to(device),
        )


def load_images(source: Path, cache: Path) -> Images:
    """CIFAR-10 from `source`, decoded once into `cache`.

    Args:
        source: A parquet file with the columns split, label and jpeg bytes, or the folder `cifar-10-batches-py`.
        cache: A folder for the decoded pixels.

    Raises:
        FileNotFoundError: `source` is neither.
    """
    stored = cache / "cifar10.npz"
    if not stored.exists():
        arrays = _from_python_files(source) if source.is_dir() else _from_parquet(source)
        cache.mkdir(parents=True, exist_ok=True)
        partial = cache / "cifar10.partial.npz"
        np.savez(partial, allow_pickle=False, **arrays)
        partial.rename(stored)
    with np.load(stored, allow_pickle=False) as arrays:
        return Images(**{name: torch.from_numpy(arrays[name]) for name in arrays.files})


def normalise(pixels: Tensor) -> Tensor:
    """Float pixels as the networks read them. pixels: (batch, channels, height, width) of bytes."""
    mean = torch.tensor(MEAN, device=pixels.device).view(3, 1, 1)
    spread = torch.tensor(SPREAD, device=pixels.device).view(3, 1, 1)
    return (pixels.float() / 255 - mean) / spread


def _from_parquet(source: Path) -> dict[str, np.ndarray]:
    table = parquet.read_table(source)
    names = {name.lower(): name for name in table.column_names}
    jpegs = table.column(next(names[name] for name in ("jpeg", "image", "img") if name in names)).to_pylist()
    labels = np.asarray(table.column(names["label"]).to_pylist(), dtype=np.int64)
    splits = np.asarray(table.column(names["split"]).to_pylist())
    pixels = np.empty((len(jpegs), 3, 32, 32), np.uint8)
    for number, jpeg in enumerate(tqdm(jpegs, desc="decoding images", unit="image")):
        pixels[number] = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")).transpose(2, 0, 1)
    is_train = splits == "train"
    return {
        "train_pixels": pixels[is_train],
        "train_labels": labels[is_train],
        "test_pixels": pixels[~is_train],
        "test_labels": labels[~is_train],
    }


def _from_python_files(source: Path) -> dict[str, np.ndarray]:
    batches = [_read_python_file(source / name) for name in PYTHON_FILES]
    pixels, labels = zip(*batches, strict=True)
    return {
        "train_pixels": np.concatenate(pixels[:-1]),
        "train_labels": np.concatenate(labels[:-1]),
        "test_pixels": pixels[-1],
        "test_labels": labels[-1],
    }


def _read_python_file(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open("rb") as file:
        batch = _ArraysOnly(file, encoding="bytes").load()
    return batch[b"data"].reshape(-1, 3, 32, 32), np.asarray(batch[b"labels"], dtype=np.int64)


class _ArraysOnly(pickle.Unpickler):
    """CIFAR-10's standard files are pickles; this loads arrays of numbers and nothing that can run."""

    _ALLOWED = frozenset({"_reconstruct", "ndarray", "dtype"})

    def find_class(self, module: str, name: str) -> type:
        if module.split(".", maxsplit=1)[0] == "numpy" and name in self._ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a CIFAR-10 file")
