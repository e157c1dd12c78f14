"""A dataflow while it is rewritten: steps are added one after the other, and rules look back at those before."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.normal_form.effort import Effort
from metagauge.architecture.normal_form.grid import GRID
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.elementwise import Cast, Unpack, Where
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
)
from metagauge.architecture.operators.literal import pack, unpack
from metagauge.architecture.operators.movement import Expand
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.shapes import output_shapes
from metagauge.architecture.operators.source import Constant, Given, NumberKind, Weight
from metagauge.architecture.tracing.kinds import output_kinds

Shape = tuple[int, ...]

FOLD_ELEMENTS = 1 << 22
"""Most elements of a constant that is looked at: a mask of 2048 by 2048."""
_REWRITES = 64
"""Most times one step is rewritten in a round: no chain of rules is as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An operator and what it reads, which gives one value."""

    operator: Operator
    inputs: tuple[str, ...] = ()
    name: str = ""
    """The value's name, where it already has one."""


Rule = Callable[["Draft", Call], Call | str | None]
"""Another call with the same value, the name of a value that is the same, or None where the rule does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """A value as functions of one other each, element by element: their values on a grid, a row for each source."""

    sources: tuple[str, ...]
    values: np.ndarray

    def of(self, names: list[str]) -> np.ndarray:
        """The rows of these sources, in their order."""
        return self.values[[self.sources.index(name) for name in names]]


NO_CURVES = Curves(sources=(), values=np.zeros((0, GRID.size)))


@dataclass(kw_only=True)
class Draft:
    """Steps so far. `shapes` and `kinds` are those of all values; unknown ones are None or missing."""

    rules: Callable[[type], Sequence[Rule]]
    """Those that may apply to a kind of operator, in their order."""
    shapes: dict[str, Shape | None]
    kinds: dict[str, NumberKind]
    given_names: frozenset[str]
    """Values of the dataflow that is rewritten."""
    readers: Counter[str]
    """How often each value is read, by steps and by the caller."""
    steps: list[Step] = field(default_factory=list)
    live: set[str] = field(default_factory=set)
    """Values that depend on what the caller gives."""
    curves: dict[str, Curves] = field(default_factory=dict)
    """Of values that are computed element by element."""
    effort: Effort = field(default_factory=Effort)
    """What is left of it."""
    changes: int = 0
    _calls: dict[str, Call] = field(default_factory=dict)
    _numbered: dict[Call, str] = field(default_factory=dict)
    _aliases: dict[str, str] = field(default_factory=dict)
    _arrays: dict[str, np.ndarray] = field(default_factory=dict)
    _scalars: dict[str, float | bool | None] = field(default_factory=dict)
    candidates: Curves = NO_CURVES
    """Of the value that is being added."""
    _fresh: int = 0

    def add(self, step: Step) -> None:
        """Adds a step, or what the rules make of it."""
        inputs = tuple(self.resolve(name) if name else "" for name in step.inputs)
        if isinstance(step.operator, Choose) and self._choose(step.outputs, inputs):
            return
        if len(step.outputs) != 1 or isinstance(step.operator, Given | Carry | Opaque):
            self._append(replace(step, inputs=inputs))
            return
        name = step.outputs[0]
        found = self._settle(Call(operator=step.operator, inputs=inputs, name=name))
        if found != name:
            self.alias(name, found)

    def alias(self, name: str, same: str) -> None:
        """Readers of `name` read `same` from now on."""
        self._aliases[name] = same
        self.readers[same] += self.readers[name] - 1
        self.changes += 1

    def resolve(self, name: str) -> str:
        """The name under which a value is found now."""
        while name in self._aliases:
            name = self._aliases[name]
        return name

    def make(self, operator: Operator, *inputs: str) -> str:
        """The name of a value that a rule needs on its way."""
        return self._settle(Call(operator=operator, inputs=inputs))

    def number(self, number: float | bool) -> str:
        """A constant of one number, without axes."""
        return self.array(np.array(number, dtype=np.bool_ if isinstance(number, bool) else np.float32))

    def array(self, array: np.ndarray) -> str:
        """A constant; one that is the same everywhere is expanded from one number."""
        if array.size > 1 and bool((array == array.flat[0]).all()):
            return self.make(Expand(shape=array.shape), self.array(np.asarray(array.flat[0])))
        constant = pack(array)
        self.effort.pack(len(constant.data))
        return self.make(constant)

    def call(self, name: str) -> Call | None:
        """The call that gives a value; None for a value of several outputs, and for what is given."""
        return self._calls.get(name)

    def is_constant(self, name: str) -> bool:
        """Whether a value is constants, and not too many; they are not looked at."""
        shape = self.shapes.get(name)
        match self.call(name):
            case Call(operator=Constant()):
                return shape is not None and prod(shape) <= FOLD_ELEMENTS
            case Call(operator=Expand(), inputs=(inner,)):
                return shape is not None and prod(shape) <= FOLD_ELEMENTS and self.is_constant(inner)
            case _:
                return False

    def constant(self, name: str) -> np.ndarray | None:
        """The numbers of a value, where they are constants and not too many."""
        shape = self.shapes.get(name)
        if not self.is_constant(name) or shape is None or not self.effort.look(prod(shape)):
            return None
        return self._numbers(name)

    def _numbers(self, name: str) -> np.ndarray | None:
        if name not in self._arrays:
            call, shape = self.call(name), self.shapes.get(name)
            match call:
                case Call(operator=Constant() as constant):
                    self._arrays[name] = unpack(constant)
                case Call(operator=Expand(), inputs=(inner,)) if shape is not None:
                    array = self._numbers(inner)
                    if array is None:
                        return None
                    self._arrays[name] = np.broadcast_to(array, shape)
                case _:
                    return None
        return self._arrays[name]

    def scalar(self, name: str) -> float | bool | None:
        """The number that a constant is everywhere."""
        if name not in self._scalars:
            match self.call(name):
                case Call(operator=Expand(shape=shape), inputs=(inner,)) if prod(shape):
                    self._scalars[name] = self.scalar(inner)
                case Call(operator=Constant()):
                    self._scalars[name] = self._one_number(name)
                case _:
                    return None
        return self._scalars[name]

    def _one_number(self, name: str) -> float | bool | None:
        array = self.constant(name)
        if array is None or array.size == 0 or (array.size > 1 and not bool((array == array.flat[0]).all())):
            return None
        return array.flat[0].item()

    def shape(self, name: str) -> Shape | None:
        """A value's shape, where it is known."""
        return self.shapes.get(name)

    def shape_of(self, call: Call) -> Shape | None:
        """The shape of what a call gives."""
        if call.name in self.shapes:
            return self.shapes[call.name]
        return output_shapes(call.operator, tuple(self.shapes.get(name) for name in call.inputs))[0]

    def kind(self, name: str) -> NumberKind | None:
        """What kind of numbers a value has."""
        return self.kinds.get(name)

    def is_read_once(self, name: str) -> bool:
        """Whether nothing else reads a value, as far as is known; a value made in this round may be read again."""
        return self.readers[name] == 1

    def finish(self, dataflow: Dataflow) -> Dataflow:
        """What the outputs need, and everything that is given, in the order of the steps."""
        outputs = tuple(self.resolve(name) for name in dataflow.outputs)
        steps = [
            replace(step, inputs=tuple(self.resolve(name) if name else "" for name in step.inputs))
            for step in self.steps
        ]
        makers = {name: step for step in steps for name in step.outputs}
        needed: set[str] = set()
        waiting = list(outputs)
        while waiting:
            name = waiting.pop()
            if name and name not in needed:
                needed.add(name)
                waiting.extend(makers[name].inputs)
        kept = []
        for step in steps:
            if isinstance(step.operator, Given) or not needed.isdisjoint(step.outputs):
                kept.append(step)
            elif step.outputs[0] in self.given_names:
                self.changes += 1
        return replace(dataflow, steps=tuple(kept), outputs=outputs)

    def _choose(self, outputs: tuple[str, ...], inputs: tuple[str, ...]) -> bool:
        """Takes the side of a choice that is known, if it has the shapes that were counted on."""
        condition = self.constant(inputs[0])
        if condition is None:
            return False
        taken = inputs[1 : 1 + len(outputs)] if condition.all() else inputs[1 + len(outputs) :]
        if any(self.shapes.get(name) != self.shapes.get(side) for name, side in zip(outputs, taken, strict=True)):
            return False
        for name, side in zip(outputs, taken, strict=True):
            self.alias(name, side)
        return True

    def _settle(self, call: Call) -> str:
        """The name of the value, after all rules."""
        for _ in range(_REWRITES):
            self.candidates = NO_CURVES
            rules = self.rules(type(call.operator))
            found = next((made for rule in rules if (made := rule(self, call)) is not None), None)
            if found is None:
                break
            if isinstance(found, str):
                return self.resolve(found)
            self.changes += 1
            call = replace(found, name=call.name)
        key = replace(call, name="")
        if key in self._numbered:
            return self._numbered[key]
        name = call.name or self._new_name()
        self._append(Step(outputs=(name,), operator=call.operator, inputs=call.inputs))
        self._calls[name] = replace(call, name=name)
        self._numbered[key] = name
        self.curves[name] = self.candidates
        return name

    def _append(self, step: Step) -> None:
        self.steps.append(step)
        missing = [name for name in step.outputs if name and name not in self.shapes]
        if missing:
            found = output_shapes(step.operator, tuple(self.shapes.get(name) for name in step.inputs))
            self.shapes.update(zip(step.outputs, found, strict=True))
        inputs = [name for name in step.inputs if name]
        known: list[NumberKind] = [self.kinds[name] for name in inputs if name in self.kinds]
        if len(known) == len(inputs) and step.outputs[0] not in self.kinds and not isinstance(step.operator, Weight):
            self.kinds.update(zip(step.outputs, output_kinds(step.operator, known, len(step.outputs)), strict=False))
        if isinstance(step.operator, Given | Opaque | Carry) or not self.live.isdisjoint(step.inputs):
            self.live.update(step.outputs)

    def _new_name(self) -> str:
        while True:
            self._fresh += 1
            name = f"normal_{self._fresh}"
            if name not in self.shapes and name not in self._calls:
                return name


def begin(
    dataflow: Dataflow,
    shapes: Mapping[str, Shape | None],
    kinds: Mapping[str, NumberKind],
    rules: Callable[[type], Sequence[Rule]],
    effort: Effort | None = None,
) -> Draft:
    """An empty draft that knows what is known of the dataflow's values."""
    readers = Counter(name for step in dataflow.steps for name in step.inputs)
    readers.update(dataflow.outputs)
    found: dict[str, NumberKind] = {}
    codes = dict(each for step in dataflow.steps for each in _codes(step))
    for step in dataflow.steps:
        if isinstance(step.operator, Weight):
            kind = codes.get(step.outputs[0], "float")
            found.update({step.outputs[0]: kind} if kind else {})
    names = frozenset(name for step in dataflow.steps for name in step.outputs)
    return Draft(
        rules=rules,
        shapes=dict(shapes),
        kinds={**found, **kinds},
        given_names=names,
        readers=readers,
        effort=effort or Effort(),
    )


def _codes(step: Step) -> list[tuple[str, NumberKind | None]]:
    """What the operator reads that may be other numbers than floats, and which; None where that cannot be told."""
    match step.operator:
        case Cast(numbers=numbers):
            return [(step.inputs[0], "int" if numbers == "float" else None)]
        case Unpack() | OneHot():
            return [(step.inputs[0], "int")]
        case Where() | Choose():
            return [(step.inputs[0], "bool")]
        case Gather() | GatherElements() | GatherND() | ScatterElements() | ScatterND():
            return [(step.inputs[1], "int")]
        case _:
            return []
