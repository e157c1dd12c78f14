"""Convolutions, pools and padding."""

from math import prod

from metagauge.declare.call import Call
from metagauge.declare.writing import Writer

Sizes = tuple[int, ...]
_PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""PyTorch's words for padding, and ONNX's."""


def conv(writer: Writer, call: Call) -> tuple[str, ...]:
    """A convolution that pads with zeros, by numbers or as "same" and "valid"."""
    kernel = call.value("weight").shape[2:]
    axes = len(kernel)
    if call.arguments.get("transposed"):
        return transposed_conv(writer, call)
    dilation = call.integers("dilation", axes)
    before = after = (0,) * axes
    match call.arguments["padding"]:
        case "valid":
            pass
        case "same":
            totals = [spread * (width - 1) for spread, width in zip(dilation, kernel, strict=True)]
            before = tuple(total // 2 for total in totals)
            after = tuple(total - total // 2 for total in totals)
        case _:
            before = after = call.integers("padding", axes)
    attributes = {
        "strides": call.integers("stride", axes),
        "pads": (*before, *after),
        "dilations": dilation,
        "group": call.integer("groups"),
    }
    inputs = [call.value("input").name, call.value("weight").name, call.optional("bias")]
    return writer.write(call, "Conv", inputs, attributes)


def transposed_conv(writer: Writer, call: Call) -> tuple[str, ...]:
    """The transpose of a convolution."""
    axes = len(call.value("weight").shape) - 2
    attributes = {
        "strides": call.integers("stride", axes),
        "pads": call.integers("padding", axes) * 2,
        "output_padding": call.integers("output_padding", axes),
        "dilations": call.integers("dilation", axes),
        "group": call.integer("groups"),
    }
    inputs = [call.value("input").name, call.value("weight").name, call.optional("bias")]
    return writer.write(call, "ConvTranspose", inputs, attributes)


def max_pool(writer: Writer, call: Call) -> tuple[str, ...]:
    """The maximum of each window."""
    axes = len(call.shape) - 2
    attributes = {**_window(call), "dilations": call.integers("dilation", axes)}
    return writer.write(call, "MaxPool", [call.value("self").name], attributes)


def mean_pool(writer: Writer, call: Call) -> tuple[str, ...]:
    """The mean of each window."""
    window = _window(call)
    source = call.value("self").name
    if call.arguments.get("divisor_override") is None:
        attributes = {**window, "count_include_pad": call.integer("count_include_pad")}
        return writer.write(call, "AveragePool", [source], attributes)
    if window["ceil_mode"]:
        raise call.unreadable("windows beyond the edge are divided by a number other than their size")
    means = writer.write(call, "AveragePool", [source], {**window, "count_include_pad": 1})
    size = prod(call.integers("kernel_size", len(call.shape) - 2))
    return writer.write(call, "Mul", [*means, writer.number(size / call.real("divisor_override"))])


def pad(writer: Writer, call: Call) -> tuple[str, ...]:
    """More positions around a value; PyTorch counts the axes from the last one."""
    mode = call.arguments.get("mode", "constant")
    if mode not in _PAD_MODES:
        raise call.unreadable(f"it pads by {mode}")
    sizes = call.integers("pad")
    rank = len(call.shape)
    pairs = [(0, 0)] * (rank - len(sizes) // 2) + list(zip(sizes[::2], sizes[1::2], strict=True))[::-1]
    pads = [before for before, _ in pairs] + [after for _, after in pairs]
    value = writer.number(call.real("value")) if call.arguments.get("value") is not None else ""
    inputs = [call.value("self").name, writer.integers(pads), value]
    return writer.write(call, "Pad", inputs if value else inputs[:2], {"mode": _PAD_MODES[str(mode)]})


def _window(call: Call) -> dict[str, int | Sizes]:
    axes = len(call.shape) - 2
    kernel = call.integers("kernel_size", axes)
    return {
        "kernel_shape": kernel,
        "strides": call.integers("stride", axes) or kernel,
        "pads": call.integers("padding", axes) * 2,
        "ceil_mode": call.integer("ceil_mode"),
    }
