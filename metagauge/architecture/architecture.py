"""An architecture: typed layers and how they are wired, without the weights."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from metagauge.architecture.layers import Layer
from metagauge.architecture.parameter import FORBID_EXTRA

Layout = Literal["map", "sequence", "vector"]
Rung = Literal["graph", "declared", "config", "template", "chain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the structure came from: the rung of the ladder, and what had to be assumed to get there."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    rung: Rung
    assumed: tuple[str, ...] = ()

    @property
    def guessed(self) -> tuple[str, ...]:
        """What of it another network with the same tensors may do otherwise: all that a bare chain assumes.

        Its tensors have the names of no family, so that nothing says what is between its layers.
        """
        return self.assumed if self.rung == "chain" else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One layer in place. It reads the named values, and its output is the value called `name`."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    name: str
    inputs: tuple[str, ...]
    layer: Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """A piece of the source file that has no layer kind, and the tensors that are lost with it."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    operator: str
    name: str
    tensors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A directed acyclic network. `operations` is in execution order; the last one's value is the output.

    `input_shape` has no batch axis and is read as `input_layout` says: a map (channels, *positions), as images are, a
    sequence (tokens, features) or a vector (features,). The value called `input_name` is given.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    input_name: str = "input"
    input_shape: tuple[int, ...]
    input_layout: Layout = "map"
    operations: tuple[Operation, ...]
    provenance: Provenance = field(default_factory=lambda: Provenance(rung="declared"))
    unsupported: tuple[Unsupported, ...] = ()
    constants: tuple[str, ...] = ()
    """Tensors of the source file that are wiring written as numbers, such as masks and fillers of ones, and that the
    layers already stand for."""
