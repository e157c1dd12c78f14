"""Which value a name means: bodies of loops and branches see the names around them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from metagauge.architecture.tracing.states import State


@dataclass(slots=True, kw_only=True)
class Scope:
    """Values of one graph by name.

    `constants` are the names that mean tensors of the checkpoint, by the tensor's name there. A name that is neither is
    looked up in `outer`.
    """

    constants: Mapping[str, str]
    values: dict[str, State] = field(default_factory=dict)
    outer: "Scope | None" = None
    depth: int = 0
    """Calls, loops and branches around it."""
