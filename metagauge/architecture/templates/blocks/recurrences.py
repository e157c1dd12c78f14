"""Layers that carry a state from token to token: RWKV (Peng et al. 2023) and Mamba (Gu and Dao 2023).

The tokens of the sample are written one after the other, as exporters do.
"""

import numpy as np

from metagauge.architecture.templates.activations import activation
from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import ArchitectureMismatchError


def time_mixing(drawing: Drawing, step: Step) -> None:
    """`{ time_mixing = PREFIX }`: RWKV's attention without queries (Peng et al. 2023, sec. 3.1)."""
    sketch = drawing.sketch
    with drawing.at(step.target):
        value = drawing.current
        before = _earlier(drawing, value)
        keys = drawing.linear("key", _mixed(drawing, "time_mix_key", value, before))
        values = drawing.linear("value", _mixed(drawing, "time_mix_value", value, before))
        open_share = sketch.elementwise(
            "Sigmoid", drawing.linear("receptance", _mixed(drawing, "time_mix_receptance", value, before))
        )
        mean = _weighted_means(drawing, keys, values)
        drawing.value = drawing.linear("output", sketch.multiply(open_share, mean))


def channel_mixing(drawing: Drawing, step: Step) -> None:
    """`{ channel_mixing = PREFIX }`: RWKV's feed-forward layer."""
    sketch = drawing.sketch
    with drawing.at(step.target):
        value = drawing.current
        before = _earlier(drawing, value)
        hidden = drawing.linear("key", _mixed(drawing, "time_mix_key", value, before))
        mixed = drawing.linear("value", activation(sketch, "relu2", hidden))
        receptance = drawing.linear("receptance", _mixed(drawing, "time_mix_receptance", value, before))
        drawing.value = sketch.multiply(sketch.elementwise("Sigmoid", receptance), mixed)


def rescale(drawing: Drawing, step: Step) -> None:
    """`{ rescale = EVERY }`: what RWKV does against overflow, halving the stream behind every so many layers.

    The weights of later branches are divided by as much; in `branch` that is done to the branch instead.
    """
    every = step.integer("rescale")
    if every <= 0:
        return
    if step.flag("branch"):
        drawing.value = drawing.sketch.scale(drawing.current, 0.5 ** (drawing.layer // every))
    elif (drawing.layer + 1) % every == 0:
        drawing.value = drawing.sketch.scale(drawing.current, 0.5)


def selective_scan(drawing: Drawing, step: Step) -> None:
    """`{ selective_scan = PREFIX, act = FUNCTION }`: Mamba's mixer (Gu and Dao 2023, sec. 3)."""
    sketch, function = drawing.sketch, step.text("act")
    with drawing.at(step.target):
        both = sketch.transpose(drawing.linear("in_proj", drawing.current), (0, 2, 1))
        half = both.shape[1] // 2
        hidden, gate = sketch.split(both, 1, (half, half))
        hidden = activation(sketch, function, _convolved(drawing, hidden))
        scanned = _scan(drawing, hidden)
        skipped = sketch.multiply(hidden, _column(drawing, drawing.weight("D")))
        mixed = sketch.multiply(sketch.add(scanned, skipped), activation(sketch, function, gate))
        drawing.value = drawing.linear("out_proj", sketch.transpose(mixed, (0, 2, 1)))


def _convolved(drawing: Drawing, value: Value) -> Value:
    """A convolution of each channel over the tokens so far."""
    weight, bias = drawing.weight("conv1d.weight"), drawing.optional("conv1d.bias")
    maps = drawing.sketch.convolve(value, weight, bias, padding=weight.shape[-1] - 1)
    return drawing.sketch.slice(maps, 2, 0, value.shape[2])


def _scan(drawing: Drawing, hidden: Value) -> Value:
    """The state space layer over (1, channels, tokens): its state is (1, channels, states)."""
    sketch = drawing.sketch
    logarithm = drawing.weight("A_log", axes=2)
    channels, states = logarithm.shape
    if hidden.shape[1] != channels:
        raise ArchitectureMismatchError(f"A_log has {channels} channels, and the layer {hidden.shape[1]}")
    parameters = drawing.linear("x_proj", sketch.transpose(hidden, (0, 2, 1)))
    rank = parameters.shape[-1] - 2 * states
    steps, inputs, outputs = sketch.split(parameters, -1, (rank, states, states))
    steps = sketch.matmul(drawing.weight("dt_proj.weight"), sketch.transpose(steps, (0, 2, 1)))
    steps = sketch.elementwise("Softplus", sketch.add(steps, _column(drawing, drawing.weight("dt_proj.bias"))))
    tokens = hidden.shape[2]
    widths = sketch.reshape(steps, (1, channels, tokens, 1))
    decay = sketch.elementwise("Neg", sketch.elementwise("Exp", logarithm))
    decay = sketch.reshape(decay, (1, channels, 1, states))
    kept = sketch.elementwise("Exp", sketch.multiply(decay, widths))  # (1, channels, tokens, states)
    given = sketch.multiply(widths, sketch.reshape(inputs, (1, 1, tokens, states)))
    given = sketch.multiply(given, sketch.reshape(hidden, (1, channels, tokens, 1)))
    state, gathered = sketch.take(given, 2, 0), []
    for token in range(tokens):
        if token:
            state = sketch.multiply(sketch.take(kept, 2, token), state)
            state = sketch.add(state, sketch.take(given, 2, token))
        reading = sketch.take(outputs, 1, token)  # (1, states)
        gathered.append(sketch.matmul(state, sketch.reshape(reading, (1, states, 1))))
    return sketch.concat(gathered, 2)


def _column(drawing: Drawing, vector: Value) -> Value:
    return drawing.sketch.reshape(vector, (*vector.shape, 1))


def _earlier(drawing: Drawing, value: Value) -> Value:
    """Each token's predecessor, zeros for the first."""
    sketch = drawing.sketch
    zeros = sketch.constant(np.zeros((1, 1, value.shape[2]), dtype=np.float32))
    return sketch.concat([zeros, sketch.slice(value, 1, 0, value.shape[1] - 1)], 1)


def _mixed(drawing: Drawing, name: str, value: Value, before: Value) -> Value:
    sketch = drawing.sketch
    share = drawing.weight(name)
    rest = sketch.elementwise("Sub", sketch.constant(1.0), share)
    return sketch.add(sketch.multiply(value, share), sketch.multiply(before, rest))


def _weighted_means(drawing: Drawing, keys: Value, values: Value) -> Value:
    """Means of the values so far, weighted by e to the key, less for earlier ones (Peng et al. 2023, eq. 16).

    Numerator and denominator are kept divided by the largest weight, so that nothing overflows.
    """
    sketch = drawing.sketch
    decay = sketch.elementwise("Neg", sketch.elementwise("Exp", drawing.weight("time_decay")))
    bonus = drawing.weight("time_first")
    nothing = np.zeros((keys.shape[0], keys.shape[2]), dtype=np.float32)
    above, below = sketch.constant(nothing), sketch.constant(nothing)
    largest = sketch.constant(nothing - np.float32(1e38))
    means = []
    for token in range(keys.shape[1]):
        key, value = sketch.take(keys, 1, token), sketch.take(values, 1, token)
        numerator, denominator, _ = _joined(drawing, (above, below, largest), sketch.add(key, bonus), value)
        mean = sketch.elementwise("Div", numerator, denominator)
        means.append(sketch.reshape(mean, (mean.shape[0], 1, mean.shape[1])))
        above, below, largest = _joined(drawing, (above, below, sketch.add(largest, decay)), key, value)
    return sketch.concat(means, 1)


def _joined(
    drawing: Drawing, state: tuple[Value, Value, Value], key: Value, value: Value
) -> tuple[Value, Value, Value]:
    """Numerator, denominator and the largest exponent after one more value, which weighs e to the key."""
    sketch = drawing.sketch
    above, below, largest = state
    maximum = sketch.elementwise("Max", largest, key)
    old = sketch.elementwise("Exp", sketch.elementwise("Sub", largest, maximum))
    new = sketch.elementwise("Exp", sketch.elementwise("Sub", key, maximum))
    numerator = sketch.add(sketch.multiply(old, above), sketch.multiply(new, value))
    return numerator, sketch.add(sketch.multiply(old, below), new), maximum
