"""From an architecture and its checkpoint to the parameter graph, in canonical form.

Canonical means that one function gives one graph, whichever file it came in:

- batch norm is folded into the linear or convolution before it, as exporters do;
- a sum merges the linear layers it adds into one group of neurons, so that a residual branch, a shortcut convolution
  and the two maps of a set layer are parallel blocks (Lim et al. 2024, sec. 3 and app. B);
- every linear or convolution has a bias, of zeros where the file has none;
- pooling, flattening and selection are not neurons but the way in which a block reads its source.
"""

from collections import Counter
from dataclasses import dataclass
from typing import assert_never

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.coverage import coverage
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.layers import (
    Activation,
    Add,
    Attention,
    BatchNorm,
    ClassToken,
    Conv,
    Flatten,
    GlobalPool,
    GroupNorm,
    LayerNorm,
    Linear,
    Pool,
    PositionTable,
    Raster,
    SelectToken,
    SetPool,
    Tokens,
)
from metagauge.architecture.network import Network
from metagauge.architecture.reachable import reachable
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import Value, values
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.graph.draft import Cursor, Draft
from metagauge.graph.drawing import Drawing
from metagauge.graph.flow.flow_graph import build_flow
from metagauge.graph.parameter_graph import ParameterGraph, Reading


def build(network: Network, checkpoint: Checkpoint) -> ParameterGraph:
    """The parameter graph of a network; weights are views over the checkpoint unless batch norm is folded into them.

    Raises:
        ArchitectureMismatchError: the network does not fit the checkpoint.
    """
    if isinstance(network, Dataflow):
        return build_flow(network, checkpoint)
    architecture = reachable(network)
    draft = draw(architecture, checkpoint).draft
    return ParameterGraph(
        groups=draft.groups(),
        blocks=draft.blocks(),
        family=family_of(architecture),
        coverage=coverage(architecture, checkpoint),
        guessed=architecture.provenance.guessed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation that was drawn: where what it reads lived, and where what it computes lives since then."""

    operation: Operation
    sources: tuple[Cursor, ...]
    output: Cursor
    parts: tuple[int, int, int] | None = None
    """The groups of an attention's queries, keys and values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An architecture as groups and blocks, and how it came to be."""

    draft: Draft
    start: Cursor
    """Where the input lives."""
    steps: tuple[Step, ...]
    finish: Cursor
    """Where the output lives, which may be in neurons of its own."""


def draw(architecture: Architecture, checkpoint: Checkpoint) -> Drawn:
    """Draws an architecture, all of whose operations reach its output.

    Raises:
        ArchitectureMismatchError: the architecture does not fit the checkpoint.
    """
    known = values(architecture, lambda parameter: parameter_shape(parameter, checkpoint))
    readers = Counter(name for operation in architecture.operations for name in operation.inputs)
    drawing = Drawing(draft=Draft(), checkpoint=checkpoint)
    start = drawing.start(known[architecture.input_name])
    cursors = {architecture.input_name: start}
    steps: list[Step] = []
    for operation in architecture.operations:
        sources = tuple(cursors[name] if readers[name] == 1 else cursors[name].shared() for name in operation.inputs)
        inputs = tuple(known[name] for name in operation.inputs)
        output = _visit(drawing, operation, sources, inputs, known[operation.name])
        parts = drawing.attention_parts(operation.name) if isinstance(operation.layer, Attention) else None
        steps.append(Step(operation=operation, sources=sources, output=output, parts=parts))
        cursors[operation.name] = output
    finish = drawing.finish(cursors[architecture.operations[-1].name])
    return Drawn(draft=drawing.draft, start=start, steps=tuple(steps), finish=finish)


def family_of(architecture: Architecture) -> str:
    """The coarse kind of a network, for people: vit, deepsets, cnn1d, resnet, cnn, mlp or other."""
    layers = [operation.layer for operation in architecture.operations]
    if any(isinstance(layer, Attention) for layer in layers):
        return "vit"
    if any(isinstance(layer, SetPool) for layer in layers):
        return "deepsets"
    convolutions = [layer for layer in layers if isinstance(layer, Conv)]
    if any(len(layer.stride) == 1 for layer in convolutions):
        return "cnn1d"
    if convolutions:
        return "resnet" if any(isinstance(layer, Add) for layer in layers) else "cnn"
    return "mlp" if any(isinstance(layer, Linear) for layer in layers) else "other"


def _visit(
    drawing: Drawing, operation: Operation, sources: tuple[Cursor, ...], inputs: tuple[Value, ...], output: Value
) -> Cursor:
    name, layer, source, value = operation.name, operation.layer, sources[0], inputs[0]
    match layer:
        case Linear():
            return drawing.linear(name, layer, source, output)
        case Conv():
            return drawing.convolution(name, layer, source, output)
        case BatchNorm():
            return drawing.batch_norm(name, layer, source, value)
        case GroupNorm() | LayerNorm():
            return drawing.norm(name, layer, source, value)
        case Activation():
            return drawing.activation(name, layer, source, value)
        case Add():
            return drawing.add(name, sources, output)
        case Attention():
            return drawing.attention(name, layer, source, output)
        case ClassToken():
            return drawing.table(name, "token", layer.token, source, output)
        case PositionTable():
            return drawing.table(name, "position", layer.table, source, output)
        case Flatten():
            return drawing.flatten(source, value)
        case Pool() | GlobalPool() | SetPool() | SelectToken() | Raster():
            return drawing.read_through(name, source, value, _reading(layer, value))
        case Tokens():
            return source
        case _:
            assert_never(layer)


def _reading(layer: Pool | GlobalPool | SetPool | SelectToken | Raster, value: Value) -> Reading:
    match layer:
        case Pool():
            is_padded = any(size for pair in layer.padding for size in pair)
            return Reading(
                reduction=layer.reduction,
                window=layer.kernel,
                stride=layer.stride,
                padding=layer.padding,
                count_padding=layer.count_padding or layer.reduction == "max" or not is_padded,
            )
        case GlobalPool() | SetPool():
            sizes = value.shape[1:] if value.layout == "map" else value.shape[:1]
            is_set = isinstance(layer, SetPool)
            return Reading(reduction=layer.reduction, window=sizes, stride=sizes, broadcast=is_set)
        case SelectToken():
            return Reading(token=layer.index)
        case Raster():
            return Reading(raster=len(value.shape) > 2)
        case _:
            assert_never(layer)
