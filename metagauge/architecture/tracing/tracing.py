"""What the operators share while one program is traced: the steps so far, and what is known of each value."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import prod

import numpy as np

from metagauge.architecture.attributes import decimal
from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.control import Carry, Opaque
from metagauge.architecture.operators.literal import pack
from metagauge.architecture.operators.movement import Expand
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.shapes import output_shapes
from metagauge.architecture.operators.source import Given, NumberKind, Weight
from metagauge.architecture.tracing.constants import READ_LIMIT, SMALL, as_numbers, is_wiring, uniform
from metagauge.architecture.tracing.folding import Folding, known_array
from metagauge.architecture.tracing.kinds import output_kinds
from metagauge.architecture.tracing.reckoned import is_reckoned
from metagauge.architecture.tracing.scope import Scope
from metagauge.architecture.tracing.selection import rows_of
from metagauge.architecture.tracing.states import COUNT, Inputs, Numbers, Sequence, Shape, State, Tensorlike, Value
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.program import Function, Node
from metagauge.errors import (
    ArchitectureMismatchError,
    LimitExceededError,
    MalformedCheckpointError,
    StructureNotInferableError,
)

FUNCTION = ("", "")
"""The registry's key for a call of a function that the file defines."""
STEPS_LIMIT = 400_000
"""Most steps of one dataflow, those included that no output turns out to need."""
VISITS_LIMIT = 400_000
"""Most nodes that are followed, each counted as often as its body is called or turns."""

_SHOWN, _ATTRIBUTES = 200, 32

TraceOperator = Callable[["Tracing", Node, Inputs], State | tuple[State | None, ...]]
"""Adds the steps of one node and tells what its outputs are; None for one that is not understood.

Raises:
    StructureNotInferableError: it cannot; the node becomes an `Opaque`.
    ArchitectureMismatchError: the operands contradict each other; likewise, and other open sizes are tried.
"""
Registry = Mapping[tuple[str, str], TraceOperator]
"""By domain and operator; ONNX's own domain is empty."""


class Tracing:
    """Steps are only added; what no output needs is left out at the end."""

    def __init__(self, checkpoint: Checkpoint, registry: Registry) -> None:
        self.checkpoint = checkpoint
        self.registry = registry
        program = checkpoint.program
        self.opset = program.opset if program else 0
        """Version of ONNX's own operators that nodes mean now; a function may have its own."""
        self.functions: Mapping[tuple[str, str, str], Function] = (
            {(each.domain, each.name, each.overload): each for each in program.functions} if program else {}
        )
        self.scope = Scope(constants={name: name for name in checkpoint.tensors})
        """Of the graph that is traced now."""
        self.steps: dict[str, Step] = {}
        """By the name of their first output."""
        self.makers: dict[str, Step] = {}
        """By every output's name."""
        self.reasons: dict[str, tuple[str, str]] = {}
        """By the first output of an opaque step: the node, and why it is not understood."""
        self.misfits = 0
        """Nodes whose operands contradict each other, perhaps because a size was assumed wrongly."""
        self.wanted: Counter[int] = Counter()
        """Sizes that misfitting nodes ask for: an exporter may have written the length it saw into the program."""
        self.visits = 0
        """Nodes followed, those of a body again at every call and turn."""
        self.unrolled = 0
        """Nodes of turns that are written out one after the other."""
        self.loops: Counter[str] = Counter()
        """How often a loop of this name was met: a function's once for each call."""
        self.assumed: dict[str, None] = {}
        self.read: dict[str, None] = {}
        """Tensors whose numbers told what a node does."""
        self._values: dict[tuple[Operator, tuple[str, ...]], tuple[Value, ...]] = {}
        self.shapes: dict[str, Shape | None] = {}
        """Of every value."""
        self._counts: dict[str, int] = {}
        self.folding = Folding()
        """What computing with known numbers has cost so far."""
        self._written: dict[int, tuple[np.ndarray, Value]] = {}
        """Constants by the identity of their array, which is kept so that no other gets the same one."""

    # Values

    def given(self, name: str, shape: Shape, numbers: NumberKind) -> Value:
        """What the caller gives under this name."""
        return self._add(Given(shape=shape, numbers=numbers), (), (shape,), (numbers,), name)[0]

    def parameter(self, state: Tensorlike) -> Tensorlike:
        """`state`, in a place where networks have a learned tensor: a single number of the file is one there too."""
        match state:
            case Numbers(tensor=tensor) if tensor and self.checkpoint.tensor(tensor).is_float:
                return self.weight(tensor)
            case _:
                return state

    def weight(self, tensor: str) -> Value:
        """A tensor of the checkpoint as it is stored; the same value each time."""
        stored = self.checkpoint.tensor(tensor)
        kind: NumberKind = "float" if stored.is_float else "bool" if stored.dtype == "BOOL" else "int"
        return self._add(Weight(tensor=tensor), (), (stored.shape,), (kind,), tensor)[0]

    def tensor_state(self, tensor: str) -> Tensorlike:
        """What a tensor of the checkpoint is: numbers of the wiring, or a weight."""
        stored = self.checkpoint.tensor(tensor)
        if not is_wiring(stored) and not is_reckoned(stored):
            return self.weight(tensor)
        if stored.is_parameter:
            self.read[tensor] = None
        return Numbers(array=as_numbers(stored.array()), tensor=tensor)

    def value(self, state: Tensorlike) -> Value:
        """`state` as a value that a step can read."""
        match state:
            case Value():
                return state
            case Numbers(tensor=tensor) if tensor and state.array.size > SMALL and tensor not in self.read:
                return self.weight(tensor)
            case Numbers(array=array):
                return replace(self._constant(array), rows=state.rows)

    def apply(self, operator: Operator, *inputs: Tensorlike | None) -> Tensorlike:
        """The one output of an operator; computed at once where all its inputs are known numbers.

        Raises:
            ArchitectureMismatchError: the operator does not fit its inputs.
        """
        return self.apply_many(operator, *inputs)[0]

    def apply_many(self, operator: Operator, *inputs: Tensorlike | None) -> tuple[Tensorlike, ...]:
        """All outputs of an operator; None stands for an input left out."""
        shapes = output_shapes(operator, tuple(None if state is None else state.shape for state in inputs))
        rows = rows_of(operator, inputs, shapes)
        results = self.folding.fold(operator, inputs, shapes) or self._stepped(operator, inputs, shapes)
        return results if rows is None else tuple(replace(state, rows=rows) for state in results)

    def _stepped(
        self, operator: Operator, inputs: tuple[Tensorlike | None, ...], shapes: tuple[Shape | None, ...]
    ) -> tuple[Value, ...]:
        values = tuple(None if state is None else self.value(state) for state in inputs)
        kinds = output_kinds(operator, tuple(value.numbers for value in values if value is not None), len(shapes))
        return self._add(operator, tuple("" if value is None else value.name for value in values), shapes, kinds)

    def close(self, carried: Value, following: Value) -> None:
        """Makes `following` what the next turn of a loop begins with; `carried` is the output of its `Carry`."""
        step = self.makers[carried.name]
        closed = replace(step, inputs=(step.inputs[0], following.name))
        self.steps[carried.name] = self.makers[carried.name] = closed

    def array(self, state: Tensorlike) -> np.ndarray:
        """Numbers that an operator needs to know now, such as a shape or a factor.

        Raises:
            StructureNotInferableError: they depend on what the caller gives, or are far too many.
        """
        if state.rows is not None and state.rows.axis != COUNT:
            raise StructureNotInferableError("a shape, an index or a factor depends on which rows the input chooses")
        if isinstance(state, Value):
            return known_array(state.name, self.makers, self.checkpoint, self.read, self.folding)
        if state.array.size > READ_LIMIT:
            raise StructureNotInferableError(f"{state.array.size} numbers of the program are too many to be looked at")
        return state.array

    def integers(self, state: Tensorlike | None) -> tuple[int, ...]:
        """A known list of integers, or one integer; empty for an input left out."""
        return () if state is None else tuple(int(number) for number in self.array(state).ravel())

    def number(self, state: Tensorlike) -> float:
        """One known number.

        Raises:
            StructureNotInferableError: there are more, or they are not known.
        """
        if state.shape is None or prod(state.shape) != 1 or state.rows is not None:
            raise StructureNotInferableError("one number was expected")
        return decimal(self.array(state).item())

    def is_known(self, state: State | None) -> bool:
        """Whether `array` can tell the numbers."""
        match state:
            case Value():
                try:
                    self.array(state)
                except StructureNotInferableError:
                    return False
                return True
            case Numbers():
                return True
            case _:
                return False

    # Nodes

    def follow(self, nodes: Iterable[Node], scope: Scope) -> None:
        """Traces nodes in execution order; what each gives is put into `scope`."""
        outside, self.scope = self.scope, scope
        for node in nodes:
            self.visits += 1
            if self.visits > VISITS_LIMIT:
                raise LimitExceededError(f"with its calls and turns the program has more than {VISITS_LIMIT} nodes")
            results = self._results(node, tuple(self.find(name, scope) if name else None for name in node.inputs))
            scope.values.update(
                (name, state) for name, state in zip(node.outputs, results, strict=True) if name and state
            )
        self.scope = outside

    def find(self, name: str, scope: Scope) -> State | None:
        """The value that `name` means in `scope`; None for one that is no number, such as a text."""
        where: Scope | None = scope
        while where is not None:
            if name in where.values:
                return where.values[name]
            if name in where.constants:
                where.values[name] = self.tensor_state(where.constants[name])
                return where.values[name]
            where = where.outer
        return None

    def opaque(self, node: Node, inputs: Inputs, shapes: tuple[Shape | None, ...], reason: str) -> tuple[Value, ...]:
        """The outputs of a node that we know by name only; `shapes` are those of its outputs.

        It reads its inputs, its tensors and what its bodies hold or see.
        """
        captured = {name: None for body in node.bodies.values() for name in body.captures}
        states = [*inputs, *(self.find(name, self.scope) for name in captured)]
        items = [item for state in states if state for item in flat(state)]
        held = [*node.tensors.values(), *(name for body in node.bodies.values() for name in body.tensors)]
        items += [self.tensor_state(name) for name in held]
        name = f"{node.domain}::{node.operator}" if node.domain else node.operator
        operator = Opaque(operator=name[:_SHOWN], shapes=shapes, attributes=shown_attributes(node))
        kinds: tuple[NumberKind, ...] = ("float",) * len(shapes)
        values = self._add(operator, tuple(self.value(item).name for item in items), shapes, kinds)
        self.reasons[values[0].name] = (node.name or next(iter(node.outputs), ""), reason)
        return values

    def _results(self, node: Node, inputs: Inputs) -> tuple[State | None, ...]:
        reason, results = "this output of it is not understood", ()
        try:
            results = self._traced(node, inputs)
        except LimitExceededError:
            raise
        except ArchitectureMismatchError as error:
            self.misfits, reason = self.misfits + 1, str(error)
        except (StructureNotInferableError, MalformedCheckpointError) as error:
            reason = str(error)
        except (ValueError, IndexError, TypeError, ArithmeticError, KeyError) as error:
            # What unpacking and numpy raise for operands that do not fit each other.
            self.misfits, reason = self.misfits + 1, f"its operands do not fit: {error}"
        states = [*results, *(None,) * len(node.outputs)][: len(node.outputs)]
        if any(state is None and name for state, name in zip(states, node.outputs, strict=True)):
            unknown = self.opaque(node, inputs, (None,) * len(node.outputs), reason)
            states = [known or other for known, other in zip(states, unknown, strict=True)]
        return tuple(states)

    def _traced(self, node: Node, inputs: Inputs) -> tuple[State | None, ...]:
        key = (node.domain, node.operator)
        operator = self.registry.get(FUNCTION if (*key, node.overload) in self.functions else key)
        if operator is None:
            raise StructureNotInferableError("the operator is not known")
        result = operator(self, node, inputs)
        return result if isinstance(result, tuple) else (result,)

    # Steps

    def _add(
        self,
        operator: Operator,
        inputs: tuple[str, ...],
        shapes: tuple[Shape | None, ...],
        kinds: tuple[NumberKind, ...],
        name: str = "",
    ) -> tuple[Value, ...]:
        """The outputs of a step; of the one there is already, if it does the same with the same values."""
        is_repeatable = not isinstance(operator, Given | Carry | Opaque)
        if is_repeatable and (operator, inputs) in self._values:
            return self._values[operator, inputs]
        if len(self.steps) >= STEPS_LIMIT:
            raise LimitExceededError(f"the program takes more than {STEPS_LIMIT} steps")
        names = tuple(self._name(name or operator.kind, numbered=not name) for _ in shapes)
        step = Step(outputs=names, operator=operator, inputs=inputs)
        self.steps[names[0]] = step
        self.makers.update(dict.fromkeys(names, step))
        self.shapes.update(zip(names, shapes, strict=True))
        found = zip(names, shapes, kinds, strict=True)
        values = tuple(Value(name=name, shape=shape, numbers=kind) for name, shape, kind in found)
        if is_repeatable:
            self._values[operator, inputs] = values
        return values

    def _name(self, wanted: str, *, numbered: bool) -> str:
        """`wanted`, or with the first number that nothing has."""
        if not numbered and wanted not in self.makers:
            return wanted
        while True:
            self._counts[wanted] = self._counts.get(wanted, 0) + 1
            name = f"{wanted}_{self._counts[wanted]}"
            if name not in self.makers:
                return name

    def _constant(self, array: np.ndarray) -> Value:
        if id(array) in self._written:
            return self._written[id(array)][1]
        value = self._new_constant(as_numbers(array))
        if array.size > SMALL:
            self._written[id(array)] = (array, value)
        return value

    def _new_constant(self, array: np.ndarray) -> Value:
        kind = Numbers(array=array).numbers
        is_small = array.size <= SMALL
        self.folding.write(0 if is_small else array.size)
        number = uniform(array)
        if array.size > 1 and number is not None:
            one = self._constant(number)
            return self._add(Expand(shape=array.shape), (one.name,), (array.shape,), (kind,))[0]
        constant = pack(array)
        self.folding.write(0, 0 if is_small else len(constant.data))
        return self._add(constant, (), (array.shape,), (kind,))[0]


def flat(state: State) -> tuple[Tensorlike, ...]:
    """The tensors of a state: itself, or a list's items."""
    return state.items if isinstance(state, Sequence) else (state,)


def shown_attributes(node: Node) -> tuple[str, ...]:
    """`name=value` of a node's numbers and texts, in order of name."""
    shown = (f"{name}={value}"[:_SHOWN] for name, value in sorted(node.attributes.items()))
    return tuple(shown)[:_ATTRIBUTES]
