"""RNN, GRU and LSTM in torch, step by step, as ONNX defines them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

import torch
from torch import Tensor
from torch.nn import functional

from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.errors import OperatorUnknownError
from models.interpreter.numbers import Inputs, optional, required

Function = Callable[[Tensor], Tensor]

_DEFAULTS = {"rnn": ("tanh",), "gru": ("sigmoid", "tanh"), "lstm": ("sigmoid", "tanh", "tanh")}
_FUNCTIONS: dict[str, Function] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "affine": lambda x: x,
    "leakyrelu": lambda x: functional.leaky_relu(x, 0.01),
    "thresholdedrelu": lambda x: functional.threshold(x, 1.0, 0.0),
    "scaledtanh": torch.tanh,
    "hardsigmoid": lambda x: (0.2 * x + 0.5).clamp(0, 1),
    "elu": functional.elu,
    "softsign": functional.softsign,
    "softplus": functional.softplus,
}
"""With ONNX's default numbers; a cell's own alpha and beta are not part of the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """One direction. Shapes: (gates * hidden, inputs or hidden), biases (gates * hidden,), peephole (3 hidden,)."""

    operator: Recurrent
    functions: tuple[Function, ...]
    weight: Tensor
    recurrence: Tensor
    input_bias: Tensor
    state_bias: Tensor
    peephole: Tensor

    def turn(self, gates: Tensor, state: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """The next state and cell, from the inputs' part of the gates, input bias included."""
        match self.operator.cell:
            case "rnn":
                (f,) = self.functions
                total = gates + state @ self.recurrence.T + self.state_bias
                return f(self._clipped(total)), cell
            case "gru":
                return self._gru(gates, state), cell
            case "lstm":
                return self._lstm(gates, state, cell)
            case _:
                assert_never(self.operator.cell)

    def _gru(self, gates: Tensor, state: Tensor) -> Tensor:
        f, g = self.functions
        update, reset, new = gates.chunk(3, -1)
        of_update, of_reset, of_new = self.recurrence.chunk(3, 0)
        update_bias, reset_bias, new_bias = self.state_bias.chunk(3, 0)
        update = f(self._clipped(update + state @ of_update.T + update_bias))
        reset = f(self._clipped(reset + state @ of_reset.T + reset_bias))
        if self.operator.linear_before_reset:
            new = new + reset * (state @ of_new.T + new_bias)
        else:
            new = new + (reset * state) @ of_new.T + new_bias
        return (1 - update) * g(self._clipped(new)) + update * state

    def _lstm(self, gates: Tensor, state: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        f, g, h = self.functions
        enter, leave, forget, new = (gates + state @ self.recurrence.T + self.state_bias).chunk(4, -1)
        of_enter, of_leave, of_forget = self.peephole.chunk(3, -1)
        enter = f(self._clipped(enter + of_enter * cell))
        forget = f(self._clipped(forget + of_forget * cell))
        cell = forget * cell + enter * g(self._clipped(new))
        return f(self._clipped(leave + of_leave * cell)) * h(cell), cell

    def _clipped(self, x: Tensor) -> Tensor:
        clip = self.operator.clip
        return x.clamp(-clip, clip) if clip > 0 else x


def apply_recurrent(operator: Recurrent, inputs: Inputs) -> tuple[Tensor, ...]:
    """All states (steps, directions, batch, hidden), the last ones and, of an lstm, the last cells."""
    x, weight = required(inputs, 2)
    directions, batch = weight.shape[0], x.shape[1]
    nothing = x.new_zeros(directions, batch, operator.hidden)
    first_state = optional(inputs, 4)
    first_cell = optional(inputs, 5)
    runs = [
        _run(
            _cell(operator, inputs, direction),
            x,
            (nothing if first_state is None else first_state)[direction],
            (nothing if first_cell is None else first_cell)[direction],
            backwards=operator.direction == "reverse" or direction == 1,
        )
        for direction in range(directions)
    ]
    states, last, cells = zip(*runs, strict=True)
    outputs = (torch.stack(states, 1), torch.stack(last), torch.stack(cells))
    return outputs if operator.cell == "lstm" else outputs[:2]


def _cell(operator: Recurrent, inputs: Inputs, direction: int) -> _Cell:
    _, weight, recurrence = required(inputs, 3)
    rows = weight.shape[1]
    bias, peephole = optional(inputs, 3), optional(inputs, 6)
    both = weight.new_zeros(2 * rows) if bias is None else bias[direction]
    return _Cell(
        operator=operator,
        functions=_functions(operator, direction),
        weight=weight[direction],
        recurrence=recurrence[direction],
        input_bias=both[:rows],
        state_bias=both[rows:],
        peephole=weight.new_zeros(3 * operator.hidden) if peephole is None else peephole[direction],
    )


def _functions(operator: Recurrent, direction: int) -> tuple[Function, ...]:
    own = _DEFAULTS[operator.cell]
    names = operator.activations[direction * len(own) :][: len(own)] if operator.activations else own
    unknown = [name for name in names if name.lower() not in _FUNCTIONS]
    if unknown or len(names) != len(own):
        message = f"an activation {operator.activations} of a {operator.cell}; known are {', '.join(_FUNCTIONS)}"
        raise OperatorUnknownError(message)
    return tuple(_FUNCTIONS[name.lower()] for name in names)


def _run(cell: _Cell, x: Tensor, state: Tensor, memory: Tensor, *, backwards: bool) -> tuple[Tensor, Tensor, Tensor]:
    gates = (x.flip(0) if backwards else x) @ cell.weight.T + cell.input_bias
    states = []
    for row in gates:
        state, memory = cell.turn(row, state, memory)
        states.append(state)
    stacked = torch.stack(states) if states else x.new_zeros(0, *state.shape)
    return (stacked.flip(0) if backwards else stacked), state, memory
