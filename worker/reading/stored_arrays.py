"""Arrays from one process to another, as places in files.

What is a view over an uploaded file stays there; other arrays (folded norms, dequantised weights, wiring) are written
into one more file, each stretch of memory once. Nothing is pickled, and nothing large is copied without need.
"""

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.lib.array_utils import byte_bounds

from metagauge.checkpoint.dtypes import ELEMENT_TYPES
from metagauge.checkpoint.mapped import MappedFile, place_of

_DTYPES = {element.array.name: element.array for element in ELEMENT_TYPES.values()}
_SPARSE = 4
"""How much larger than its elements the memory that an array steps through may be, before they are copied."""
_ALIGNED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArray:
    """An array: the number of its file, where in it the first element is, and numpy's description. Sizes in bytes."""

    file: int
    offset: int
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class ArrayWriter:
    """Finds arrays in files, or writes them into one more, whose number comes after theirs."""

    numbers: Mapping[Path, int]
    file: BinaryIO
    size: int = 0
    written: dict[tuple[int, int], int] = field(default_factory=dict)
    """First and last address of memory -> where in the file it is."""
    kept: list[np.ndarray] = field(default_factory=list)
    """What was written, whose memory may be nobody else's before all is written."""

    @classmethod
    @contextmanager
    def into(cls, more: Path, files: Sequence[Path]) -> Iterator[Self]:
        """A writer that knows `files` and writes the file `more`."""
        with more.open("wb") as file:
            yield cls(numbers={path: number for number, path in enumerate(files)}, file=file)

    def place(self, array: np.ndarray) -> StoredArray:
        """Where `array` is from now on."""
        place = place_of(array)
        if place is not None and place.path in self.numbers:
            return _stored(array, self.numbers[place.path], place.offset)
        low, high = byte_bounds(array)
        if high - low > _SPARSE * max(array.nbytes, _ALIGNED):
            array = np.ascontiguousarray(array)
            low, high = byte_bounds(array)
        self.kept.append(array)
        if (low, high) not in self.written:
            self.written[low, high] = self._append((ctypes.c_ubyte * (high - low)).from_address(low))
        start = array.__array_interface__["data"][0]
        return _stored(array, len(self.numbers), self.written[low, high] + start - low)

    def _append(self, memory: ctypes.Array[ctypes.c_ubyte]) -> int:
        offset = self.size
        self.size += self.file.write(memory)
        self.size += self.file.write(bytes(_ALIGNED - self.size % _ALIGNED))  # never none: no file is empty
        return offset


@dataclass(slots=True, kw_only=True)
class ArrayReader:
    """Views over files, each mapped when it is first asked for."""

    files: Sequence[Path]
    """Those of the writer, with the one it wrote behind them."""
    mapped: dict[int, MappedFile] = field(default_factory=dict)

    def array(self, place: StoredArray) -> np.ndarray:
        """The array at `place`, to be read only; raises one of `MISFITS` if it is not there."""
        if place.file not in self.mapped:
            self.mapped[place.file] = MappedFile.open(self.files[place.file])
        return np.ndarray(place.shape, _DTYPES[place.dtype], self.mapped[place.file], place.offset, place.strides)


MISFITS = (ValueError, TypeError, IndexError, KeyError, OSError)
"""What reading a place raises that is not in its file."""


def _stored(array: np.ndarray, file: int, offset: int) -> StoredArray:
    return StoredArray(file=file, offset=offset, dtype=array.dtype.name, shape=array.shape, strides=array.strides)
