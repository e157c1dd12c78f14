"""ONNX graphs as plain values: nodes and bodies, with every tensor they hold collected beside them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from onnx import AttributeProto, FunctionProto, GraphProto, NodeProto, SparseTensorProto, TensorProto

from metagauge.checkpoint.onnx_tensor import TensorReader, is_text
from metagauge.checkpoint.program import Attribute, Body, Function, Node
from metagauge.checkpoint.tensor import Tensor
from metagauge.errors import ArchitectureMismatchError

_UNTYPED: Mapping[str, int] = {
    "f": AttributeProto.FLOAT,
    "i": AttributeProto.INT,
    "s": AttributeProto.STRING,
    "t": AttributeProto.TENSOR,
    "g": AttributeProto.GRAPH,
    "sparse_tensor": AttributeProto.SPARSE_TENSOR,
}
"""The type of an attribute that does not state one (IR version 1), by the field that is set."""


@dataclass(slots=True, kw_only=True)
class GraphReader:
    """Reads graphs one after the other; `tensors` and `texts` gather what they hold.

    Tensors of the main graph keep their names. Those of bodies are called after the node or function around them.
    """

    reader: TensorReader
    tensors: dict[str, Tensor] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    """Names of string tensors, which are no tensors of a checkpoint."""

    def nodes(self, graph: GraphProto) -> tuple[Node, ...]:
        """The operators of the main `graph` in the order of the file, without its `Constant` nodes."""
        self._initializers(graph, "")
        return tuple(self._node(proto, "") for proto in graph.node if not self._take_constant(proto, ""))

    def function(self, proto: FunctionProto) -> Function:
        """A local function; its captures are always empty."""
        prefix = f"{proto.domain}::{proto.name}{':' * bool(proto.overload)}{proto.overload}/"
        before = len(self.tensors)
        inner = self._inner(proto.node, prefix)
        tensors = tuple(self.tensors)[before:]
        body = Body(nodes=sum(1 + sum(body.nodes for body in node.bodies.values()) for node in inner), tensors=tensors)
        return Function(domain=plain_domain(proto.domain), name=proto.name, overload=proto.overload, body=body)

    def _initializers(self, graph: GraphProto, prefix: str) -> None:
        for proto in graph.initializer:
            self._add_dense(proto, prefix + proto.name)
        for proto in graph.sparse_initializer:
            self._add(self.reader.sparse(proto, prefix + proto.values.name))

    def _inner(self, protos: Iterable[NodeProto], prefix: str) -> tuple[Node, ...]:
        """The nodes of a body, constants included."""
        nodes = []
        for proto in protos:
            self._take_constant(proto, prefix)
            nodes.append(self._node(proto, prefix))
        return tuple(nodes)

    def _body(self, graph: GraphProto, prefix: str) -> Body:
        before = len(self.tensors)
        self._initializers(graph, prefix)
        nodes = self._inner(graph.node, prefix)
        defined = {port.name for port in graph.input} | {proto.name for proto in graph.initializer}
        defined |= {proto.values.name for proto in graph.sparse_initializer}
        defined |= {name for node in nodes for name in node.outputs}
        read = {name for node in nodes for name in node.inputs} | {port.name for port in graph.output}
        read |= {name for node in nodes for body in node.bodies.values() for name in body.captures}
        return Body(
            nodes=sum(1 + sum(body.nodes for body in node.bodies.values()) for node in nodes),
            tensors=tuple(self.tensors)[before:],
            captures=tuple(sorted(read - defined - {""})),
        )

    def _node(self, proto: NodeProto, prefix: str) -> Node:
        attributes: dict[str, Attribute] = {}
        tensors: dict[str, str] = {}
        bodies: dict[str, Body] = {}
        owner = prefix + next((name for name in proto.output if name), proto.name)
        is_constant = proto.op_type == "Constant" and plain_domain(proto.domain) == ""
        for attribute in proto.attribute:
            if attribute.name in attributes | tensors | bodies:
                message = f"node {owner!r} ({proto.op_type}) has the attribute {attribute.name!r} twice"
                raise ArchitectureMismatchError(message)
            for key, graph in _graphs(attribute):
                bodies[key] = self._body(graph, f"{owner}/{key}/")
            if not is_constant:  # its tensor was taken as the value of its output
                tensors |= self._attribute_tensors(attribute, owner)
            value = _plain(attribute)
            if value is not None:
                attributes[attribute.name] = value
        return Node(
            name=proto.name,
            operator=proto.op_type,
            domain=plain_domain(proto.domain),
            overload=proto.overload,
            inputs=tuple(proto.input),
            outputs=tuple(proto.output),
            attributes=attributes,
            tensors=tensors,
            bodies=bodies,
        )

    def _attribute_tensors(self, attribute: AttributeProto, owner: str) -> dict[str, str]:
        names: dict[str, str] = {}
        for key, proto in _tensors(attribute):
            name = f"{owner}.{key}"
            match proto:
                case TensorProto():
                    self._add_dense(proto, name)
                case SparseTensorProto():
                    self._add(self.reader.sparse(proto, name))
            names[key] = name
        return names

    def _take_constant(self, proto: NodeProto, prefix: str) -> bool:
        """Whether `proto` is a `Constant` whose value is now a tensor, named like its output."""
        if proto.op_type != "Constant" or plain_domain(proto.domain) or len(proto.output) != 1:
            return False
        if len(proto.attribute) != 1:
            return False
        (attribute,) = proto.attribute
        name = prefix + proto.output[0]
        for _, value in _tensors(attribute):
            match value:
                case TensorProto():
                    self._add_dense(value, name)
                case SparseTensorProto():
                    self._add(self.reader.sparse(value, name))
            return True
        value = _plain(attribute)
        match value:
            case float() | tuple() if attribute.type in (AttributeProto.FLOAT, AttributeProto.FLOATS):
                self._add(_number(name, "F32", np.array(value, dtype=np.float32)))
            case int() | tuple() if attribute.type in (AttributeProto.INT, AttributeProto.INTS):
                self._add(_number(name, "I64", np.array(value, dtype=np.int64)))
            case _:
                return False
        return True

    def _add_dense(self, proto: TensorProto, name: str) -> None:
        if is_text(proto):
            self.texts.append(name)
        else:
            self._add(self.reader.dense(proto, name))

    def _add(self, tensor: Tensor) -> None:
        if tensor.name in self.tensors:
            raise ArchitectureMismatchError(f"two tensors of the model are called {tensor.name!r}")
        self.tensors[tensor.name] = tensor


def plain_domain(domain: str) -> str:
    """ONNX's own operators have two spellings of their domain, "" and "ai.onnx"; the first is used."""
    return "" if domain == "ai.onnx" else domain


def _number(name: str, dtype: str, array: np.ndarray) -> Tensor:
    array.flags.writeable = False
    return Tensor(name=name, dtype=dtype, shape=array.shape, load=lambda: array)


def _type(attribute: AttributeProto) -> int:
    if attribute.type != AttributeProto.UNDEFINED:
        return attribute.type
    for name, kind in _UNTYPED.items():
        if attribute.HasField(name):
            return kind
    lists = {"floats": AttributeProto.FLOATS, "ints": AttributeProto.INTS, "strings": AttributeProto.STRINGS}
    return next((kind for name, kind in lists.items() if len(getattr(attribute, name))), AttributeProto.UNDEFINED)


def _plain(attribute: AttributeProto) -> Attribute | None:
    """The attribute's number, text or list of them; None when it is a tensor, a graph or a reference."""
    match _type(attribute):
        case AttributeProto.FLOAT:
            return attribute.f
        case AttributeProto.INT:
            return attribute.i
        case AttributeProto.STRING:
            return _text(attribute.s)
        case AttributeProto.FLOATS:
            return tuple(attribute.floats)
        case AttributeProto.INTS:
            return tuple(attribute.ints)
        case AttributeProto.STRINGS:
            return tuple(_text(value) for value in attribute.strings)
        case _:
            return None


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="backslashreplace")


def _tensors(attribute: AttributeProto) -> list[tuple[str, TensorProto | SparseTensorProto]]:
    """The attribute's tensors, keyed like the attribute; several get a number."""
    found: list[tuple[str, TensorProto | SparseTensorProto]] = []
    if attribute.HasField("t"):
        found.append((attribute.name, attribute.t))
    if attribute.HasField("sparse_tensor"):
        found.append((attribute.name, attribute.sparse_tensor))
    numbered: list[TensorProto | SparseTensorProto] = [*attribute.tensors, *attribute.sparse_tensors]
    return found + [(f"{attribute.name}[{number}]", proto) for number, proto in enumerate(numbered)]


def _graphs(attribute: AttributeProto) -> list[tuple[str, GraphProto]]:
    found = [(attribute.name, attribute.g)] if attribute.HasField("g") else []
    return found + [(f"{attribute.name}[{number}]", graph) for number, graph in enumerate(attribute.graphs)]


Visit = Callable[[NodeProto], None]


def visit_nodes(protos: Iterable[NodeProto], visit: Visit) -> None:
    """Calls `visit` for every node, those of nested graphs included. Depth is bounded by the wire scan."""
    for proto in protos:
        visit(proto)
        for attribute in proto.attribute:
            for _, graph in _graphs(attribute):
                visit_nodes(graph.node, visit)
