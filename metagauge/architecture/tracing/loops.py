"""Loop and Scan: short loops turn by turn, others once, with what they carry as a circle."""

from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np

from metagauge.architecture.operators.control import Carry
from metagauge.architecture.operators.elementwise import Binary, Unary, Where
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Concat, Expand, Reshape
from metagauge.architecture.tracing.attributes import integer, integers
from metagauge.architecture.tracing.body import inline
from metagauge.architecture.tracing.constants import READ_LIMIT
from metagauge.architecture.tracing.states import (
    Inputs,
    Numbers,
    Sequence,
    State,
    Tensorlike,
    Value,
    required,
    shape_of,
    tensor_at,
)
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Body, Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

UNROLLED = 4
"""Most turns that are written out one after the other."""
_COMPUTED = 256
"""Most turns of a loop that only computes numbers or gathers a list, which cannot be written as a circle."""
_UNROLLED_NODES = 20_000
"""Most nodes that turns written out may have in one program; loops that are met afterwards are written once."""
_ASSUMED = 4
"""Turns of a loop whose number depends on what the network is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Element:
    """A part of a scanned value: one place along `axis`, the last first if `reverse`."""

    value: Tensorlike
    axis: int
    reverse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turns:
    """A loop to be traced. The body gets `before`, what is carried and the scanned elements.

    It gives whether it goes on, if `conditional`, what is carried, and one element of each collected output.
    """

    name: str
    body: Body
    counted: bool
    """Whether the body's first two inputs are the turn's number and the condition, and its first output that, too."""
    carried: tuple[State, ...]
    scanned: tuple[_Element, ...] = ()
    collected: tuple[tuple[int, bool], ...] = ()
    """Axis and direction of each output that is collected over the turns."""


def loop(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State, ...]:
    """Loop."""
    body = _body(node)
    limit, condition = tensor_at(inputs, 0), tensor_at(inputs, 1)
    turns = int(tracing.number(limit)) if limit is not None and tracing.is_known(limit) else None
    if turns is not None and turns > np.iinfo(np.int32).max:
        turns = None  # PyTorch's way to write a while loop
    goes_on = condition is None or (bool(tracing.number(condition)) if tracing.is_known(condition) else None)
    if goes_on is False:
        turns = 0
    carried = tuple(state for state in inputs[2:] if state is not None)
    if len(carried) != len(node.inputs[2:]):
        raise StructureNotInferableError("a value that the loop carries is left out")
    count = len(body.outputs) - 1 - len(carried)
    loop = _Turns(
        name=node.name or node.outputs[0],
        body=body,
        counted=True,
        carried=carried,
        collected=((0, False),) * count,
    )
    written = _unrolled(tracing, loop, turns)
    if written is not None:
        return written
    active = Numbers(array=np.array(True)) if goes_on else condition
    return _circle(tracing, loop, turns, active)


def scan(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State, ...]:
    """Scan. Until opset 8 it goes over batches as well: of one sample, whose axis is taken off and put on again."""
    if tracing.opset >= 9:
        return _scanned(tracing, node, inputs, "scan_input_directions")
    if tensor_at(inputs, 0) is not None:
        raise StructureNotInferableError("its sequences have lengths of their own")
    samples = tuple(_sample(tracing, required(inputs, place)) for place in range(1, len(inputs)))
    found = _scanned(tracing, node, samples, "directions")
    return tuple(_with_axis(tracing, state, 0) for state in found if not isinstance(state, Sequence))


def _sample(tracing: Tracing, batch: Tensorlike) -> Tensorlike:
    count, *sizes = shape_of(batch)
    if count != 1:
        raise StructureNotInferableError(f"it goes over a batch of {count}")
    return tracing.apply(Reshape(shape=tuple(sizes)), batch)


def _scanned(tracing: Tracing, node: Node, inputs: Inputs, directions_name: str) -> tuple[State, ...]:
    body = _body(node)
    scanned_count = integer(node, "num_scan_inputs", 1)
    carried_count = len(inputs) - scanned_count
    carried = tuple(required(inputs, place) for place in range(carried_count))
    values = [required(inputs, place) for place in range(carried_count, len(inputs))]
    axes = _each(integers(node, "scan_input_axes"), scanned_count)
    directions = _each(integers(node, directions_name), scanned_count)
    elements = tuple(
        _Element(value=value, axis=axis % len(shape_of(value)), reverse=direction != 0)
        for value, axis, direction in zip(values, axes, directions, strict=True)
    )
    lengths = {shape_of(element.value)[element.axis] for element in elements}
    if len(lengths) != 1:
        raise ArchitectureMismatchError(f"it goes over values of lengths {sorted(lengths)} at once")
    count = len(body.outputs) - carried_count
    out_axes = _each(integers(node, "scan_output_axes"), count)
    out_directions = _each(integers(node, "scan_output_directions"), count)
    loop = _Turns(
        name=node.name or node.outputs[0],
        body=body,
        counted=False,
        carried=carried,
        scanned=elements,
        collected=tuple((axis, direction != 0) for axis, direction in zip(out_axes, out_directions, strict=True)),
    )
    (turns,) = lengths
    return _unrolled(tracing, loop, turns) or _circle(tracing, loop, turns, Numbers(array=np.array(True)))


def _each(given: tuple[int, ...] | None, count: int) -> tuple[int, ...]:
    return (0,) * count if given is None else given


def _body(node: Node) -> Body:
    try:
        return node.bodies["body"]
    except KeyError as error:
        raise ArchitectureMismatchError("it has no body") from error


# Turn by turn


def _unrolled(tracing: Tracing, loop: _Turns, turns: int | None) -> tuple[State, ...] | None:
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
        states = inline(tracing, loop.body, _turn_inputs(tracing, loop, carried, Numbers(array=np.array(turn)), turns))
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


def _turn_inputs(
    tracing: Tracing, loop: _Turns, carried: Items[State], turn: Tensorlike, turns: int | None
) -> list[State | None]:
    elements = [_element(tracing, element, turn, turns) for element in loop.scanned]
    counted = [turn, Numbers(array=np.array(True))] if loop.counted else []
    return [*counted, *carried, *elements]


def _element(tracing: Tracing, element: _Element, turn: Tensorlike, turns: int | None) -> Tensorlike:
    place = turn
    if element.reverse and turns is not None:
        place = tracing.apply(Unary(function="affine", alpha=-1.0, beta=turns - 1.0), turn)
        place = Numbers(array=place.array.astype(np.int64)) if isinstance(place, Numbers) else place
    return tracing.apply(Gather(axis=element.axis), element.value, place)


def _stacked(tracing: Tracing, states: list[State], axis: int, reverse: bool) -> Tensorlike:
    """Elements as one value, with the turns along `axis`."""
    rows: list[Tensorlike] = []
    for state in reversed(states) if reverse else states:
        if isinstance(state, Sequence):
            raise StructureNotInferableError("a loop collects lists of tensors")
        rows.append(_with_axis(tracing, state, axis))
    if not rows:
        raise StructureNotInferableError("a loop without turns collects values")
    return tracing.apply(Concat(axis=axis % len(shape_of(rows[0]))), *rows) if len(rows) > 1 else rows[0]


def _with_axis(tracing: Tracing, state: Tensorlike, axis: int) -> Tensorlike:
    shape = shape_of(state)
    axis %= len(shape) + 1
    return tracing.apply(Reshape(shape=(*shape[:axis], 1, *shape[axis:])), state)


# As a circle


def _circle(tracing: Tracing, loop: _Turns, turns: int | None, active: Tensorlike | None) -> tuple[State, ...]:
    """The body's steps once. Carried values begin as `Carry`; collected ones are filled place by place."""
    if turns is None:
        tracing.assumed[f"loop {loop.name!r} takes {_ASSUMED} turns"] = None
    count = _ASSUMED if turns is None else turns
    name = loop.name[:200]
    tracing.loops[name] += 1
    again = f" {tracing.loops[name]}" if tracing.loops[name] > 1 else ""
    circle = _Circle(tracing=tracing, name=f"{name}{again}", turns=turns or 0)
    turn = circle.begin(Numbers(array=np.array(0)))
    is_active = circle.begin(active) if isinstance(active, Value) else None
    carried = [circle.begin(state) for state in loop.carried]
    states = inline(tracing, loop.body, _turn_inputs(tracing, loop, carried, turn, count))
    following: list[Tensorlike] = []
    for state in states:
        if isinstance(state, Sequence):
            raise StructureNotInferableError("a loop gives lists of tensors")
        following.append(state)
    if loop.counted:
        goes_on, *following = following
        if not (isinstance(goes_on, Numbers) and bool(goes_on.array.all())):
            is_active = is_active or circle.begin(Numbers(array=np.array(True)))
            circle.end(is_active, tracing.apply(Binary(function="and"), is_active, goes_on))
        elif is_active is not None:
            circle.end(is_active, is_active)
    circle.end(turn, tracing.apply(Unary(function="affine", alpha=1.0, beta=1.0), turn))
    results: list[State] = []
    for begun, state in zip(carried, following, strict=False):
        _check_shape(begun, state)
        kept = state if is_active is None else tracing.apply(Where(), is_active, state, begun)
        results.append(circle.end(begun, kept))
    for (axis, reverse), state in zip(loop.collected, following[len(carried) :], strict=True):
        results.append(_filled(tracing, circle, _with_axis(tracing, state, axis), axis, reverse, turn, count))
    return tuple(results)


def _check_shape(first: Value, then: Tensorlike) -> None:
    if then.shape is not None and first.shape is not None and then.shape != first.shape:
        message = f"a value that the loop carries has shape {list(first.shape)} first and {list(then.shape)} then"
        raise StructureNotInferableError(message)


def _filled(
    tracing: Tracing, circle: "_Circle", row: Tensorlike, axis: int, reverse: bool, turn: Value, count: int
) -> Tensorlike:
    """All rows, of which each turn sets its own."""
    shape = list(shape_of(row))
    axis %= len(shape)
    if count > READ_LIMIT:
        raise StructureNotInferableError(f"a loop collects {count} values")
    shape[axis] = count
    zero = {"float": np.float32(0), "int": np.int64(0), "bool": np.bool_(False)}[row.numbers]
    rows = circle.begin(tracing.apply(Expand(shape=tuple(shape)), tracing.value(Numbers(array=np.array(zero)))))
    places = np.arange(count)[::-1] if reverse else np.arange(count)
    own = Numbers(array=places.reshape([count if place == axis else 1 for place in range(len(shape))]))
    is_own = tracing.apply(Binary(function="equal"), own, turn)
    return circle.end(rows, tracing.apply(Where(), is_own, row, rows))


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


OPERATORS: Registry = {("", "Loop"): loop, ("", "Scan"): scan}
