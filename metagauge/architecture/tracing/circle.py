"""Long loops, their steps once: what is carried from turn to turn is a circle."""

from dataclasses import dataclass

import numpy as np

from metagauge.architecture.operators.control import Carry
from metagauge.architecture.operators.elementwise import Binary, Unary, Where
from metagauge.architecture.operators.movement import Expand
from metagauge.architecture.tracing.body import inline
from metagauge.architecture.tracing.constants import READ_LIMIT
from metagauge.architecture.tracing.states import Numbers, Sequence, State, Tensorlike, Value, shape_of
from metagauge.architecture.tracing.tracing import Tracing
from metagauge.architecture.tracing.turns import Turns, turn_inputs, with_axis
from metagauge.errors import StructureNotInferableError

_ASSUMED = 4
"""Turns of a loop whose number depends on what the network is given."""


def circle(tracing: Tracing, loop: Turns, turns: int | None, active: Tensorlike | None) -> tuple[State, ...]:
    """The body's steps once. Carried values begin as `Carry`; collected ones are filled place by place."""
    if turns is None:
        tracing.assumed[f"loop {loop.name!r} takes {_ASSUMED} turns"] = None
    count = _ASSUMED if turns is None else turns
    name = loop.name[:200]
    tracing.loops[name] += 1
    again = f" {tracing.loops[name]}" if tracing.loops[name] > 1 else ""
    ring = _Circle(tracing=tracing, name=f"{name}{again}", turns=turns or 0)
    turn = ring.begin(Numbers(array=np.array(0)))
    is_active = ring.begin(active) if isinstance(active, Value) else None
    carried = [ring.begin(state) for state in loop.carried]
    states = inline(tracing, loop.body, turn_inputs(tracing, loop, carried, turn, count))
    following: list[Tensorlike] = []
    for state in states:
        if isinstance(state, Sequence):
            raise StructureNotInferableError("a loop gives lists of tensors")
        following.append(state)
    if loop.counted:
        goes_on, *following = following
        if not (isinstance(goes_on, Numbers) and bool(goes_on.array.all())):
            is_active = is_active or ring.begin(Numbers(array=np.array(True)))
            ring.end(is_active, tracing.apply(Binary(function="and"), is_active, goes_on))
        elif is_active is not None:
            ring.end(is_active, is_active)
    ring.end(turn, tracing.apply(Unary(function="affine", alpha=1.0, beta=1.0), turn))
    results: list[State] = []
    for begun, state in zip(carried, following, strict=False):
        _check_shape(begun, state)
        kept = state if is_active is None else tracing.apply(Where(), is_active, state, begun)
        results.append(ring.end(begun, kept))
    for (axis, reverse), state in zip(loop.collected, following[len(carried) :], strict=True):
        results.append(_filled(tracing, ring, with_axis(tracing, state, axis), axis, reverse, turn, count))
    return tuple(results)


def _check_shape(first: Value, then: Tensorlike) -> None:
    if then.shape is not None and first.shape is not None and then.shape != first.shape:
        message = f"a value that the loop carries has shape {list(first.shape)} first and {list(then.shape)} then"
        raise StructureNotInferableError(message)


def _filled(
    tracing: Tracing, ring: "_Circle", row: Tensorlike, axis: int, reverse: bool, turn: Value, count: int
) -> Tensorlike:
    """All rows, of which each turn sets its own."""
    shape = list(shape_of(row))
    axis %= len(shape)
    if count > READ_LIMIT:
        raise StructureNotInferableError(f"a loop collects {count} values")
    shape[axis] = count
    zero = {"float": np.float32(0), "int": np.int64(0), "bool": np.bool_(False)}[row.numbers]
    rows = ring.begin(tracing.apply(Expand(shape=tuple(shape)), tracing.value(Numbers(array=np.array(zero)))))
    places = np.arange(count)[::-1] if reverse else np.arange(count)
    own = Numbers(array=places.reshape([count if place == axis else 1 for place in range(len(shape))]))
    is_own = tracing.apply(Binary(function="equal"), own, turn)
    return ring.end(rows, tracing.apply(Where(), is_own, row, rows))


@dataclass(slots=True, kw_only=True)
class _Circle:
    """What one loop carries from turn to turn."""

    tracing: Tracing
    name: str
    turns: int

    def begin(self, first: State) -> Value:
        """The value that is `first` in the first turn."""
        if isinstance(first, Sequence):
            raise StructureNotInferableError("a loop carries a list of tensors")
        value = self.tracing.value(first)
        carry = self.tracing.apply(Carry(loop=self.name, turns=self.turns), value, value)
        return self.tracing.value(carry)

    def end(self, begun: Value, following: Tensorlike) -> Value:
        """Closes the circle: `following` is what the next turn begins with, and what the last one leaves."""
        value = self.tracing.value(following)
        _check_shape(begun, value)
        self.tracing.close(begun, value)
        return value
