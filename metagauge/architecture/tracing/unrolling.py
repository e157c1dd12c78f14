"""Short loops, one turn after the other."""

import numpy as np

from metagauge.architecture.operators.movement import Concat
from metagauge.architecture.tracing.body import inline
from metagauge.architecture.tracing.states import Numbers, Sequence, State, Tensorlike, shape_of
from metagauge.architecture.tracing.tracing import Tracing
from metagauge.architecture.tracing.turns import Turns, turn_inputs, with_axis
from metagauge.errors import StructureNotInferableError

UNROLLED = 4
"""Most turns that are written out one after the other."""
_COMPUTED = 256
"""Most turns of a loop that only computes numbers or gathers a list, which cannot be written as a circle."""
_UNROLLED_NODES = 20_000
"""Most nodes that turns written out may have in one program; loops that are met afterwards are written once."""


def unrolled(tracing: Tracing, loop: Turns, turns: int | None) -> tuple[State, ...] | None:
    """What the loop gives, if it is short: known to end, and after a few turns."""
    is_computed = all(isinstance(state, Numbers | Sequence) for state in loop.carried) and len(loop.carried) > 0
    most = _COMPUTED if is_computed or any(isinstance(state, Sequence) for state in loop.carried) else UNROLLED
    if turns is not None and turns > most:
        return None
    carried, rows, turn = loop.carried, [], 0
    while turns is None or turn < turns:
        tracing.unrolled += len(loop.body.nodes)
        if turn >= most or tracing.unrolled > _UNROLLED_NODES:
            return None
        states = inline(tracing, loop.body, turn_inputs(tracing, loop, carried, Numbers(array=np.array(turn)), turns))
        turn += 1
        goes_on: State = Numbers(array=np.array(True))
        if loop.counted:
            goes_on, *states = states
        if isinstance(goes_on, Sequence) or not tracing.is_known(goes_on):
            return None
        carried = tuple(states[: len(carried)])
        rows.append(states[len(carried) :])
        if most == _COMPUTED and not any(isinstance(state, Numbers | Sequence) for state in carried):
            most = UNROLLED
        if not tracing.number(goes_on):
            break
    collected = [
        _stacked(tracing, [row[place] for row in rows], axis, reverse)
        for place, (axis, reverse) in enumerate(loop.collected)
    ]
    return (*carried, *collected)


def _stacked(tracing: Tracing, states: list[State], axis: int, reverse: bool) -> Tensorlike:
    """Elements as one value, with the turns along `axis`."""
    rows: list[Tensorlike] = []
    for state in reversed(states) if reverse else states:
        if isinstance(state, Sequence):
            raise StructureNotInferableError("a loop collects lists of tensors")
        rows.append(with_axis(tracing, state, axis))
    if not rows:
        raise StructureNotInferableError("a loop without turns collects values")
    return tracing.apply(Concat(axis=axis % len(shape_of(rows[0]))), *rows) if len(rows) > 1 else rows[0]
