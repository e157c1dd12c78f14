"""Reading ONNX: a bounded scan, the protobuf parser on what the scan leaves, then plain values."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from google.protobuf.message import DecodeError
from onnx import ModelProto, defs

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.finding import Finding
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_external import Companions
from metagauge.checkpoint.onnx_functions import check_functions
from metagauge.checkpoint.onnx_graph import GraphReader, plain_domain
from metagauge.checkpoint.onnx_order import in_order
from metagauge.checkpoint.onnx_port import port
from metagauge.checkpoint.onnx_repeated import repeated_weights
from metagauge.checkpoint.onnx_tensor import TensorReader
from metagauge.checkpoint.program import Node, Port, Program
from metagauge.checkpoint.tensor import Tensor
from metagauge.checkpoint.wire_scan import Skeleton, scan
from metagauge.errors import ArchitectureMismatchError, MalformedCheckpointError, NoParametersError

_MANY_NODES = 20_000
"""Far more than hand-written or exported networks have; worth a note, no reason to refuse."""
_NO_NETWORKS = frozenset({"ai.onnx.ml", "ai.onnx.contrib", "com.microsoft.extensions"})
"""Domains of trees, classical classifiers, tokenizers and the like, whose numbers are attributes."""
_QUANTISED = frozenset({"I8", "U8", "I4", "U4", "I2", "U2", "F4", "F6_E2M3", "F6_E3M2"})


def read_onnx(content: memoryview, limits: Limits, companions: Mapping[str, Path] = MappingProxyType({})) -> Checkpoint:
    """The checkpoint in `content`: tensors as views over it, and the main graph as a program.

    `companions` are the files that came along, by the name that the model calls them; tensors kept in other files are
    looked for there and nowhere else.

    Raises:
        MalformedCheckpointError: the bytes are no ONNX model.
        LimitExceededError: sizes, counts or nesting are above `limits`.
        ExternalDataRefusedError: a tensor is kept in another file, which did not come along.
        ArchitectureMismatchError: the model contradicts itself.
        NoParametersError: no tensor of it can be a parameter.
    """
    skeleton = scan(content, limits)
    try:
        model = ModelProto.FromString(skeleton.model)
    except DecodeError as error:
        raise MalformedCheckpointError("the bytes are not an ONNX model: protobuf cannot parse them") from error
    if not model.HasField("graph"):
        raise MalformedCheckpointError("the ONNX model has no graph")
    check_functions(model, limits)
    beside = Companions(files=companions, limits=limits)
    reader = GraphReader(reader=TensorReader(content=content, limits=limits, companions=beside))
    in_file_order = _with_repeated(reader.nodes(model.graph), reader, limits)
    functions = tuple(reader.function(proto) for proto in model.functions)
    inputs = tuple(port(value) for value in model.graph.input if value.name not in reader.tensors)
    given = (*reader.tensors, *reader.texts, *(each.name for each in inputs))
    nodes = in_order(in_file_order, given)
    _check_parameters(reader.tensors, inputs, nodes)
    _check_outputs(model, nodes, given)
    return Checkpoint(
        format=Format.ONNX,
        size_bytes=len(content) + beside.size_bytes,
        tensors=reader.tensors,
        metadata=_metadata(model),
        program=Program(
            opset=_opset(model),
            producer=f"{model.producer_name} {model.producer_version}".strip(),
            inputs=inputs,
            outputs=tuple(port(value) for value in model.graph.output),
            nodes=nodes,
            functions=functions,
        ),
        findings=_findings(model, skeleton, nodes == in_file_order, reader.texts),
    )


def _with_repeated(nodes: tuple[Node, ...], reader: GraphReader, limits: Limits) -> tuple[Node, ...]:
    """`nodes` without those whose outputs are now weights among the tensors."""
    found = repeated_weights(nodes, reader.tensors, limits)
    for tensor in found.values():
        reader.add(tensor)
    return tuple(node for node in nodes if node.operator != "ConstantOfShape" or found.keys().isdisjoint(node.outputs))


def _check_outputs(model: ModelProto, nodes: tuple[Node, ...], given: tuple[str, ...]) -> None:
    if not model.graph.output:
        raise ArchitectureMismatchError("the model has no output")
    known = {name for node in nodes for name in node.outputs} | set(given)
    for value in model.graph.output:
        if value.name not in known:
            raise ArchitectureMismatchError(f"the model returns {value.name!r}, which nothing in it gives")


def _check_parameters(tensors: Mapping[str, Tensor], inputs: tuple[Port, ...], nodes: tuple[Node, ...]) -> None:
    if any(tensor.is_parameter or _is_quantised(tensor) for tensor in tensors.values()):
        return
    message = "the ONNX model holds no tensor that can be a weight"
    classical = sorted({node.operator for node in nodes if node.domain in _NO_NETWORKS})
    if classical:
        raise NoParametersError(
            f"{message}: what it does is done by {', '.join(classical[:8])}, which are no neural network. Only the"
            " weights of neural networks can be judged."
        )
    names = ", ".join(repr(each.name) for each in inputs[:8])
    message = f"{message}; it takes {names or 'nothing'} as input"
    raise NoParametersError(f"{message}. If a weight is among the inputs, export the model with its parameters.")


def _is_quantised(tensor: Tensor) -> bool:
    return tensor.dtype in _QUANTISED and len(tensor.shape) > 1


def _metadata(model: ModelProto) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for entry in model.metadata_props:
        if metadata.setdefault(entry.key, entry.value) != entry.value:
            raise ArchitectureMismatchError(f"the metadata of the model gives {entry.key[:100]!r} two values")
    return metadata


def _opset(model: ModelProto) -> int:
    """Version of ONNX's own operators; 1 where none is stated, as the format has it."""
    return max((entry.version for entry in model.opset_import if plain_domain(entry.domain) == ""), default=1)


def _findings(model: ModelProto, skeleton: Skeleton, is_sorted: bool, texts: list[str]) -> tuple[Finding, ...]:
    found: list[Finding] = []

    def note(rule: str, message: str, value: float | None = None) -> None:
        found.append(Finding(rule=rule, level="warning", message=message, value=value))

    if skeleton.unknown_fields:
        size, count = skeleton.unknown_bytes, skeleton.unknown_fields
        note("unknown-fields", f"{size} bytes in {count} fields that ONNX does not have were not read", float(size))
    if model.training_info:
        note("training-info", "the file also holds a training graph, which is not read")
    if not is_sorted:
        note("unsorted-nodes", "nodes stand before others whose outputs they read; ONNX asks for execution order")
    if skeleton.nodes > _MANY_NODES:
        note("many-nodes", f"the model has {skeleton.nodes} nodes", float(skeleton.nodes))
    newest = defs.onnx_opset_version()
    if _opset(model) > newest:
        note("future-opset", f"opset {_opset(model)} is newer than {newest}, the newest one known here")
    if texts:
        note(
            "text-tensor", f"{len(texts)} tensors of strings are not read, the first is {texts[0]!r}", float(len(texts))
        )
    return tuple(found)
