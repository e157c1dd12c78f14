"""Recurrent layers: gates that read the input and the hidden state, hidden units that read the gates."""

import numpy as np

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.graph.draft import Cursor
from metagauge.graph.flow.canvas import Canvas, Drawn
from metagauge.graph.flow.contraction import rearranged
from metagauge.graph.flow.layout import Layout, units
from metagauge.graph.parameter_graph import Block, Role
from metagauge.graph.symmetry.rules import GATES, Axes

_GATE_NAMES = {"rnn": ("hidden",), "gru": ("update", "reset", "new"), "lstm": ("input", "output", "forget", "cell")}
_GATE_FUNCTIONS = {
    "rnn": ("tanh",),
    "gru": ("sigmoid", "sigmoid", "tanh"),
    "lstm": ("sigmoid", "sigmoid", "sigmoid", "tanh"),
}


def recurrent(canvas: Canvas, step: Step, operator: Recurrent, source: Drawn) -> bool:
    """A group for every gate and one for the hidden units, in each direction."""
    names = (*step.inputs, *("",) * 7)[:7]
    weights = [name for name in (names[1], names[2], names[3], names[6]) if name]
    output = next(name for name in step.outputs if name)
    after, before = canvas.layout(output), canvas.layout(names[0])
    if any(name not in canvas.arrays for name in weights):
        return False
    hidden_unit = canvas.symmetry.values[output][-1]
    directions = canvas.arrays.array(names[1]).shape[0]
    if after.pieces != directions and not (directions == 1 and after.pieces == 1):
        return False
    pieces = tuple(
        _direction(canvas, step, operator, source, before, number, after.piece(number if after.pieces > 1 else 0))
        for number in range(directions)
    )
    if units(hidden_unit) != canvas.neurons[pieces[0].group]:
        return False
    for name in step.outputs:
        if name:
            canvas.drawn[name] = Drawn(pieces=pieces)
    return True


def _direction(
    canvas: Canvas, step: Step, operator: Recurrent, source: Drawn, before: Layout, number: int, axes: Axes
) -> Cursor:
    names = (*step.inputs, *("",) * 7)[:7]
    width, output = operator.hidden, next(name for name in step.outputs if name)
    own = units(axes[-1])
    cursors = [_features(canvas, output, cursor, before.piece(at)) for at, cursor in enumerate(source.pieces)]
    reverse = operator.direction == "reverse" or number == 1
    detail = (
        f"cell={operator.cell}",
        f"reverse={reverse}",
        f"reset_after={operator.linear_before_reset}",
        f"clip={operator.clip:g}",
        *operator.activations,
    )
    hidden = canvas.group(f"{output}.{number}", axes, own, cursors, operation="recurrent", detail=detail)
    gates = GATES[operator.cell]
    arrays = {role: canvas.arrays.array(name)[number] for role, name in zip("wrb", names[1:4], strict=True) if name}
    peephole = canvas.arrays.array(names[6])[number] if names[6] else None
    for gate in range(gates):
        rows = slice(gate * width, (gate + 1) * width)
        name = f"{output}.{number}.{_GATE_NAMES[operator.cell][gate]}"
        target = canvas.group(name, axes, own, cursors, activation=_GATE_FUNCTIONS[operator.cell][gate])
        for at, cursor in enumerate(cursors):
            weight = arrays["w"][rows]
            if before.cut == len(before.axes) - 1:
                weight = before.pick(weight, 1, at)
            _connect(canvas, cursor, target.group, "recurrent_input", weight, names[1])
        _connect(canvas, hidden, target.group, "recurrent_state", arrays["r"][rows], names[2])
        if "b" in arrays:
            bias = arrays["b"]
            recurrent_rows = slice((gates + gate) * width, (gates + gate + 1) * width)
            is_apart = operator.cell == "gru" and operator.linear_before_reset and gate == gates - 1
            total = bias[rows] if is_apart else _sum(bias[rows], bias[recurrent_rows])
            canvas.bias(canvas.arrays.origin(names[3]) or names[3], target.group, total)
            if is_apart:
                weight = bias[recurrent_rows].reshape(width, 1, 1)
                canvas.parameter(names[3], "recurrent_bias", weight, target.group)
        else:
            canvas.bias(f"{name}.bias", target.group)
        if peephole is not None and gate < len(peephole) // width:
            canvas.parameter(names[6], "peephole", peephole[rows].reshape(width, 1, 1), target.group)
        canvas.wire(name, target, hidden.group, operand=gate)
    for operand, name in enumerate(names[4:6]):
        if name in canvas.drawn:
            for cursor in canvas.drawn[name].pieces[:1]:
                canvas.wire(name, cursor, hidden.group, operand=gates + operand)
        elif name and not canvas.arrays.is_constant(name):
            start = canvas.arrays.array(name)[number].reshape(-1, width)[0].reshape(width, 1, 1)
            if not np.any(start):
                continue
            canvas.parameter(canvas.arrays.origin(name), "token", start, hidden.group, operand=gates + operand)
    return hidden


def _features(canvas: Canvas, name: str, cursor: Cursor, axes: Axes) -> Cursor:
    wanted = units(axes[2])
    return cursor if canvas.neurons[cursor.group] == wanted else rearranged(canvas, name, cursor, axes, wanted)


def _connect(canvas: Canvas, source: Cursor, target: int, role: Role, weight: np.ndarray, name: str) -> None:
    canvas.draft.connect(
        Block(
            source=source.group,
            target=target,
            role=role,
            weight=weight[:, :, None],
            name=canvas.arrays.origin(name) or name,
            reading=source.reading,
        )
    )


def _sum(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (np.asarray(one, np.float32) + np.asarray(other, np.float32)).astype(np.float32)
