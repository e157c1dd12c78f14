"""Where the values of a group's neurons are found when the network is run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.reachable import reachable
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.tensor import Tensor
from metagauge.graph.build import Drawn, draw
from metagauge.graph.draft import DIRECT, Cursor

AttentionPart = Literal["whole", "query", "key", "value"]
_PARTS: tuple[AttentionPart, AttentionPart, AttentionPart] = ("query", "key", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The value that holds what a group's neurons say, after their norm and activation."""

    value: str
    """The input's name, or that of the operation that computes it."""
    part: AttentionPart = "whole"
    """Which of the values that an attention computes on its way."""
    flattened: tuple[int, ...] = ()
    """Position sizes that are part of the value's feature axis; empty if none."""
    tokens_first: bool = False
    """Whether that axis counts positions before neurons."""
    spread: bool = False
    """Whether each flattened feature is a neuron of its own: neuron = channel * prod(flattened) + position."""


def places(network: Architecture, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Place | None, ...]:
    """For each group of the network's parameter graph, in order, where its neurons' values are; None if nowhere.

    Parameter nodes have no values, and none are kept of the nodes that stand for heads and for runs of a group norm.
    The graph is drawn once more, from shapes alone, so that what says where a value is is the code that draws groups.

    Args:
        network: Whose graph it is.
        shapes: Of the checkpoint's tensors, by name.

    Raises:
        ArchitectureMismatchError: the architecture does not fit such tensors.
    """
    architecture = reachable(network)
    drawn = draw(architecture, hollow(shapes))
    found = dict(_found(architecture.input_name, drawn))  # what comes later is what the neurons say in the end
    return tuple(found.get(group) for group in drawn.draft.numbers())


def _found(input_name: str, drawn: Drawn) -> Iterator[tuple[int, Place]]:
    """Groups and places of their values, in the order of computation; groups that were merged are among them."""
    yield drawn.start.group, Place(value=input_name)
    for step in drawn.steps:
        if step.output.reading == DIRECT:
            yield step.output.group, _place(step.operation.name, step.output)
        elif step.output.group != step.sources[0].group:
            # A value that is read through twice gets neurons in between: they say what the second reading reads.
            yield step.output.group, _place(step.operation.inputs[0], step.output)
        if step.parts is not None:
            for part, group in zip(_PARTS, step.parts, strict=True):
                yield group, Place(value=step.operation.name, part=part)
    yield drawn.finish.group, _place(drawn.steps[-1].operation.name, drawn.finish)


def _place(value: str, cursor: Cursor) -> Place:
    return Place(value=value, flattened=cursor.flattened, tokens_first=cursor.tokens_first, spread=cursor.spread)


def hollow(shapes: Mapping[str, tuple[int, ...]]) -> Checkpoint:
    """A checkpoint of zeros that take no memory."""
    tensors = {
        name: Tensor(
            name=name, dtype="F32", shape=shape, load=lambda shape=shape: np.broadcast_to(np.float32(0), shape)
        )
        for name, shape in shapes.items()
    }
    size = sum(4 * prod(shape) for shape in shapes.values())
    return Checkpoint(format=Format.SAFETENSORS, size_bytes=size, tensors=tensors, metadata={})
