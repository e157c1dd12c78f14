"""An ONNX graph as plain values: operators, wiring and attributes, the weights left where they are."""

from collections.abc import Mapping
from dataclasses import dataclass

Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An input or output of the program. A size that is not fixed in the file is None."""

    name: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operator call. An empty string in `inputs` is an input left out. Tensor attributes are in the checkpoint."""

    name: str
    operator: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The main graph of a model, in the order of the file. Values named like a tensor of the checkpoint are constants."""

    opset: int
    producer: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    nodes: tuple[Node, ...]
