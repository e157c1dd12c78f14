"""Mapped files: an array over one can be found again in it."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.mapped import map_file, place_of
from metagauge.checkpoint.read import read
from metagauge.errors import EmptyUploadError, LimitExceededError

WEIGHTS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_file({"w": WEIGHTS}, tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[:, ::-1], lambda x: x.transpose(2, 0, 1)[1:]])
def test_a_view_over_a_file_is_found_in_it(path: Path, view):
    seen = view(read(path, Limits()).tensor("w").array())
    place = place_of(seen)
    assert place is not None
    assert place.path == path
    again = np.ndarray(seen.shape, seen.dtype, path.read_bytes(), place.offset, seen.strides)
    assert np.array_equal(again, view(WEIGHTS))


def test_a_copy_is_in_no_file(path: Path):
    assert place_of(read(path, Limits()).tensor("w").array() * 2) is None
    assert place_of(WEIGHTS) is None


def test_an_empty_file_and_one_above_the_limit_are_not_mapped(path: Path):
    with pytest.raises(LimitExceededError, match="10"):
        map_file(path, Limits(file_bytes=10))
    path.write_bytes(b"")
    with pytest.raises(EmptyUploadError):
        map_file(path, Limits())
