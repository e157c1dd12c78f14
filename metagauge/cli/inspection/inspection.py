"""What can be said about a checkpoint without a predictor: its structure, and what is known of it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal, assert_never

from metagauge.architecture.architecture import Architecture, Operation, Unsupported
from metagauge.architecture.codec import METADATA_KEY
from metagauge.architecture.coverage import count_parameters
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.architecture.operators.source import Given
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.settings import settings
from metagauge.architecture.values import Value, layer_parameters, values
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.digest import digest, dtype_counts
from metagauge.checkpoint.finding import Finding
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read_files
from metagauge.cli.inspection.source import source
from metagauge.contract import Setting
from metagauge.graph.build import build
from metagauge.graph.digest import digest as graph_digest
from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph

Form = Literal["layers", "dataflow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """One layer: what it reads, the shape of what it gives, and its own parameters."""

    name: str
    kind: str
    settings: dict[str, Setting]
    """What the layer is beside its weights: function and slope, kernel, stride, padding, groups, epsilon, heads."""
    inputs: tuple[str, ...]
    output_layout: str
    output_shape: tuple[int, ...]
    weight_shapes: tuple[tuple[int, ...], ...]
    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRow:
    """One block that a group reads: its role, the shape of its weights, where it comes from and the tensor's name.

    `is_stored` says whether the file has a tensor of that name; a zero bias that completes the graph is in no file.
    """

    role: str
    source: str
    shape: tuple[int, ...]
    tensor: str
    groups: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    heads: int
    is_wiring: bool
    is_stored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One group of neurons of the parameter graph, and the blocks it reads."""

    name: str
    kind: str
    operation: str
    size: int
    positions: int
    detail: tuple[str, ...]
    """What else the operation depends on."""
    norm: str
    norm_groups: int
    epsilon: float
    """What the norm adds to the variance."""
    activation: str
    slope: float
    depth: int
    reads: tuple[BlockRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSize:
    """The parameter graph in numbers."""

    groups: int
    blocks: int
    nodes: int
    edges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What the network is given for one sample."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A checkpoint's structure. `coverage` is the share of its parameters that the graph stands for."""

    file: str
    files: tuple[str, ...]
    sidecar: str
    """The file that tells the structure, empty if it was not needed."""
    format: str
    size_bytes: int
    tensors: int
    tensors_digest: str
    parameters: int
    dtypes: dict[str, int]
    form: Form
    """`layers` if the network is made of layer kinds we know, `dataflow` if it is known operator by operator."""
    provenance: str
    assumed: tuple[str, ...]
    family: str
    coverage: float
    inputs: tuple[Input, ...]
    layers: tuple[LayerRow, ...]
    """Empty for a dataflow."""
    operators: dict[str, int]
    """How many of each kind, the most frequent first; empty for layers."""
    unsupported: tuple[Unsupported, ...]
    graph: GraphSize
    graph_digest: str
    """One for one function with its neurons in one order, whichever file it came in: `structure-coarse-fine`, see
    `metagauge.graph.digest`."""
    groups: tuple[GroupRow, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """An inspection, and the graph it is about."""

    inspection: Inspection
    graph: ParameterGraph


def inspect_path(path: Path, sidecar: Path | None) -> Inspected:
    """Reads the network at `path`, a file or a folder.

    Its architecture is told by the file `sidecar`; without one by the file itself, or by a config.json beside it.

    Raises:
        InputError: it is not a checkpoint, or its structure cannot be known.
    """
    limits = Limits()
    found = source(path, limits)
    checkpoint = read_files(found.files, limits)
    tells = checkpoint.program is not None or METADATA_KEY in checkpoint.metadata
    sidecar = sidecar or (None if tells else found.config)
    text = None if sidecar is None else sidecar.read_text(encoding="utf-8", errors="replace")
    architecture = infer(checkpoint, text)
    graph = build(architecture, checkpoint)
    names = tuple(found.files)
    inspection = Inspection(
        file=names[0],
        files=names,
        sidecar="" if sidecar is None else sidecar.name,
        format=checkpoint.format,
        size_bytes=sum(each.stat().st_size for each in found.files.values()),
        tensors=len(checkpoint.tensors),
        tensors_digest=digest(checkpoint),
        parameters=count_parameters(architecture, checkpoint),
        dtypes=dict(dtype_counts(checkpoint)),
        form=_form(architecture),
        provenance=architecture.provenance.rung,
        assumed=architecture.provenance.assumed,
        family=graph.family,
        coverage=graph.coverage,
        inputs=_inputs(architecture),
        layers=_layers(architecture, checkpoint) if isinstance(architecture, Architecture) else (),
        operators=_operators(architecture) if isinstance(architecture, Dataflow) else {},
        unsupported=architecture.unsupported,
        graph=GraphSize(groups=len(graph.groups), blocks=len(graph.blocks), nodes=graph.nodes, edges=graph.edges),
        graph_digest=graph_digest(graph),
        groups=_groups(graph, checkpoint.tensors),
        findings=checkpoint.findings,
    )
    return Inspected(inspection=inspection, graph=graph)


def _form(architecture: Architecture | Dataflow) -> Form:
    match architecture:
        case Architecture():
            return "layers"
        case Dataflow():
            return "dataflow"
        case _:
            assert_never(architecture)


def _inputs(architecture: Architecture | Dataflow) -> tuple[Input, ...]:
    match architecture:
        case Architecture():
            return (Input(name=architecture.input_name, shape=architecture.input_shape),)
        case Dataflow():
            return tuple(
                Input(name=step.outputs[0], shape=step.operator.shape)
                for step in architecture.steps
                if isinstance(step.operator, Given)
            )
        case _:
            assert_never(architecture)


def _operators(dataflow: Dataflow) -> dict[str, int]:
    return dict(Counter(step.operator.kind for step in dataflow.steps).most_common())


def _layers(architecture: Architecture, checkpoint: Checkpoint) -> tuple[LayerRow, ...]:
    outputs = values(architecture, lambda parameter: parameter_shape(parameter, checkpoint))
    return tuple(_row(operation, outputs[operation.name], checkpoint) for operation in architecture.operations)


def _row(operation: Operation, output: Value, checkpoint: Checkpoint) -> LayerRow:
    shapes = tuple(parameter_shape(parameter, checkpoint) for parameter in layer_parameters(operation.layer))
    return LayerRow(
        name=operation.name,
        kind=operation.layer.kind,
        settings=settings(operation.layer, shapes),
        inputs=operation.inputs,
        output_layout=output.layout,
        output_shape=output.shape,
        weight_shapes=shapes,
        parameters=sum(prod(shape) for shape in shapes),
    )


def _groups(graph: ParameterGraph, stored: Collection[str]) -> tuple[GroupRow, ...]:
    incoming: dict[int, list[Block]] = defaultdict(list)
    for block in graph.blocks:
        incoming[block.target].append(block)
    return tuple(_group(group, incoming[number], graph.groups, stored) for number, group in enumerate(graph.groups))


def _group(
    group: NodeGroup, incoming: Sequence[Block], groups: Sequence[NodeGroup], stored: Collection[str]
) -> GroupRow:
    return GroupRow(
        name=group.name,
        kind=group.kind,
        operation=group.operation,
        size=group.size,
        positions=group.positions,
        detail=group.detail,
        norm=group.norm,
        norm_groups=group.norm_groups,
        epsilon=group.epsilon,
        activation=group.activation,
        slope=group.slope,
        depth=group.depth,
        reads=tuple(
            BlockRow(
                role=block.role,
                source=groups[block.source].name,
                shape=block.weight.shape,
                tensor=block.name,
                groups=block.groups,
                kernel=block.kernel,
                stride=block.stride,
                dilation=block.dilation,
                padding=block.padding,
                heads=block.heads,
                is_wiring=block.is_wiring,
                is_stored=block.name in stored,
            )
            for block in incoming
        ),
    )
