"""Operators that hold a dataflow of their own, and operators we only know by name."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from metagauge.architecture.parameter import FORBID_EXTRA


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """Of (condition, *values if true, *values if false): one side's values. Both sides are part of the dataflow.

    The two sides may differ in shape; the shapes taken are those of side `shown`.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["choose"] = "choose"
    shown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """Of (first, next): a value carried from one turn of a loop to the next; its steps are written once.

    `next` may come from a later step, the only place where a dataflow has a cycle. Its value is first's shape.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["carry"] = "carry"
    loop: str
    turns: int = 0
    """How many turns the loop takes; 0 where that depends on what the network is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """An operator of the source that we know by name only: its inputs are wired, what it computes is not known."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["opaque"] = "opaque"
    operator: str
    shapes: tuple[tuple[int, ...] | None, ...]
    """Of its outputs, None where unknown."""
    attributes: tuple[str, ...] = ()
    """`name=value`, for people and for the digest."""
