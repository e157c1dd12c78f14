"""A parameter graph from one process to another: its structure as JSON, its weights as places in files.

What is a view over an uploaded file stays there; other arrays (folded norms, dequantised weights, wiring) are written
into one more file, each stretch of memory once. Nothing is pickled, and nothing large is copied without need.
"""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import BinaryIO, get_type_hints

import numpy as np
from numpy.lib.array_utils import byte_bounds
from pydantic import BaseModel, ConfigDict, create_model

from metagauge.checkpoint.dtypes import ELEMENT_TYPES
from metagauge.checkpoint.mapped import MappedFile, place_of
from metagauge.errors import MetagaugeError
from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph

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


def _block_fields() -> dict[str, tuple[object, object]]:
    """`Block`'s fields with places instead of arrays, so that a new field of a block needs no change here."""
    swapped = {np.ndarray: StoredArray, np.ndarray | None: StoredArray | None}
    hints = get_type_hints(Block)
    return {each.name: (swapped.get(hints[each.name], hints[each.name]), ...) for each in fields(Block)}


_STRICT = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")
StoredBlock: type[BaseModel] = create_model("StoredBlock", __config__=_STRICT, **_block_fields())  # type: ignore[arg-type]
_stored_block: Callable[..., BaseModel] = StoredBlock.model_construct
_block: Callable[..., Block] = Block


class StoredGraph(BaseModel):
    """A parameter graph whose arrays are in files, by their numbers."""

    model_config = _STRICT

    groups: tuple[NodeGroup, ...]
    blocks: tuple[StoredBlock, ...]  # type: ignore[valid-type]
    family: str
    coverage: float
    guessed: tuple[str, ...]


def store(graph: ParameterGraph, files: Sequence[Path], more: Path) -> StoredGraph:
    """`graph`, whose arrays are found in `files` or written into the file `more`, whose number comes after theirs."""
    with more.open("wb") as file:
        writer = _Writer(numbers={path: number for number, path in enumerate(files)}, file=file)
        blocks = tuple(writer.block(block) for block in graph.blocks)
    return StoredGraph(
        groups=graph.groups,
        blocks=blocks,
        family=graph.family,
        coverage=graph.coverage,
        guessed=graph.guessed,
    )


@dataclass(slots=True, kw_only=True)
class _Writer:
    numbers: Mapping[Path, int]
    file: BinaryIO
    size: int = 0
    written: dict[tuple[int, int], int] = field(default_factory=dict)
    """First and last address of memory -> where in the file it is."""
    kept: list[np.ndarray] = field(default_factory=list)
    """Copies whose memory may be nobody else's before all is written."""

    def block(self, block: Block) -> BaseModel:
        values = ((each.name, getattr(block, each.name)) for each in fields(Block))
        return _stored_block(
            **{name: self._array(value) if isinstance(value, np.ndarray) else value for name, value in values}
        )

    def _array(self, array: np.ndarray) -> StoredArray:
        place = place_of(array)
        if place is not None and place.path in self.numbers:
            return _stored(array, self.numbers[place.path], place.offset)
        low, high = byte_bounds(array)
        if high - low > _SPARSE * max(array.nbytes, _ALIGNED):
            array = np.ascontiguousarray(array)
            self.kept.append(array)
            low, high = byte_bounds(array)
        if (low, high) not in self.written:
            self.written[low, high] = self._append((ctypes.c_ubyte * (high - low)).from_address(low))
        start = array.__array_interface__["data"][0]
        return _stored(array, len(self.numbers), self.written[low, high] + start - low)

    def _append(self, memory: ctypes.Array[ctypes.c_ubyte]) -> int:
        offset = self.size
        self.size += self.file.write(memory)
        self.size += self.file.write(bytes(_ALIGNED - self.size % _ALIGNED))  # never none: no file is empty
        return offset


def _stored(array: np.ndarray, file: int, offset: int) -> StoredArray:
    return StoredArray(file=file, offset=offset, dtype=array.dtype.name, shape=array.shape, strides=array.strides)


def restore(stored: StoredGraph, files: Sequence[Path]) -> ParameterGraph:
    """The graph; `files` are those of the writer, with the one it wrote behind them.

    Raises:
        MetagaugeError: a place is not in its file, or a block names no group.
    """
    mapped: dict[int, MappedFile] = {}

    def array(place: StoredArray) -> np.ndarray:
        if place.file not in mapped:
            mapped[place.file] = MappedFile.open(files[place.file])
        return np.ndarray(place.shape, _DTYPES[place.dtype], mapped[place.file], place.offset, place.strides)

    def block(found: BaseModel) -> Block:
        values = {name: getattr(found, name) for name in type(found).model_fields}
        made = _block(
            **{name: array(value) if isinstance(value, StoredArray) else value for name, value in values.items()}
        )
        if not (0 <= made.source < len(stored.groups) and 0 <= made.target < len(stored.groups)):
            raise ValueError(f"block {made.name!r} is between groups that do not exist")
        return made

    try:
        blocks = tuple(block(found) for found in stored.blocks)
    except (ValueError, TypeError, IndexError, KeyError, OSError) as error:
        raise MetagaugeError(f"the reader handed over a graph that does not fit its files: {error}") from error
    return ParameterGraph(
        groups=stored.groups,
        blocks=blocks,
        family=stored.family,
        coverage=stored.coverage,
        guessed=stored.guessed,
    )
