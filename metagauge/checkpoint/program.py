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


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a node or function holds inside: a graph we do not turn into nodes, but whose contents are accounted for."""

    nodes: int
    """Operator calls in it, nested bodies included."""
    tensors: tuple[str, ...]
    """Names of its tensors in the checkpoint."""
    captures: tuple[str, ...] = ()
    """Values of the surrounding graph it reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function that the file defines: nodes whose domain, operator and overload are these stand for its body."""

    domain: str
    name: str
    overload: str
    body: Body


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
    bodies: Mapping[str, Body] = field(default_factory=dict)
    """Graph attributes (the branches of If, the body of Loop and Scan) by the attribute's name."""
    overload: str = ""


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
