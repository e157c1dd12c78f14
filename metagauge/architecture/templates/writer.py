"""Writes a program in ONNX's vocabulary, for networks whose files hold weights and no graph."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.program import Attribute, Node, Port, Program
from metagauge.checkpoint.tensor import Tensor
from metagauge.errors import LimitExceededError, TensorMissingError

OPSET = 20
"""The version of ONNX's operators that is written: the first with Gelu."""

_PRODUCER = "metagauge template"
_CONSTANT = "template/constant"
_NODES = 500_000
"""Nodes of one program, so that no sizes in a configuration make us write without end."""
_CONSTANT_VALUES = 1 << 26
"""Elements of one constant (256 MiB of float32)."""
_SHOWN = 4

_DTYPES: Mapping[str, str] = {
    "float32": "F32",
    "float64": "F64",
    "int64": "I64",
    "int32": "I32",
    "bool": "BOOL",
    "uint8": "U8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A finished program, the arrays it computes with besides the checkpoint's tensors, and which of those it uses."""

    program: Program
    constants: Mapping[str, np.ndarray]
    consumed: frozenset[str]

    def attach(self, checkpoint: Checkpoint) -> Checkpoint:
        """`checkpoint` as if its file had held this program: the constants are tensors of it from here on."""
        constants = {name: _constant_tensor(name, array) for name, array in self.constants.items()}
        return replace(checkpoint, program=self.program, tensors={**checkpoint.tensors, **constants})


@dataclass(slots=True, kw_only=True)
class ProgramWriter:
    """Gathers the nodes of a program over `tensors`, in execution order. Values are names."""

    tensors: Mapping[str, Tensor]
    _inputs: list[Port] = field(default_factory=list)
    _nodes: list[Node] = field(default_factory=list)
    _constants: dict[str, np.ndarray] = field(default_factory=dict)
    _known: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)
    _consumed: set[str] = field(default_factory=set)

    def given(self, name: str, shape: tuple[int, ...], dtype: str = "F32") -> str:
        """An input of the network; `dtype` is spelled as a tensor's."""
        self._inputs.append(Port(name=name, shape=shape, dtype=dtype))
        return name

    def constant(self, array: np.ndarray) -> str:
        """Numbers that belong to the wiring; equal ones share a name."""
        array = np.asarray(array)
        if array.size > _CONSTANT_VALUES:
            message = f"the template needs a table of {array.size} numbers, of shape {list(array.shape)}"
            raise LimitExceededError(f"{message}; the limit is {_CONSTANT_VALUES}")
        key = (array.dtype.name, array.shape, array.tobytes())
        name = self._known.get(key)
        if name is None:
            name = f"{_CONSTANT}/{len(self._constants)}"
            self._known[key] = name
            self._constants[name] = array
        return name

    def tensor(self, name: str) -> str:
        """A tensor of the checkpoint, which counts as consumed from now on.

        Raises:
            TensorMissingError: the checkpoint has no tensor of this name.
        """
        if name not in self.tensors:
            raise TensorMissingError(
                f"the template needs tensor {name!r}, which the file does not have{self._near(name)}"
            )
        self._consumed.add(name)
        return name

    def op(self, operator: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """One operator with one output, whose name this is; an empty input is one left out."""
        return self.ops(operator, *inputs, outputs=1, domain=domain, **attributes)[0]

    def ops(
        self, operator: str, *inputs: str, outputs: int, domain: str = "", **attributes: Attribute
    ) -> tuple[str, ...]:
        """One operator with several outputs: their names."""
        if len(self._nodes) >= _NODES:
            raise LimitExceededError(f"the template would write more than {_NODES} operators: the sizes are too large")
        stem = f"template/{operator.lower()}/{len(self._nodes)}"
        names = (stem,) if outputs == 1 else tuple(f"{stem}/{index}" for index in range(outputs))
        node = Node(
            name=stem, operator=operator, domain=domain, inputs=inputs, outputs=names, attributes=dict(attributes)
        )
        self._nodes.append(node)
        return names

    def finish(self, *outputs: str) -> Draft:
        """The program that returns `outputs`, the one that is judged first."""
        program = Program(
            opset=OPSET,
            producer=_PRODUCER,
            inputs=tuple(self._inputs),
            outputs=tuple(Port(name=name, shape=None) for name in outputs),
            nodes=tuple(self._nodes),
        )
        return Draft(program=program, constants=dict(self._constants), consumed=frozenset(self._consumed))

    def _near(self, name: str) -> str:
        """Tensors whose names end like the missing one, as a help to see another spelling."""
        end = ".".join(name.split(".")[-2:])
        near = [other for other in self.tensors if other.endswith(end)][:_SHOWN]
        return f"; it has {', '.join(repr(other[:100]) for other in near)}" if near else ""


def _constant_tensor(name: str, array: np.ndarray) -> Tensor:
    return Tensor(name=name, dtype=_DTYPES[array.dtype.name], shape=array.shape, load=lambda: array)
