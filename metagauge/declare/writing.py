"""A program while it is written: calls of PyTorch operators become nodes of ONNX operators."""

from collections.abc import Mapping, Sequence

import numpy as np

from metagauge.checkpoint.program import Attribute, Node
from metagauge.checkpoint.tensor import Tensor
from metagauge.declare.call import Call

_PREFIX = "constant."


class Writer:
    """Nodes in the order of execution, and the constants they read."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.constants: dict[str, Tensor] = {}
        self._made = 0

    def write(
        self,
        call: Call,
        operator: str,
        inputs: Sequence[str],
        attributes: Mapping[str, Attribute] | None = None,
        outputs: int = 1,
    ) -> tuple[str, ...]:
        """Adds a node that does a part of `call`; the names of its outputs."""
        names = tuple(f"{operator}.{self._made}.{number}" for number in range(outputs))
        self._made += 1
        name = f"{call.operator} in {call.place}"
        node = Node(
            name=name, operator=operator, domain="", inputs=tuple(inputs), outputs=names, attributes=attributes or {}
        )
        self.nodes.append(node)
        return names

    def integers(self, numbers: Sequence[int]) -> str:
        """A constant list of integers."""
        return self.constant(np.asarray(numbers, dtype=np.int64))

    def numbers(self, numbers: Sequence[float]) -> str:
        """A constant list of numbers."""
        return self.constant(np.asarray(numbers, dtype=np.float32))

    def integer(self, number: int) -> str:
        """A constant integer."""
        return self.constant(np.asarray(number, dtype=np.int64))

    def number(self, number: float) -> str:
        """A constant number."""
        return self.constant(np.asarray(number, dtype=np.float32))

    def constant(self, array: np.ndarray) -> str:
        """A constant of any shape, in the types that programs compute with: the name it got."""
        if array.dtype == np.bool_:
            dtype = "BOOL"
        elif np.issubdtype(array.dtype, np.integer):
            dtype, array = "I64", array.astype(np.int64)
        else:
            dtype, array = "F32", array.astype(np.float32)
        name = f"{_PREFIX}{len(self.constants)}"
        self.constants[name] = Tensor(name=name, dtype=dtype, shape=array.shape, load=lambda: array)
        return name
