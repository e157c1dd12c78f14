"""An ONNX graph as plain values: operators, wiring and attributes, the weights left where they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An input or output of the program.

    A size that is not fixed in the file is None; so is the whole shape of a value whose rank the file does not say or
    which is no tensor. `dtype` is spelled as a tensor's, and empty where the file does not say.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str = ""
    symbols: tuple[str, ...] = ()
    """What the file calls each axis ("batch", "sequence"), empty where it has no name; as long as the shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operator call. An empty string in `inputs` is an input left out."""

    name: str
    operator: str
    domain: str
    """Empty for ONNX's own operators, however the file spells that."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    tensors: Mapping[str, str] = field(default_factory=dict)
    """Tensor attributes: the attribute's name, and the tensor's name in the checkpoint."""
    bodies: Mapping[str, "Body"] = field(default_factory=dict)
    """Graph attributes (the branches of If, the body of Loop and Scan) by the attribute's name."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Inside a function: attributes that are those of the call, and what they are called there."""
    overload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A graph inside a node, or what a function does.

    Its names mean its own values first, and then those of the graphs around it. Nodes are in execution order, without
    the `Constant` nodes that hold a tensor.
    """

    inputs: tuple[Port, ...]
    """What the node gives, in its order; inputs that an initializer fills are not among them."""
    outputs: tuple[Port, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, str]
    """Values that are tensors: their name here, and the tensor's name in the checkpoint."""
    tensors: tuple[str, ...]
    """Names in the checkpoint of all tensors in it, nested bodies and tensor attributes included."""
    captures: tuple[str, ...] = ()
    """Values of the surrounding graphs it reads. Some exporters list them among the inputs of the branches of If."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function that the file defines: nodes whose domain, operator and overload are these stand for its body."""

    domain: str
    name: str
    overload: str
    body: Body
    """Inputs and outputs by their place in a call; without captures, unless the file is broken."""
    opset: int
    """Version of ONNX's own operators that its nodes mean; 0 where the file does not say."""
    attributes: tuple[str, ...] = ()
    """Attributes that a call may give."""
    defaults: Mapping[str, Attribute] = field(default_factory=dict)
    """Numbers and texts of attributes that a call leaves out."""
    default_tensors: Mapping[str, str] = field(default_factory=dict)
    """Tensors of attributes that a call leaves out, by their name in the checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The main graph of a model.

    Every node comes after the nodes whose outputs it reads. Values named like a tensor of the checkpoint are constants:
    initializers, and what `Constant` nodes hold, which are therefore no nodes here. Inputs are those the caller has to
    give: an input that an initializer fills is not among them.
    """

    opset: int
    producer: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    nodes: tuple[Node, ...]
    functions: tuple[Function, ...] = ()
