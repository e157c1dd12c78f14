"""From a module to the program it runs, and the tensors which that program names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import getitem

import torch
from torch import fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch.fx.node import Argument as Constant

from metagauge.architecture.onnx.lifting import READ_LIMIT
from metagauge.architecture.operators.source import NumberKind
from metagauge.checkpoint.program import Port, Program
from metagauge.checkpoint.tensor import Tensor
from metagauge.declare.call import Argument, Call, Value
from metagauge.declare.exported import exported
from metagauge.declare.operators import OPERATORS
from metagauge.declare.samples import Samples
from metagauge.declare.stored import shared_names, stored, tensors_of
from metagauge.declare.writing import Writer
from metagauge.errors import StructureNotInferableError

_INPUT = "input."
_UNKNOWN = "is an operator that this exporter does not write; an ONNX export may have it"
_DTYPES: Mapping[NumberKind, str] = {"float": "F32", "int": "I64", "bool": "BOOL"}
_OPSET = 23
"""ONNX operators are written as this operator set defines them: the first one with attention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A program, the module's own tensors by the names of its state dict, and the constants of the program."""

    program: Program
    tensors: Mapping[str, Tensor]
    constants: Mapping[str, Tensor]


def trace(module: nn.Module, samples: Samples, *, every_output: bool) -> Trace:
    """The program that `module` runs on these samples, in evaluation mode, with its first output or with all of them.

    Raises:
        StructureNotInferableError: it cannot be traced, or has an operator that no layer stands for.
    """
    graph = exported(module, samples, OPERATORS)
    own = tensors_of(module)
    names = shared_names(own)
    held = {name: stored(name, tensor) for name, tensor in own.items() if names[name] == name}
    tracing = _Tracing(graph, names, every_output=every_output)
    program = tracing.program()
    tensors = {name: tensor for name, tensor in held.items() if tensor is not None}
    return Trace(program=program, tensors=tensors, constants=tracing.writer.constants)


class _Tracing:
    """One walk through a graph. A node gives named values, or is computed at once where it only reads constants."""

    def __init__(self, exported_program: ExportedProgram, names: Mapping[str, str], *, every_output: bool) -> None:
        self.writer = Writer()
        self._exported = exported_program
        self._names = names
        self._every_output = every_output
        self._values: dict[fx.Node, tuple[Value, ...]] = {}
        self._constants: dict[fx.Node, Constant] = {}
        self._ports: list[Port] = []

    def program(self) -> Program:
        """The whole graph."""
        specified = {spec.arg.name: spec for spec in self._exported.graph_signature.input_specs}
        for node in self._exported.graph.nodes:
            if node.op == "placeholder":
                self._given(node, specified[node.name].kind, specified[node.name].target)
            elif node.op == "call_function" and node.users:
                self._called(node)
        outputs = self._outputs()  # which may write constants
        return Program(
            opset=_OPSET,
            producer="torch",
            inputs=tuple(self._ports),
            outputs=outputs if self._every_output else outputs[:1],
            nodes=tuple(self.writer.nodes),
        )

    def _given(self, node: fx.Node, kind: InputKind, target: str | None) -> None:
        if kind is InputKind.USER_INPUT:
            name = f"{_INPUT}{node.name}"
            if not isinstance(node.meta.get("val"), torch.Tensor):
                return  # a number or None that the call is given, which the graph has in its place
            value = _value(name, node.meta["val"])
            self._ports.append(Port(name=name, shape=value.shape, dtype=_DTYPES[value.numbers]))
            self._values[node] = (value,)
        elif kind is InputKind.CONSTANT_TENSOR and isinstance(
            held := self._exported.constants[target or ""], torch.Tensor
        ):
            self._constants[node] = held
        else:
            self._values[node] = (_value(self._names[target or ""], node.meta["val"]),)

    def _called(self, node: fx.Node) -> None:
        if node.target is getitem:
            source, index = node.args
            assert isinstance(source, fx.Node) and isinstance(index, int)  # noqa: S101 - how fx spells results
            if source in self._constants:
                self._constants[node] = _item(self._constants[source], index)
            elif index >= len(self._values[source]):
                raise StructureNotInferableError(
                    f"{_operator(source)} in {_place(source)} is read for more than its values, such as where they are"
                )
            else:
                self._values[node] = (self._values[source][index],)
        elif all(source in self._constants for source in node.all_input_nodes):
            self._constants[node] = self._computed(node)
        else:
            self._values[node] = self._written(node)

    def _written(self, node: fx.Node) -> tuple[Value, ...]:
        write = OPERATORS.get(_operator(node))
        if write is None:
            raise StructureNotInferableError(f"{_operator(node)} in {_place(node)} {_UNKNOWN}")
        results = node.meta["val"]
        tensors = [each for each in (results if isinstance(results, Sequence) else (results,)) if each is not None]
        call = Call(
            operator=_operator(node),
            place=_place(node),
            arguments=self._arguments(node),
            results=tuple(_value("", tensor) for tensor in tensors),
        )
        names = write(self.writer, call)
        return tuple(_value(name, tensor) for name, tensor in zip(names, tensors, strict=False))

    def _computed(self, node: fx.Node) -> Constant:
        results = node.meta["val"]
        for tensor in results if isinstance(results, Sequence) else (results,):
            if isinstance(tensor, torch.Tensor) and tensor.numel() > READ_LIMIT:
                raise StructureNotInferableError(f"{_operator(node)} in {_place(node)} makes a large constant")
        arguments, options = fx.map_arg((node.args, dict(node.kwargs)), lambda source: self._constants[source])
        if not callable(node.target):
            raise StructureNotInferableError(f"{_operator(node)} in {_place(node)} {_UNKNOWN}")
        with torch.no_grad():
            return node.target(*arguments, **options)

    def _arguments(self, node: fx.Node) -> dict[str, Argument]:
        if not isinstance(node.target, torch._ops.OpOverload):
            raise StructureNotInferableError(f"{_operator(node)} in {_place(node)} {_UNKNOWN}")
        found: dict[str, Argument] = {}
        for number, argument in enumerate(node.target._schema.arguments):
            given = (
                node.args[number] if number < len(node.args) else node.kwargs.get(argument.name, argument.default_value)
            )
            found[argument.name] = self._argument(given)
        return found

    def _argument(self, given: object) -> Argument:
        match given:
            case fx.Node():
                return self._read(given)
            case bool() | int() | float() | str() | None:
                return given
            case list() | tuple():
                return tuple(self._argument(item) for item in given)
            case _:
                return None  # devices, dtypes and layouts, which change no structure

    def _read(self, node: fx.Node) -> Value:
        if node in self._constants:
            tensor = self._constants[node]
            assert isinstance(tensor, torch.Tensor)  # noqa: S101 - what an operator computes from constants
            self._values[node] = (_value(self.writer.constant(tensor.detach().cpu().numpy()), tensor),)
            del self._constants[node]
        return self._values[node][0]

    def _outputs(self) -> tuple[Port, ...]:
        nodes = {node.name: node for node in self._exported.graph.nodes}
        specs = self._exported.graph_signature.output_specs
        names = (spec.arg.name for spec in specs if spec.kind is OutputKind.USER_OUTPUT)
        returned = [nodes[name] for name in names if name in nodes]
        if not returned:
            raise StructureNotInferableError("the module returns no tensor")
        return tuple(Port(name=self._read(node).name, shape=tuple(node.meta["val"].shape)) for node in returned)


def _value(name: str, tensor: torch.Tensor) -> Value:
    kind: NumberKind = "float" if tensor.is_floating_point() else "bool" if tensor.dtype == torch.bool else "int"
    return Value(name=name, shape=tuple(tensor.shape), numbers=kind)


def _item(results: Constant, index: int) -> Constant:
    assert isinstance(results, Sequence)  # noqa: S101 - how fx spells results
    return results[index]


def _operator(node: fx.Node) -> str:
    return str(node.target)


def _place(node: fx.Node) -> str:
    """The innermost module that made the call."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path, kind = stack[-1] if stack else ("", "the module")
    name = kind if isinstance(kind, str) else kind.__name__
    return f"{path!r} ({name.rpartition('.')[2]})" if path else name.rpartition(".")[2]
