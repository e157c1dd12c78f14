"""What can be said about a checkpoint file without a predictor."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

from pydantic import TypeAdapter

from metagauge.architecture.architecture import Architecture, Operation, Unsupported
from metagauge.architecture.coverage import coverage
from metagauge.architecture.infer import infer
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import Value, layer_parameters, values
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.digest import digest, dtype_counts, parameter_count
from metagauge.checkpoint.finding import Finding
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import ParameterGraph


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """One layer: what it reads, the shape of what it gives, and its own parameters."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    output_layout: str
    output_shape: tuple[int, ...]
    weight_shapes: tuple[tuple[int, ...], ...]
    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSize:
    """The parameter graph in numbers."""

    groups: int
    blocks: int
    nodes: int
    edges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A checkpoint's structure. `coverage` is the share of its parameters that the architecture uses."""

    file: str
    format: str
    size_bytes: int
    tensors: int
    tensors_digest: str
    parameters: int
    dtypes: dict[str, int]
    provenance: str
    assumed: tuple[str, ...]
    family: str
    coverage: float
    input_shape: tuple[int, ...]
    layers: tuple[LayerRow, ...]
    unsupported: tuple[Unsupported, ...]
    graph: GraphSize
    findings: tuple[Finding, ...]


_ADAPTER = TypeAdapter(Inspection)


def to_json(found: Inspection) -> str:
    """For programs."""
    return _ADAPTER.dump_json(found, indent=2).decode()


def inspection(path: Path, sidecar: Path | None) -> Inspection:
    """Reads the file at `path`, with the architecture in `sidecar` if there is one.

    Raises:
        InputError: it is not a checkpoint, or its structure cannot be known.
    """
    checkpoint = read(path, Limits())
    architecture = infer(checkpoint, None if sidecar is None else sidecar.read_text(encoding="utf-8", errors="replace"))
    graph = build(architecture, checkpoint)
    return Inspection(
        file=path.name,
        format=checkpoint.format,
        size_bytes=checkpoint.size_bytes,
        tensors=len(checkpoint.tensors),
        tensors_digest=digest(checkpoint),
        parameters=parameter_count(checkpoint),
        dtypes=dict(dtype_counts(checkpoint)),
        provenance=architecture.provenance.rung,
        assumed=architecture.provenance.assumed,
        family=graph.family,
        coverage=coverage(architecture, checkpoint),
        input_shape=architecture.input_shape,
        layers=_layers(architecture, checkpoint),
        unsupported=architecture.unsupported,
        graph=_size(graph),
        findings=checkpoint.findings,
    )


def _layers(architecture: Architecture, checkpoint: Checkpoint) -> tuple[LayerRow, ...]:
    outputs = values(architecture, lambda parameter: parameter_shape(parameter, checkpoint))
    return tuple(_row(operation, outputs[operation.name], checkpoint) for operation in architecture.operations)


def _row(operation: Operation, output: Value, checkpoint: Checkpoint) -> LayerRow:
    shapes = tuple(parameter_shape(parameter, checkpoint) for parameter in layer_parameters(operation.layer))
    return LayerRow(
        name=operation.name,
        kind=operation.layer.kind,
        inputs=operation.inputs,
        output_layout=output.layout,
        output_shape=output.shape,
        weight_shapes=shapes,
        parameters=sum(prod(shape) for shape in shapes),
    )


def _size(graph: ParameterGraph) -> GraphSize:
    return GraphSize(groups=len(graph.groups), blocks=len(graph.blocks), nodes=graph.nodes, edges=graph.edges)
