"""A parameter graph from one process to another: its structure as JSON, its weights as places in files."""

from collections.abc import Callable
from dataclasses import fields
from typing import get_type_hints

import numpy as np
from pydantic import BaseModel, ConfigDict, create_model

from metagauge.errors import MetagaugeError
from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph
from worker.reading.stored_arrays import MISFITS, ArrayReader, ArrayWriter, StoredArray


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


def store(graph: ParameterGraph, arrays: ArrayWriter) -> StoredGraph:
    """`graph`, whose arrays are where `arrays` puts them."""
    return StoredGraph(
        groups=graph.groups,
        blocks=tuple(_store_block(block, arrays) for block in graph.blocks),
        family=graph.family,
        coverage=graph.coverage,
        guessed=graph.guessed,
    )


def _store_block(block: Block, arrays: ArrayWriter) -> BaseModel:
    values = ((each.name, getattr(block, each.name)) for each in fields(Block))
    return _stored_block(
        **{name: arrays.place(value) if isinstance(value, np.ndarray) else value for name, value in values}
    )


def restore(stored: StoredGraph, arrays: ArrayReader) -> ParameterGraph:
    """The graph.

    Raises:
        MetagaugeError: a place is not in its file, or a block names no group.
    """

    def block(found: BaseModel) -> Block:
        values = {name: getattr(found, name) for name in type(found).model_fields}
        made = _block(
            **{name: arrays.array(value) if isinstance(value, StoredArray) else value for name, value in values.items()}
        )
        if not (0 <= made.source < len(stored.groups) and 0 <= made.target < len(stored.groups)):
            raise ValueError(f"block {made.name!r} is between groups that do not exist")
        return made

    try:
        blocks = tuple(block(found) for found in stored.blocks)
    except MISFITS as error:
        raise MetagaugeError(f"the reader handed over a graph that does not fit its files: {error}") from error
    return ParameterGraph(
        groups=stored.groups,
        blocks=blocks,
        family=stored.family,
        coverage=stored.coverage,
        guessed=stored.guessed,
    )
