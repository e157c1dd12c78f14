"""Recurrent layers, stacked and in both directions, as one ONNX operator for each layer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metagauge.declare.call import Call, Value
from metagauge.declare.writing import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """`gates` is where ONNX's gates are among PyTorch's; `states` how many states a layer hands on."""

    operator: str
    gates: tuple[int, ...]
    states: int = 1
    activation: str = ""


_LSTM = _Cell(operator="LSTM", gates=(0, 3, 1, 2), states=2)
"""i o f c of i f c o."""
_GRU = _Cell(operator="GRU", gates=(1, 0, 2))
"""z r h of r z h."""
_TANH = _Cell(operator="RNN", gates=(0,), activation="Tanh")
_RELU = _Cell(operator="RNN", gates=(0,), activation="Relu")


def lstm(writer: Writer, call: Call) -> tuple[str, ...]:
    """Long short-term memory."""
    return _layers(writer, call, _LSTM)


def gru(writer: Writer, call: Call) -> tuple[str, ...]:
    """Gated recurrent units, whose reset gate acts behind the linear map."""
    return _layers(writer, call, _GRU)


def rnn(activation: str) -> Callable[[Writer, Call], tuple[str, ...]]:
    """Plain recurrent units."""
    return lambda writer, call: _layers(writer, call, _RELU if activation == "relu" else _TANH)


def _layers(writer: Writer, call: Call, cell: _Cell) -> tuple[str, ...]:
    directions = 2 if call.integer("bidirectional") else 1
    count, each = call.integer("num_layers"), 4 if call.integer("has_biases") else 2
    parameters = call.values("params")
    if len(parameters) != count * directions * each:
        raise call.unreadable("it projects its states")
    states = call.values("hx") if cell.states == 2 else (call.value("hx"),)
    here = call.value("input").name
    order = {"perm": (1, 0, 2)}
    if call.integer("batch_first"):
        (here,) = writer.write(call, "Transpose", [here], order)
    ends: list[tuple[str, ...]] = []
    for layer in range(count):
        first = layer * directions
        own = parameters[first * each : (first + directions) * each]
        initial = [_run(writer, call, state, first, directions) for state in states]
        found = writer.write(
            call,
            cell.operator,
            [here, *_weights(writer, call, cell, own, each), "", *initial],
            _attributes(cell, own[1].shape[1], directions),
            outputs=1 + cell.states,
        )
        (apart,) = writer.write(call, "Transpose", [found[0]], {"perm": (0, 2, 1, 3)})
        (here,) = writer.write(call, "Reshape", [apart, writer.integers((0, 0, -1))])
        ends.append(found[1:])
    if call.integer("batch_first"):
        (here,) = writer.write(call, "Transpose", [here], order)
    last = [writer.write(call, "Concat", names, {"axis": 0})[0] for names in zip(*ends, strict=True)]
    return (here, *last)


def _attributes(cell: _Cell, hidden: int, directions: int) -> dict[str, int | str | tuple[str, ...]]:
    found: dict[str, int | str | tuple[str, ...]] = {
        "hidden_size": hidden,
        "direction": "bidirectional" if directions == 2 else "forward",
    }
    if cell.activation:
        found["activations"] = (cell.activation,) * directions
    if cell is _GRU:
        found["linear_before_reset"] = 1
    return found


def _weights(writer: Writer, call: Call, cell: _Cell, own: tuple[Value, ...], each: int) -> list[str]:
    """Weight, recurrence and bias of one layer, directions first; no bias is an empty name."""
    apart: list[list[str]] = [[], [], []]
    for start in range(0, len(own), each):
        parts = [_in_order(writer, call, value, cell.gates) for value in own[start : start + each]]
        apart[0].append(_directed(writer, call, parts[0]))
        apart[1].append(_directed(writer, call, parts[1]))
        if each == 4:
            (bias,) = writer.write(call, "Concat", parts[2:], {"axis": 0})
            apart[2].append(_directed(writer, call, bias))
    return [writer.write(call, "Concat", names, {"axis": 0})[0] if names else "" for names in apart]


def _in_order(writer: Writer, call: Call, value: Value, gates: tuple[int, ...]) -> str:
    """Rows of a parameter with the gates as ONNX has them."""
    if gates == tuple(range(len(gates))):
        return value.name
    size = value.shape[0] // len(gates)
    parts = [_rows(writer, call, value.name, gate * size, size) for gate in gates]
    return writer.write(call, "Concat", parts, {"axis": 0})[0]


def _directed(writer: Writer, call: Call, name: str) -> str:
    return writer.write(call, "Unsqueeze", [name, writer.integers([0])])[0]


def _rows(writer: Writer, call: Call, name: str, start: int, count: int) -> str:
    numbers = (start, start + count, 0)
    return writer.write(call, "Slice", [name, *(writer.integers([number]) for number in numbers)])[0]


def _run(writer: Writer, call: Call, state: Value, first: int, directions: int) -> str:
    """The initial state of one layer; none if it is zero, as usual."""
    held = writer.constants.get(state.name)
    if held is not None and not np.any(held.array()):
        return ""
    return _rows(writer, call, state.name, first, directions)
