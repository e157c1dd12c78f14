"""Images and recipes of a zoo that takes seconds: random pictures in both layouts CIFAR-10 comes in."""

import io
import pickle
from pathlib import Path

import numpy as np
import pyarrow
from PIL import Image
from pyarrow import parquet

from models.zoo.images import PYTHON_FILES
from models.zoo.recipe import Tier, ZooRecipe

TRAIN_IMAGES, TEST_IMAGES = 50, 30

MLPS = ZooRecipe(
    name="mlps",
    seed=3,
    jobs=12,
    families=("mlp",),
    tiers=(Tier(share=1.0, steps=4),),
    members=2,
    snapshots=3,
    batch=16,
    test_images=30,
    train_images=30,
)
"""One family, and enough architectures for a split."""


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (count, 32, 32, 3) whose brightness tells the class a little, and labels (count,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(10, size=count)
    pixels = rng.normal(25 * labels[:, None, None, None], 40, size=(count, 32, 32, 3))
    return pixels.clip(0, 255).astype(np.uint8), labels


def write_parquet(path: Path) -> Path:
    """A file of JPEGs with the columns split, label and jpeg."""
    rows: dict[str, list[object]] = {"split": [], "label": [], "jpeg": []}
    for split, count, seed in (("train", TRAIN_IMAGES, 0), ("test", TEST_IMAGES, 1)):
        for pixels, label in zip(*pictures(count, seed), strict=True):
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
            rows["split"].append(split)
            rows["label"].append(int(label))
            rows["jpeg"].append(buffer.getvalue())
    parquet.write_table(pyarrow.table(rows), path)
    return path


def write_python_files(folder: Path) -> Path:
    """The folder `cifar-10-batches-py`."""
    folder.mkdir()
    for seed, name in enumerate(PYTHON_FILES):
        pixels, labels = pictures(10, seed)
        batch = {b"data": pixels.transpose(0, 3, 1, 2).reshape(10, -1), b"labels": labels.tolist()}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=4))
    return folder
