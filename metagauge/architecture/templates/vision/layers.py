"""Convolutions, linear maps, norms and pools of maps."""

from math import prod

import numpy as np

from metagauge.architecture.templates.sketch import Value
from metagauge.architecture.templates.vision.canvas import Canvas, Signal, mismatch
from metagauge.architecture.templates.vision.parts import (
    BatchNorm,
    Conv,
    LayerNorm,
    Linear,
    Padding,
    Pool,
    ResponseNorm,
)
from metagauge.architecture.templates.vision.weights import weight


def convolve(canvas: Canvas, part: Conv, signal: Signal) -> Signal:
    """A convolution, or a transposed one, of as many position axes as the weight has."""
    signal = canvas.channels_first(signal)
    kernel = weight(canvas, part.name, transposed=part.transposed)
    axes = kernel.rank - 2
    inputs, outputs = (kernel.shape[:2] if part.transposed else kernel.shape[1::-1]) if axes > 0 else (0, 0)
    if axes != len(signal.positions) or not inputs or signal.channels % inputs or part.stride < 1:
        raise mismatch(
            kernel, f"it is applied with stride {part.stride} to a value of shape {list(signal.value.shape)}"
        )
    groups = signal.channels // inputs
    if part.transposed:
        groups, outputs = _transposed_groups(kernel, signal, part)
    if part.outputs not in (None, outputs) or outputs % groups:
        raise mismatch(kernel, f"{part.outputs or 'a multiple of ' + str(groups)} outputs are expected")
    bias = canvas.optional(f"{part.name}.bias")
    if bias is not None and bias.shape != (outputs,):
        raise mismatch(bias, f"the convolution has {outputs} outputs")
    spread = [part.dilation * (size - 1) + 1 for size in kernel.shape[2:]]
    pads = _pads(part.padding, spread, kernel.shape[2:], signal.positions, part)
    if min(min(pad) for pad in pads) < 0:
        raise mismatch(kernel, f"a padding of {pads} is no padding")
    attributes = {
        "strides": (part.stride,) * axes,
        "dilations": (part.dilation,) * axes,
        "group": groups,
        "kernel_shape": kernel.shape[2:],
        "pads": (*(before for before, _ in pads), *(after for _, after in pads)),
    }
    if part.transposed:
        sizes = [
            part.stride * (size - 1) + width - sum(pad)
            for size, width, pad in zip(signal.positions, spread, pads, strict=True)
        ]
    else:
        sizes = [
            (size + sum(pad) - width) // part.stride + 1
            for size, width, pad in zip(signal.positions, spread, pads, strict=True)
        ]
    operands = (signal.value, kernel) if bias is None else (signal.value, kernel, bias)
    operator = "ConvTranspose" if part.transposed else "Conv"
    return canvas.signal(canvas.sketch.operator(operator, (1, outputs, *sizes), *operands, **attributes), "map")


def _transposed_groups(kernel: Value, signal: Signal, part: Conv) -> tuple[int, int]:
    """Groups and outputs of a transposed convolution, whose weight tells neither unless the outputs are known."""
    if kernel.shape[0] != signal.channels:
        raise mismatch(kernel, f"it is applied to a value of {signal.channels} channels")
    outputs = part.outputs or kernel.shape[1]
    return max(1, outputs // kernel.shape[1]), outputs


def _pads(
    padding: Padding, spread: list[int], kernel: tuple[int, ...], positions: tuple[int, ...], part: Conv
) -> list[tuple[int, int]]:
    """Before and after, for each axis. `spread` is the dilated kernel's width."""
    match padding:
        case int():
            return [(padding, padding)] * len(spread)
        case "half":
            return [(width // 2, width // 2) for width in spread]
        case "tensorflow":
            # transformers multiplies what the kernel needs by the dilation, `apply_tf_padding` of its MobileNets.
            need = [
                max(width - (size % part.stride or part.stride), 0)
                for width, size in zip(kernel, positions, strict=True)
            ]
            return [(total // 2 * part.dilation, (total - total // 2) * part.dilation) for total in need]
        case _:
            return list(padding)


def linear(canvas: Canvas, part: Linear, signal: Signal) -> Signal:
    """A linear map of the channels at every position."""
    signal = canvas.channels_last(signal)
    matrix = weight(canvas, part.name)
    if matrix.rank != 2:
        raise mismatch(matrix, "a matrix is expected")
    inputs, outputs = matrix.shape if part.transposed else matrix.shape[::-1]
    if inputs != signal.channels:
        raise mismatch(matrix, f"the value it is applied to has {signal.channels} channels")
    if part.outputs not in (None, outputs):
        raise mismatch(matrix, f"{part.outputs} outputs are expected")
    bias = canvas.optional(f"{part.name}.bias")
    if bias is not None and bias.shape != (outputs,):
        raise mismatch(bias, f"the linear layer has {outputs} outputs")
    sketch = canvas.sketch
    if signal.value.rank == 2:
        operands = (signal.value, matrix) if bias is None else (signal.value, matrix, bias)
        return canvas.signal(
            sketch.operator("Gemm", (1, outputs), *operands, transB=0 if part.transposed else 1), "last"
        )
    stored = "inputs first" if part.transposed else "outputs first"
    return canvas.signal(sketch.linear(signal.value, matrix, bias, stored=stored), "last")


def batch_norm(canvas: Canvas, part: BatchNorm, signal: Signal) -> Signal:
    """Batch norm with running statistics; without learned scale and shift, ones and zeros take their place."""
    last_map = signal.layout == "last" and signal.positions
    signal = canvas.channels_first(signal) if last_map else signal
    statistics = canvas.weight(f"{part.name}.running_mean"), canvas.weight(f"{part.name}.running_var")
    scale = canvas.optional(f"{part.name}.weight")
    shift = canvas.optional(f"{part.name}.bias")
    for tensor in (scale, shift, *statistics):
        if tensor is not None and tensor.shape != (signal.channels,):
            raise mismatch(tensor, f"the value it normalises has {signal.channels} channels")
    sketch = canvas.sketch
    affine = (scale or sketch.constant(np.ones(signal.channels)), shift or sketch.constant(np.zeros(signal.channels)))
    value = sketch.operator(
        "BatchNormalization", signal.value.shape, signal.value, *affine, *statistics, epsilon=part.epsilon
    )
    return canvas.signal(value, signal.layout)


def layer_norm(canvas: Canvas, part: LayerNorm, signal: Signal) -> Signal:
    """Layer norm over the channels; the signal comes back with its channels last."""
    signal = canvas.channels_last(signal)
    scale, shift = canvas.weight(f"{part.name}.weight"), canvas.optional(f"{part.name}.bias")
    for tensor in (scale, shift):
        if tensor is not None and tensor.shape != (signal.channels,):
            raise mismatch(tensor, f"the value it normalises has {signal.channels} channels")
    return canvas.signal(canvas.sketch.layer_norm(signal.value, scale, shift, part.epsilon), "last")


def response_norm(canvas: Canvas, part: ResponseNorm, signal: Signal) -> Signal:
    """Global response normalisation."""
    sketch = canvas.sketch
    norm = sketch.reduce("ReduceL2", signal.value, signal.position_axes, keep=True)
    channel_axis = 1 if signal.layout == "map" else signal.value.rank - 1
    mean = sketch.reduce("ReduceMean", norm, (channel_axis,), keep=True)
    relative = sketch.elementwise("Div", norm, sketch.add(mean, sketch.constant(part.epsilon)))
    scale = canvas.along_channels(signal, canvas.weight(part.weight))
    shift = canvas.along_channels(signal, canvas.weight(part.bias))
    scaled = sketch.multiply(scale, sketch.multiply(signal.value, relative))
    return canvas.signal(sketch.add(sketch.add(scaled, shift), signal.value), signal.layout)


def pool(canvas: Canvas, part: Pool, signal: Signal) -> Signal:
    """Windows of a map."""
    signal = canvas.channels_first(signal)
    axes = len(signal.positions)
    sizes = []
    for size in signal.positions:
        space = size + 2 * part.padding - part.kernel
        steps = -(-space // part.stride) if part.ceil else space // part.stride
        # As in torch, the last window has to begin inside the input or the padding before it.
        if part.ceil and steps * part.stride >= size + part.padding:
            steps -= 1
        sizes.append(steps + 1)
    attributes = {
        "kernel_shape": (part.kernel,) * axes,
        "strides": (part.stride,) * axes,
        "pads": (part.padding,) * 2 * axes,
        "ceil_mode": int(part.ceil),
    }
    if part.reduction == "mean":
        attributes["count_include_pad"] = int(part.count_padding)
    operator = "MaxPool" if part.reduction == "max" else "AveragePool"
    shape = (1, signal.channels, *sizes)
    return canvas.signal(canvas.sketch.operator(operator, shape, signal.value, **attributes), "map")


def flatten(canvas: Canvas, signal: Signal) -> Signal:
    """All axes behind the batch become one, channels first."""
    if not signal.positions:
        return signal
    signal = canvas.channels_first(signal)
    shape = (1, prod(signal.value.shape))
    return canvas.signal(canvas.sketch.operator("Flatten", shape, signal.value, axis=1), "last")
