"""If: one side where the condition is known, both where it is not."""

from metagauge.architecture.operators.control import Choose
from metagauge.architecture.tracing.body import inline
from metagauge.architecture.tracing.states import Inputs, Sequence, State, Tensorlike, required
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Body, Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError


def branch(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State, ...]:
    """If."""
    condition = required(inputs, 0)
    sides = _body(node, "then_branch"), _body(node, "else_branch")
    if tracing.is_known(condition):
        return tuple(inline(tracing, sides[0 if tracing.number(condition) else 1], ()))
    yes, yes_misfits = _side(tracing, sides[0])
    no, no_misfits = _side(tracing, sides[1])
    if len(yes) != len(no):
        raise ArchitectureMismatchError(f"its branches give {len(yes)} and {len(no)} values")
    # With sizes that we assumed, one side may be at odds with itself: it is for other inputs than these.
    operator = Choose(shown=yes_misfits <= no_misfits and all(value.shape is not None for value in yes))
    # The condition is a value, so nothing of this is computed now, known numbers neither.
    return tuple(tracing.apply_many(operator, tracing.value(condition), *yes, *no))


def _side(tracing: Tracing, body: Body) -> tuple[list[Tensorlike], int]:
    before = tracing.misfits
    states = inline(tracing, body, ())
    values: list[Tensorlike] = [tracing.value(state) for state in states if not isinstance(state, Sequence)]
    if len(values) < len(states):
        raise StructureNotInferableError("one of its branches gives a list of tensors")
    return values, tracing.misfits - before


def _body(node: Node, name: str) -> Body:
    try:
        return node.bodies[name]
    except KeyError as error:
        raise ArchitectureMismatchError(f"it has no {name}") from error


def for_each(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State, ...]:
    """SequenceMap: its body for each item of a list."""
    items = inputs[0]
    if not isinstance(items, Sequence):
        raise StructureNotInferableError("the list it goes through is not known")
    rows: list[list[State]] = []
    for place in range(len(items.items)):
        given = [each.items[place] if isinstance(each, Sequence) else each for each in inputs]
        rows.append(inline(tracing, _body(node, "body"), given))
    return tuple(_listed([row[place] for row in rows]) for place in range(len(node.outputs)))


def _listed(states: list[State]) -> Sequence:
    tensors: list[Tensorlike] = [state for state in states if not isinstance(state, Sequence)]
    if len(tensors) < len(states):
        raise StructureNotInferableError("its body gives lists of tensors")
    return Sequence(items=tuple(tensors))


OPERATORS: Registry = {("", "If"): branch, ("", "SequenceMap"): for_each}
