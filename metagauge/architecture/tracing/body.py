"""Tracing a graph inside a node: a branch, the body of a loop, a function."""

from collections.abc import Mapping, Sequence

from metagauge.architecture.tracing.scope import Scope
from metagauge.architecture.tracing.states import State
from metagauge.architecture.tracing.tracing import Tracing
from metagauge.checkpoint.program import Body
from metagauge.errors import ArchitectureMismatchError, LimitExceededError, StructureNotInferableError

DEPTH_LIMIT = 64
"""Most calls, loops and branches inside each other; hand-written models have a handful."""


def inline(tracing: Tracing, body: Body, given: Sequence[State | None], *, sees_outside: bool = True) -> list[State]:
    """Traces `body` once with these inputs, in its order, and gives its outputs.

    Raises:
        StructureNotInferableError: an output is nothing that can be followed, such as a text.
        ArchitectureMismatchError: there are more inputs than the body has.
        LimitExceededError: bodies are nested deeper than any network nests them.
    """
    if len(given) > len(body.inputs):
        raise ArchitectureMismatchError(f"{len(given)} values are given to a graph that takes {len(body.inputs)}")
    values = {port.name: state for port, state in zip(body.inputs, given, strict=False) if state is not None}
    scope = _inside(tracing.scope, body.constants, values, sees_outside)
    outside = tracing.scope
    try:
        tracing.follow(body.nodes, scope)
    finally:
        tracing.scope = outside
    found = [(port.name, tracing.find(port.name, scope)) for port in body.outputs]
    missing = next((name for name, state in found if state is None), None)
    if missing is not None:
        raise StructureNotInferableError(f"output {missing!r} of its body is no tensor that could be followed")
    return [state for _, state in found if state is not None]


def _inside(outside: Scope, constants: Mapping[str, str], values: dict[str, State], sees_outside: bool) -> Scope:
    if outside.depth >= DEPTH_LIMIT:
        raise LimitExceededError(f"calls, loops and branches are nested deeper than {DEPTH_LIMIT}")
    return Scope(constants=constants, values=values, outer=outside if sees_outside else None, depth=outside.depth + 1)
