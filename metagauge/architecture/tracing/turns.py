"""A loop to be traced: its body, what it carries, what it goes over and what it collects."""

from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np

from metagauge.architecture.operators.elementwise import Unary
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Reshape
from metagauge.architecture.tracing.states import Numbers, State, Tensorlike, shape_of
from metagauge.architecture.tracing.tracing import Tracing
from metagauge.checkpoint.program import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A part of a scanned value: one place along `axis`, the last first if `reverse`."""

    value: Tensorlike
    axis: int
    reverse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """A loop to be traced. Its body gets what is carried and the scanned elements.

    It gives what is carried on, and one element of each collected output.
    """

    name: str
    body: Body
    counted: bool
    """Whether the body also gets the turn's number and the condition first, and gives the condition first."""
    carried: tuple[State, ...]
    scanned: tuple[Element, ...] = ()
    collected: tuple[tuple[int, bool], ...] = ()
    """Axis and direction of each output that is collected over the turns."""


def turn_inputs(
    tracing: Tracing, loop: Turns, carried: Items[State], turn: Tensorlike, turns: int | None
) -> list[State | None]:
    """What the body gets in a turn."""
    elements = [_element(tracing, element, turn, turns) for element in loop.scanned]
    counted = [turn, Numbers(array=np.array(True))] if loop.counted else []
    return [*counted, *carried, *elements]


def _element(tracing: Tracing, element: Element, turn: Tensorlike, turns: int | None) -> Tensorlike:
    place = turn
    if element.reverse and turns is not None:
        place = tracing.apply(Unary(function="affine", alpha=-1.0, beta=turns - 1.0), turn)
        place = Numbers(array=place.array.astype(np.int64)) if isinstance(place, Numbers) else place
    return tracing.apply(Gather(axis=element.axis), element.value, place)


def with_axis(tracing: Tracing, state: Tensorlike, axis: int) -> Tensorlike:
    """A new axis of size one."""
    shape = shape_of(state)
    axis %= len(shape) + 1
    return tracing.apply(Reshape(shape=(*shape[:axis], 1, *shape[axis:])), state)
