"""Recurrent networks, as ONNX's RNN, GRU and LSTM define them."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from metagauge.architecture.parameter import FORBID_EXTRA

Cell = Literal["rnn", "gru", "lstm"]
Direction = Literal["forward", "reverse", "bidirectional"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrent:
    """Of (x, weight, recurrence, bias, initial, initial cell, peephole); the last four may be "" for none.

    Shapes with directions D, hidden H, gates G (1 for rnn, 3 for gru in the order z r h, 4 for lstm in the order
    i o f c): x (steps, batch, inputs), weight (D, G H, inputs), recurrence (D, G H, H), bias (D, 2 G H): input's, then
    recurrence's; initial states (D, batch, H), peephole (D, 3 H). Three outputs: all states (steps, D, batch, H),
    the last state and, of an lstm, the last cell (D, batch, H). `activations`: ONNX's, D times the cell's own; empty
    for the defaults.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["recurrent"] = "recurrent"
    cell: Cell
    direction: Direction
    hidden: int
    activations: tuple[str, ...] = ()
    linear_before_reset: bool = False
    clip: float = 0.0
