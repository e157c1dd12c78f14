"""An architecture while it is being written: layers are only added; what nothing reads is left out at the end."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from metagauge.architecture.architecture import Operation
from metagauge.architecture.layers import Attention, Layer, Linear
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.values import Value, output_value
from metagauge.errors import StructureNotInferableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Attention that still lacks its output layer."""

    source: str
    heads: int
    query: Linear
    key: Linear
    value: Linear
    causal: bool


class Draft:
    """Layers by the name of their value, and the value of each.

    The same layer of the same values is the same value, so asking twice for an image's tokens makes one layer.
    """

    def __init__(self, input_name: str, given: Value, shape_of: Callable[[Parameter], tuple[int, ...]]) -> None:
        self.input_name = input_name
        self._shape_of = shape_of
        self._values = {input_name: given}
        self._operations: dict[str, Operation] = {}
        self._contexts: dict[str, Context] = {}
        self._names: dict[tuple[Layer | Context, tuple[str, ...]], str] = {}

    def value(self, name: str) -> Value:
        """Layout and shape of a value."""
        return self._values[name]

    def operation(self, name: str) -> Operation | None:
        """The layer that makes a value; None for the input and for attention without its output layer."""
        return self._operations.get(name)

    def context(self, name: str) -> Context | None:
        """The attention that makes a value which still lacks its output layer."""
        return self._contexts.get(name)

    def add(self, layer: Layer, *inputs: str) -> str:
        """The value of `layer` on these values.

        Raises:
            ArchitectureMismatchError: the layer does not fit what it reads.
            StructureNotInferableError: it reads attention that has no output layer.
        """
        for name in inputs:
            if name in self._contexts:
                raise StructureNotInferableError(f"attention is read by a {layer.kind} without an output projection")
        if (layer, inputs) not in self._names:
            name = f"value_{len(self._values)}"
            operation = Operation(name=name, inputs=inputs, layer=layer)
            self._values[name] = output_value(operation, tuple(self._values[i] for i in inputs), self._shape_of)
            self._operations[name] = operation
            self._names[layer, inputs] = name
        return self._names[layer, inputs]

    def add_context(self, context: Context, tokens: int, features: int) -> str:
        """The value of attention before its output layer: (tokens, features)."""
        if (context, ()) not in self._names:
            name = f"value_{len(self._values)}"
            self._values[name] = Value(layout="sequence", shape=(tokens, features))
            self._contexts[name] = context
            self._names[context, ()] = name
        return self._names[context, ()]

    def project(self, source: str, layer: Linear) -> str:
        """The value of a linear layer; behind attention it is the attention's output layer."""
        context = self._contexts.get(source)
        if context is None:
            return self.add(layer, source)
        attention = Attention(
            heads=context.heads,
            query=context.query,
            key=context.key,
            value=context.value,
            output=layer,
            causal=context.causal,
        )
        return self.add(attention, context.source)

    def finished(self, output: str) -> tuple[Operation, ...]:
        """The layers that `output` depends on, in order, named by kind and number."""
        needed = {output}
        for operation in reversed(self._operations.values()):
            if operation.name in needed:
                needed.update(operation.inputs)
        kept = [operation for operation in self._operations.values() if operation.name in needed]
        names = {self.input_name: self.input_name}
        for operation in kept:
            names[operation.name] = f"{operation.layer.kind}_{len(names)}"
        return tuple(
            replace(operation, name=names[operation.name], inputs=tuple(names[name] for name in operation.inputs))
            for operation in kept
        )
