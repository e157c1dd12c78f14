"""RNN, GRU and LSTM."""

from collections.abc import Mapping
from typing import get_args

import numpy as np

from metagauge.architecture.attributes import flag, integer, real, reals, text, texts
from metagauge.architecture.operators.recurrent import Cell, Direction, Recurrent
from metagauge.architecture.tracing.reshaping import transposed
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_CELLS: Mapping[str, Cell] = {"RNN": "rnn", "GRU": "gru", "LSTM": "lstm"}
_DEFAULTS: Mapping[Cell, tuple[str, ...]] = {
    "rnn": ("Tanh",),
    "gru": ("Sigmoid", "Tanh"),
    "lstm": ("Sigmoid", "Tanh", "Tanh"),
}
_PLAIN = frozenset({"tanh", "sigmoid", "relu", "softplus", "softsign"})
"""Activations without numbers of their own."""
_BATCH_FIRST, _STEPS_FIRST = (1, 0, 2), (2, 0, 1, 3)


def _recurrent(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike, ...]:
    x, weight, recurrence = (required(inputs, position) for position in range(3))
    bias, lengths, *states = (tensor_at(inputs, position) for position in range(3, 8))
    is_batch_first = flag(node, "layout", False)
    if is_batch_first:
        x = transposed(tracing, x, _BATCH_FIRST)
        states[:2] = [None if state is None else transposed(tracing, state, _BATCH_FIRST) for state in states[:2]]
    _check_lengths(tracing, lengths, shape_of(x)[0])
    cell = _CELLS[node.operator]
    if cell != "lstm":
        states[1:] = [None, None]
    values = [tracing.parameter(weight), tracing.parameter(recurrence)]
    values += [None if bias is None or _is_zero(bias) else bias]
    values += [None if state is None or _is_zero(state) else state for state in states]
    results = tracing.apply_many(_operator(node, cell, shape_of(recurrence)), x, *values)
    if not is_batch_first:
        return results
    every, *last = results
    return (transposed(tracing, every, _STEPS_FIRST), *(transposed(tracing, state, _BATCH_FIRST) for state in last))


def _operator(node: Node, cell: Cell, recurrence: tuple[int, ...]) -> Recurrent:
    direction = text(node, "direction", "forward").lower()
    if direction not in get_args(Direction):
        raise StructureNotInferableError(f"runs in direction {direction!r}")
    if flag(node, "input_forget", False):
        raise StructureNotInferableError("its input and forget gates are one")
    directions = 2 if direction == "bidirectional" else 1
    return Recurrent(
        cell=cell,
        direction=direction,  # type: ignore[arg-type]
        hidden=integer(node, "hidden_size", recurrence[-1]),
        activations=_activations(node, cell, directions),
        linear_before_reset=cell == "gru" and flag(node, "linear_before_reset", False),
        clip=real(node, "clip", 0.0),
    )


def _activations(node: Node, cell: Cell, directions: int) -> tuple[str, ...]:
    """Those of the cell for each direction; empty for the usual ones."""
    named, usual = texts(node, "activations"), _DEFAULTS[cell] * directions
    if not named or tuple(name.lower() for name in named) == tuple(name.lower() for name in usual):
        return ()
    if not {name.lower() for name in named} <= _PLAIN or reals(node, "activation_alpha"):
        raise StructureNotInferableError(f"has activations {list(named)}, some of them with numbers of their own")
    spelled = {name.lower(): name for names in (("Tanh", "Sigmoid", "Relu", "Softplus", "Softsign"),) for name in names}
    return tuple(spelled[name.lower()] for name in named)


def _check_lengths(tracing: Tracing, lengths: Tensorlike | None, steps: int) -> None:
    if lengths is None:
        return
    if not tracing.is_known(lengths) or any(length != steps for length in tracing.integers(lengths)):
        raise StructureNotInferableError("the length of each sequence is an input of its own, or is not all of it")


def _is_zero(state: Tensorlike) -> bool:
    return isinstance(state, Numbers) and not np.any(state.array)


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {("", name): _recurrent for name in _CELLS}
