"""Files in memory as the system maps them, and the way back from an array to its place in a file."""

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from metagauge.checkpoint.limits import Limits
from metagauge.errors import EmptyUploadError, LimitExceededError


class MappedFile(mmap.mmap):
    """A file, mapped to be read only, that remembers its path. It stays mapped while anything views it."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Self:
        """Maps the file at `path`, which has at least one byte."""
        with path.open("rb") as file:
            mapped = cls(file.fileno(), 0, access=mmap.ACCESS_READ)
        mapped.path = path
        return mapped


def map_file(path: Path, limits: Limits) -> memoryview:
    """The bytes of the file at `path`.

    Raises:
        EmptyUploadError: it has none.
        LimitExceededError: it has more than `limits` allows.
    """
    size = path.stat().st_size
    if size == 0:
        raise EmptyUploadError("the file is empty (0 bytes); send a .safetensors or .onnx file")
    if size > limits.file_bytes:
        raise LimitExceededError(f"the file has {size} bytes; the limit is {limits.file_bytes}")
    return memoryview(MappedFile.open(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an array's first element is: so many bytes into that file."""

    path: Path
    offset: int


def place_of(array: np.ndarray) -> Place | None:
    """Where in a mapped file the elements of `array` are; None if they are not views over one."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    if not isinstance(owner, MappedFile):
        return None
    start = np.frombuffer(owner, dtype=np.uint8).__array_interface__["data"][0]
    return Place(path=owner.path, offset=array.__array_interface__["data"][0] - start)
