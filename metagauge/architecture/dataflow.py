"""A dataflow: a network as operators on whole tensors, for everything that is not made of our layers alone.

`Architecture` says what a network is made of in layers, and `Dataflow` what it computes, one operator after another.
Both are structure without weights. A dataflow computes one sample: all its sizes are numbers.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from metagauge.architecture.architecture import Provenance, Unsupported
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.parameter import FORBID_EXTRA


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operator in place. It reads the named values (an empty name is an input left out) and names its outputs."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    outputs: tuple[str, ...]
    operator: Operator
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataflow:
    """Steps in execution order. What the caller gives are the steps whose operator is `Given`, in their order."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    """Values the network returns, the one that is judged first."""
    provenance: Provenance = field(default_factory=lambda: Provenance(rung="graph"))
    unsupported: tuple[Unsupported, ...] = ()
    constants: tuple[str, ...] = ()
    """Tensors of the source file that are wiring written as numbers and that the steps already stand for."""
