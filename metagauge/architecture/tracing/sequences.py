"""Lists of tensors, whose length is always known here."""

from collections.abc import Mapping

import numpy as np

from metagauge.architecture.attributes import flag, integer
from metagauge.architecture.tracing.movement import equal_parts, split_in
from metagauge.architecture.tracing.reshaping import axis_of, concatenated, reshaped
from metagauge.architecture.tracing.states import Inputs, Numbers, Sequence, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, LimitExceededError, StructureNotInferableError

_LONGEST = 4096


def _list(inputs: Inputs) -> Sequence:
    if not inputs or not isinstance(inputs[0], Sequence):
        raise StructureNotInferableError("input 0 is no list of tensors")
    return inputs[0]


def _position(tracing: Tracing, inputs: Inputs, position: int, length: int, default: int) -> int:
    """A place in a list of this length."""
    state = tensor_at(inputs, position)
    place = default if state is None else tracing.integers(state)[0]
    place = place + length if place < 0 else place
    if not 0 <= place < max(length, default + 1):
        raise ArchitectureMismatchError(f"item {place} of a list of {length}")
    return place


def _made(items: tuple[Tensorlike, ...]) -> Sequence:
    if len(items) > _LONGEST:
        raise LimitExceededError(f"a list of {len(items)} tensors; {_LONGEST} are the limit")
    return Sequence(items=items)


def _construct(tracing: Tracing, node: Node, inputs: Inputs) -> Sequence:
    return _made(tuple(required(inputs, position) for position in range(len(inputs))))


def _empty(tracing: Tracing, node: Node, inputs: Inputs) -> Sequence:
    return _made(())


def _at(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    items = _list(inputs).items
    return items[_position(tracing, inputs, 1, len(items), -1)]


def _insert(tracing: Tracing, node: Node, inputs: Inputs) -> Sequence:
    items = _list(inputs).items
    place = _position(tracing, inputs, 2, len(items), len(items))
    return _made((*items[:place], required(inputs, 1), *items[place:]))


def _erase(tracing: Tracing, node: Node, inputs: Inputs) -> Sequence:
    items = _list(inputs).items
    place = _position(tracing, inputs, 1, len(items), len(items) - 1)
    return _made((*items[:place], *items[place + 1 :]))


def _length(tracing: Tracing, node: Node, inputs: Inputs) -> Numbers:
    return Numbers(array=np.array(len(_list(inputs).items), dtype=np.int64))


def _split(tracing: Tracing, node: Node, inputs: Inputs) -> Sequence:
    x, state = required(inputs, 0), tensor_at(inputs, 1)
    axis = axis_of(integer(node, "axis", 0), len(shape_of(x)))
    size = shape_of(x)[axis]
    parts = (1,) if state is None else tracing.integers(state)
    if state is None or not shape_of(state):
        parts = equal_parts(size, parts[0]) if size <= _LONGEST * max(parts[0], 1) else ()
    pieces = split_in(tracing, x, axis, parts)
    if state is not None or flag(node, "keepdims", True):
        return _made(pieces)
    return _made(tuple(reshaped(tracing, each, _without(shape_of(each), axis)) for each in pieces))


def _concat(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    items = _list(inputs).items
    is_new = flag(node, "new_axis", False)
    rank = len(shape_of(items[0])) + is_new
    axis = axis_of(integer(node, "axis", 0), rank)
    if is_new:
        shape = shape_of(items[0])
        items = tuple(reshaped(tracing, each, (*shape[:axis], 1, *shape[axis:])) for each in items)
    return concatenated(tracing, items, axis)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "SequenceConstruct"): _construct,
    ("", "SequenceEmpty"): _empty,
    ("", "SequenceAt"): _at,
    ("", "SequenceInsert"): _insert,
    ("", "SequenceErase"): _erase,
    ("", "SequenceLength"): _length,
    ("", "SplitToSequence"): _split,
    ("", "ConcatFromSequence"): _concat,
}
