"""Loops of a dataflow: which values one turn computes anew."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.control import Carry


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """What is carried from turn to turn, as pairs of what a turn begins with and what it leaves."""

    name: str
    turns: int
    """0 where it depends on what the network is given."""
    carried: tuple[Step, ...]
    depending: frozenset[str]
    """All values that depend on what is carried; a turn computes them anew."""

    @property
    def following(self) -> tuple[str, ...]:
        """What a turn leaves, in the order of `carried`."""
        return tuple(step.inputs[1] for step in self.carried)


def loops(dataflow: Dataflow) -> Mapping[str, Loop]:
    """The loop of each carried value, by the value's name."""
    carried: dict[str, list[Step]] = defaultdict(list)
    for step in dataflow.steps:
        if isinstance(step.operator, Carry):
            carried[step.operator.loop].append(step)
    readers: dict[str, list[Step]] = defaultdict(list)
    if carried:
        for step in dataflow.steps:
            for name in step.inputs:
                readers[name].append(step)
    found: dict[str, Loop] = {}
    for name, steps in carried.items():
        own = {step.outputs[0] for step in steps}
        turns = max(step.operator.turns for step in steps if isinstance(step.operator, Carry))
        loop = Loop(name=name, turns=turns, carried=tuple(steps), depending=_depending(own, readers) - own)
        found |= dict.fromkeys(own, loop)
    return found


def _depending(names: Iterable[str], readers: Mapping[str, list[Step]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        for step in readers.get(waiting.pop(), ()):
            new = set(step.outputs) - found
            found |= new
            waiting.extend(new)
    return frozenset(found)
