"""Recurrent layers as torch stores them, written as ONNX has them."""

from metagauge.architecture.templates.sketch import Value
from metagauge.architecture.templates.vision.canvas import Canvas, Signal, mismatch
from metagauge.architecture.templates.vision.token_parts import Recurrent

_ORDER = {"rnn": (0,), "gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}
"""Where ONNX's gates (z r h; i o f c) are among torch's (r z n; i f g o)."""


def recurrent(canvas: Canvas, part: Recurrent, signal: Signal) -> Signal:
    """One recurrent layer over the steps (1, steps, channels)."""
    sketch = canvas.sketch
    suffixes = [part.suffix]
    if canvas.has(_named(part, f"weight_ih{part.suffix}_reverse")):
        suffixes.append(f"{part.suffix}_reverse")
    inputs = [_gates(canvas, part, f"weight_ih{suffix}") for suffix in suffixes]
    states = [_gates(canvas, part, f"weight_hh{suffix}") for suffix in suffixes]
    hidden = states[0].shape[1]
    gates = len(_ORDER[part.cell])
    for matrix, width in (*((each, signal.channels) for each in inputs), *((each, hidden) for each in states)):
        if matrix.shape != (gates * hidden, width):
            raise mismatch(matrix, f"a {part.cell} of {hidden} units that reads {width} numbers is expected")
    steps = sketch.transpose(signal.value, (1, 0, 2))
    operands = [steps, _stack(canvas, inputs), _stack(canvas, states)]
    if canvas.has(_named(part, f"bias_ih{part.suffix}")):
        biases = []
        for suffix in suffixes:
            pair = [_gates(canvas, part, f"bias_{which}{suffix}") for which in ("ih", "hh")]
            biases.append(sketch.concat(pair, 0))
        operands.append(_stack(canvas, biases))
    attributes: dict[str, int | str | tuple[str, ...]] = {"hidden_size": hidden}
    if len(suffixes) == 2:
        attributes["direction"] = "bidirectional"
    if part.cell == "gru":
        attributes["linear_before_reset"] = 1
    if part.cell == "rnn" and part.function != "Tanh":
        attributes["activations"] = (part.function,) * len(suffixes)
    shape = (steps.shape[0], len(suffixes), 1, hidden)
    states_all = sketch.operator(part.cell.upper(), shape, *operands, **attributes)
    joined = sketch.transpose(states_all, (2, 0, 1, 3))
    return canvas.signal(sketch.reshape(joined, (1, steps.shape[0], len(suffixes) * hidden)), "last")


def _gates(canvas: Canvas, part: Recurrent, tensor: str) -> Value:
    """A tensor with its gates in ONNX's order."""
    value = canvas.weight(_named(part, tensor))
    order = _ORDER[part.cell]
    if value.rank not in (1, 2) or value.shape[0] % len(order):
        raise mismatch(value, f"its rows are the {len(order)} gates of a {part.cell}")
    if order == tuple(range(len(order))):
        return value
    size = value.shape[0] // len(order)
    pieces = [canvas.sketch.slice(value, 0, place * size, (place + 1) * size) for place in order]
    return canvas.sketch.concat(pieces, 0)


def _named(part: Recurrent, tensor: str) -> str:
    """A tensor's name; a module that is the whole file has none."""
    return f"{part.name}.{tensor}" if part.name else tensor


def _stack(canvas: Canvas, values: list[Value]) -> Value:
    """Directions on a new first axis."""
    sketch = canvas.sketch
    return sketch.concat([sketch.reshape(value, (1, *value.shape)) for value in values], 0)
