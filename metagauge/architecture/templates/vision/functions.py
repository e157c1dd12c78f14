"""Elementwise functions, and what is put where a function is not known."""

from math import prod

from metagauge.architecture.templates.activations import activation as by_name
from metagauge.architecture.templates.sketch import Value
from metagauge.architecture.templates.vision.canvas import Canvas, Signal, mismatch
from metagauge.architecture.templates.vision.parts import Activation, PRelu

DOMAIN = "metagauge"
UNKNOWN = "Unknown"
"""The operator, of our own domain, that stands for a function of each element which is not known."""


def activation(canvas: Canvas, part: Activation, signal: Signal) -> Signal:
    """An elementwise function."""
    sketch, value = canvas.sketch, signal.value
    match part.function:
        case "identity":
            result = value
        case "hardsigmoid":
            result = sketch.elementwise("HardSigmoid", value, alpha=1 / 6, beta=0.5)
        case "selu":
            result = sketch.elementwise("Selu", value)
        case _:
            result = by_name(sketch, part.function, value)
    return canvas.signal(result, signal.layout)


def prelu(canvas: Canvas, part: PRelu, signal: Signal) -> Signal:
    """A leaky ReLU with learned slopes."""
    slopes = canvas.weight(f"{part.name}.weight")
    if slopes.rank != 1:
        raise mismatch(slopes, "slopes have one axis")
    shaped = slopes if prod(slopes.shape) == 1 else canvas.along_channels(signal, slopes)
    return canvas.signal(canvas.sketch.elementwise("PRelu", signal.value, shaped), signal.layout)


def unknown(canvas: Canvas, signal: Signal) -> Signal:
    """An operator of our own that stands for any function of each element."""
    value = canvas.sketch.writer.op(UNKNOWN, signal.value.name, domain=DOMAIN)
    return canvas.signal(Value(name=value, shape=signal.value.shape), signal.layout)
