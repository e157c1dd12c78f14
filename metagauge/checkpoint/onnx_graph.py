"""ONNX graphs as plain values: nodes and bodies, with every tensor they hold collected beside them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from onnx import AttributeProto, FunctionProto, GraphProto, NodeProto, SparseTensorProto, TensorProto

from metagauge.checkpoint.onnx_attributes import attribute_graphs, attribute_tensors, attribute_type, plain_value
from metagauge.checkpoint.onnx_order import in_order
from metagauge.checkpoint.onnx_port import port
from metagauge.checkpoint.onnx_tensor import TensorReader, is_text
from metagauge.checkpoint.program import Attribute, Body, Function, Node, Port
from metagauge.checkpoint.tensor import Tensor
from metagauge.errors import ArchitectureMismatchError


@dataclass(slots=True, kw_only=True)
class _Scope:
    """The graph being read. Tensors that it defines are called `prefix` and their own name in the checkpoint."""

    prefix: str = ""
    constants: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class GraphReader:
    """Reads graphs one after the other; `tensors` and `texts` gather what they hold.

    Tensors of the main graph keep their names. Those of bodies are called after the node or function around them.
    """

    reader: TensorReader
    tensors: dict[str, Tensor] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    """Names of string tensors, which are no tensors of a checkpoint."""
    order: list[str] = field(default_factory=list)
    """Names of `tensors`, to be cut where a body begins."""

    def nodes(self, graph: GraphProto) -> tuple[Node, ...]:
        """The operators of the main `graph` in the order of the file, without its `Constant` nodes."""
        scope = _Scope()
        self._initializers(graph, scope)
        return self._nodes(graph.node, scope)

    def function(self, proto: FunctionProto) -> Function:
        """A local function. Its tensors are called after it, and attributes of a call stay references.

        Raises:
            ArchitectureMismatchError: a value of it has two sources, or needs itself.
        """
        prefix = f"{proto.domain}::{proto.name}{':' * bool(proto.overload)}{proto.overload}/"
        before, scope = len(self.order), _Scope(prefix=prefix)
        inputs = tuple(Port(name=name, shape=None) for name in proto.input)
        outputs = tuple(Port(name=name, shape=None) for name in proto.output)
        defaults: dict[str, Attribute] = {}
        default_tensors: dict[str, str] = {}
        for attribute in proto.attribute_proto:
            value = plain_value(attribute)
            if value is not None:
                defaults[attribute.name] = value
            default_tensors |= self._attribute_tensors(attribute, prefix.removesuffix("/"))
        body = self._body(inputs, outputs, self._nodes(proto.node, scope), scope, before)
        return Function(
            domain=plain_domain(proto.domain),
            name=proto.name,
            overload=proto.overload,
            body=body,
            opset=max((entry.version for entry in proto.opset_import if plain_domain(entry.domain) == ""), default=0),
            attributes=(*proto.attribute, *(attribute.name for attribute in proto.attribute_proto)),
            defaults=defaults,
            default_tensors=default_tensors,
        )

    def _graph(self, graph: GraphProto, prefix: str, is_branch: bool) -> Body:
        """A graph that a node holds. What a branch of `If` lists as inputs it can only have from around it."""
        before, scope = len(self.order), _Scope(prefix=prefix)
        self._initializers(graph, scope)
        nodes = self._nodes(graph.node, scope)
        given = () if is_branch else tuple(port(value) for value in graph.input if value.name not in scope.constants)
        return self._body(given, tuple(port(value) for value in graph.output), nodes, scope, before)

    def _body(
        self, inputs: tuple[Port, ...], outputs: tuple[Port, ...], nodes: Sequence[Node], scope: _Scope, before: int
    ) -> Body:
        own = {*(each.name for each in inputs), *scope.constants, *scope.texts}
        read = {name for node in nodes for name in node.inputs} | {each.name for each in outputs}
        read |= {name for node in nodes for body in node.bodies.values() for name in body.captures}
        captures = read - own - {name for node in nodes for name in node.outputs} - {""}
        return Body(
            inputs=inputs,
            outputs=outputs,
            nodes=in_order(nodes, own | captures),
            constants=scope.constants,
            tensors=tuple(self.order[before:]),
            captures=tuple(sorted(captures)),
        )

    def _initializers(self, graph: GraphProto, scope: _Scope) -> None:
        for proto in graph.initializer:
            self._add_value(proto, proto.name, scope)
        for proto in graph.sparse_initializer:
            self._add_value(proto, proto.values.name, scope)

    def _nodes(self, protos: Iterable[NodeProto], scope: _Scope) -> tuple[Node, ...]:
        return tuple(self._node(proto, scope.prefix) for proto in protos if not self._take_constant(proto, scope))

    def _node(self, proto: NodeProto, prefix: str) -> Node:
        attributes: dict[str, Attribute] = {}
        tensors: dict[str, str] = {}
        bodies: dict[str, Body] = {}
        references: dict[str, str] = {}
        seen: set[str] = set()
        owner = prefix + next((name for name in proto.output if name), proto.name)
        is_branch = proto.op_type == "If" and plain_domain(proto.domain) == ""
        for attribute in proto.attribute:
            if attribute.name in seen:
                message = f"node {owner!r} ({proto.op_type}) has the attribute {attribute.name!r} twice"
                raise ArchitectureMismatchError(message)
            seen.add(attribute.name)
            for key, graph in attribute_graphs(attribute):
                bodies[key] = self._graph(graph, f"{owner}/{key}/", is_branch)
            tensors |= self._attribute_tensors(attribute, owner)
            value = plain_value(attribute)
            if value is not None:
                attributes[attribute.name] = value
            if attribute.ref_attr_name:
                references[attribute.name] = attribute.ref_attr_name
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
            references=references,
        )

    def _attribute_tensors(self, attribute: AttributeProto, owner: str) -> dict[str, str]:
        names = {key: f"{owner}.{key}" for key, _ in attribute_tensors(attribute)}
        for key, proto in attribute_tensors(attribute):
            self._add_tensor(proto, names[key])
        return names

    def _take_constant(self, proto: NodeProto, scope: _Scope) -> bool:
        """Whether `proto` is a `Constant` whose value is now a tensor, named like its output."""
        if proto.op_type != "Constant" or plain_domain(proto.domain) or len(proto.output) != 1:
            return False
        if len(proto.attribute) != 1 or proto.attribute[0].ref_attr_name:
            return False
        (attribute,), (name,) = proto.attribute, proto.output
        for _, tensor in attribute_tensors(attribute):
            self._add_value(tensor, name, scope)
            return True
        value = plain_value(attribute)
        match value:
            case float() | tuple() if attribute_type(attribute) in (AttributeProto.FLOAT, AttributeProto.FLOATS):
                self.add(_number(scope.prefix + name, "F32", np.array(value, dtype=np.float32)))
            case int() | tuple() if attribute_type(attribute) in (AttributeProto.INT, AttributeProto.INTS):
                self.add(_number(scope.prefix + name, "I64", np.array(value, dtype=np.int64)))
            case _:
                return False
        scope.constants[name] = scope.prefix + name
        return True

    def _add_value(self, proto: TensorProto | SparseTensorProto, name: str, scope: _Scope) -> None:
        if self._add_tensor(proto, scope.prefix + name):
            scope.constants[name] = scope.prefix + name
        else:
            scope.texts.append(name)

    def _add_tensor(self, proto: TensorProto | SparseTensorProto, name: str) -> bool:
        """Whether it is one of numbers."""
        match proto:
            case SparseTensorProto():
                self.add(self.reader.sparse(proto, name))
            case TensorProto() if is_text(proto):
                self.texts.append(name)
                return False
            case TensorProto():
                self.add(self.reader.dense(proto, name))
        return True

    def add(self, tensor: Tensor) -> None:
        """Registers a tensor.

        Raises:
            ArchitectureMismatchError: another one has its name.
        """
        if tensor.name in self.tensors:
            raise ArchitectureMismatchError(f"two tensors of the model are called {tensor.name!r}")
        self.tensors[tensor.name] = tensor
        self.order.append(tensor.name)


def plain_domain(domain: str) -> str:
    """ONNX's own operators have two spellings of their domain, "" and "ai.onnx"; the first is used."""
    return "" if domain == "ai.onnx" else domain


def _number(name: str, dtype: str, array: np.ndarray) -> Tensor:
    array.flags.writeable = False
    return Tensor(name=name, dtype=dtype, shape=array.shape, load=lambda: array)


Visit = Callable[[NodeProto], None]


def visit_nodes(protos: Iterable[NodeProto], visit: Visit) -> None:
    """Calls `visit` for every node, those of nested graphs included. Depth is bounded by the wire scan."""
    for proto in protos:
        visit(proto)
        for attribute in proto.attribute:
            for _, graph in attribute_graphs(attribute):
                visit_nodes(graph.node, visit)
