"""What a report says of a network's structure, worked out where the file is read."""

from collections.abc import Iterator
from itertools import islice
from math import prod
from typing import assert_never

from metagauge.architecture.architecture import Architecture, Operation, Unsupported
from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.source import Constant, Given, Weight
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.settings import settings
from metagauge.architecture.values import layer_parameters
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.contract import ArchitectureSummary, LayerSummary, UnsupportedSummary
from metagauge.graph.parameter_graph import ParameterGraph

SHOWN_LAYERS = 2000
SHOWN_PIECES = 100
SHOWN_TENSORS = 20
"""Of the layers, of what is unsupported, and of each piece of it: a report is kept for days and listed with others."""
ASSUMED_LENGTH = 500
COUNTED_TENSORS = 256
"""Of those that are put together before a step; the numbers of further ones are left out."""


def describe(
    architecture: Architecture | Dataflow, checkpoint: Checkpoint, graph: ParameterGraph, digest: str | None
) -> ArchitectureSummary:
    """The structure in the words of the contract; `digest` is that of the `graph`."""
    match architecture:
        case Architecture():
            layers, count = _layers(architecture, checkpoint), len(architecture.operations)
        case Dataflow():
            rows = tuple(_steps(architecture, checkpoint))
            layers, count = iter(rows), len(rows)
        case _:
            assert_never(architecture)
    return ArchitectureSummary(
        provenance=architecture.provenance.rung,
        assumed=tuple(each[:ASSUMED_LENGTH] for each in architecture.provenance.assumed[:SHOWN_PIECES]),
        family=graph.family,
        coverage=graph.coverage,
        digest=digest,
        layer_count=count,
        layers=tuple(islice(layers, SHOWN_LAYERS)),
        unsupported=_unsupported(architecture.unsupported),
    )


def _unsupported(pieces: tuple[Unsupported, ...]) -> tuple[UnsupportedSummary, ...]:
    """The first pieces, and the first tensors of each; the last ones name every operator that is not shown by then."""
    shown = tuple(
        UnsupportedSummary(operator=piece.operator, name=piece.name, tensors=piece.tensors[:SHOWN_TENSORS])
        for piece in pieces[:SHOWN_PIECES]
    )
    rest = pieces[SHOWN_PIECES:]
    if not rest:
        return shown
    known = {piece.operator for piece in shown}
    others = dict.fromkeys(piece.operator for piece in rest if piece.operator not in known)
    named = tuple(UnsupportedSummary(operator=name, name="") for name in islice(others, SHOWN_PIECES))
    return (*shown, *named, UnsupportedSummary(operator="more", name=f"{len(rest)} further pieces"))


def _layers(architecture: Architecture, checkpoint: Checkpoint) -> Iterator[LayerSummary]:
    return (_layer(operation, checkpoint) for operation in architecture.operations)


def _layer(operation: Operation, checkpoint: Checkpoint) -> LayerSummary:
    """`shape` is that of the first parameter, the weight."""
    shapes = tuple(parameter_shape(parameter, checkpoint) for parameter in layer_parameters(operation.layer))
    return LayerSummary(
        name=operation.name,
        kind=operation.layer.kind,
        settings=settings(operation.layer, shapes),
        inputs=operation.inputs,
        shape=shapes[0] if shapes else (),
        parameters=sum(prod(shape) for shape in shapes),
    )


def _steps(dataflow: Dataflow, checkpoint: Checkpoint) -> Iterator[LayerSummary]:
    """The steps that compute with the input, each with the tensors that enter the computation there."""
    waiting: dict[str, tuple[str, ...]] = {}  # value that only weights and constants go into -> its tensors
    counted: set[str] = set()
    for step in dataflow.steps:
        match step.operator:
            case Given():
                continue
            case Weight():
                found: tuple[str, ...] | None = (step.operator.tensor,)
            case Constant():
                found = ()
            case _:
                read = [name for name in step.inputs if name]
                entering = dict.fromkeys(each for name in read for each in waiting.get(name, ()))
                tensors = tuple(islice(entering, COUNTED_TENSORS))
                if read and all(name in waiting for name in read):
                    found = tensors
                else:
                    yield _step(step, tensors, waiting, counted, checkpoint)
                    found = None
        if found is not None:
            waiting.update(dict.fromkeys(step.outputs, found))


def _step(
    step: Step,
    tensors: tuple[str, ...],
    waiting: dict[str, tuple[str, ...]],
    counted: set[str],
    checkpoint: Checkpoint,
) -> LayerSummary:
    shapes = [checkpoint.tensor(name).shape for name in tensors]
    fresh = [checkpoint.tensor(name).size for name in tensors if name not in counted]
    counted.update(tensors)
    return LayerSummary(
        name=next((name for name in step.outputs if name), ""),
        kind=step.operator.kind,
        inputs=tuple(name for name in step.inputs if name and name not in waiting),
        shape=shapes[0] if shapes else (),
        parameters=sum(fresh),
    )
