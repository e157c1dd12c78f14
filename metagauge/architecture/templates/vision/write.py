"""Writes a plan: its parts, one after the other, become operators of a program."""

from collections.abc import Callable, Mapping
from typing import assert_never

from metagauge.architecture.templates.sketch import Sketch, Value
from metagauge.architecture.templates.vision.canvas import Canvas, Signal
from metagauge.architecture.templates.vision.functions import activation, prelu, unknown
from metagauge.architecture.templates.vision.layers import (
    batch_norm,
    convolve,
    flatten,
    layer_norm,
    linear,
    pool,
    response_norm,
)
from metagauge.architecture.templates.vision.parts import (
    AcrossTokens,
    Activation,
    BatchNorm,
    Branches,
    ChannelScale,
    Conv,
    Flatten,
    Gate,
    GlobalPool,
    LayerNorm,
    Linear,
    Part,
    Parts,
    Plan,
    Pool,
    PRelu,
    Residual,
    ResponseNorm,
    Tokenwise,
    Unknown,
)
from metagauge.architecture.templates.vision.recurrence import recurrent
from metagauge.architecture.templates.vision.token_parts import (
    Attention,
    ClassToken,
    Embedding,
    MergePatches,
    PositionTable,
    Recurrent,
    SelectToken,
    ToTokens,
    WindowAttention,
)
from metagauge.architecture.templates.vision.tokens import (
    attention,
    class_token,
    position_table,
    select_token,
    to_tokens,
)
from metagauge.architecture.templates.vision.windows import merge_patches, window_attention
from metagauge.architecture.templates.writer import Draft, ProgramWriter
from metagauge.checkpoint.tensor import Tensor
from metagauge.errors import ArchitectureMismatchError

_COUNTERS = ("num_batches_tracked", "relative_position_index")
"""How tensors end that no output depends on: counts of training steps, and tables of places that sizes tell."""
_SHOWN = 6
"""Tensors that a message names."""


def write(plan: Plan, tensors: Mapping[str, Tensor], rename: Callable[[str], str] = str) -> Draft:
    """The program of `plan` over `tensors`; `rename` turns a name of a part into one of the file.

    Raises:
        ArchitectureMismatchError: a tensor is missing, has a shape that does not fit, or is left over.
        LimitExceededError: the network would be too large.
    """
    writer = ProgramWriter(tensors=tensors)
    canvas = Canvas(sketch=Sketch(writer=writer), rename=rename)
    given = canvas.sketch.given("input", (1, *plan.input_shape), plan.dtype)
    signal = write_parts(canvas, plan.parts, canvas.signal(given, plan.layout))
    draft = writer.finish(signal.value.name)
    _check_all_used(plan, draft, tensors, rename)
    return draft


def write_parts(canvas: Canvas, parts: Parts, signal: Signal) -> Signal:
    """The parts, one after the other."""
    for part in parts:
        signal = _write_part(canvas, part, signal)
    return signal


def _write_part(canvas: Canvas, part: Part, signal: Signal) -> Signal:
    match part:
        case Conv():
            return convolve(canvas, part, signal)
        case Linear():
            return linear(canvas, part, signal)
        case BatchNorm():
            return batch_norm(canvas, part, signal)
        case LayerNorm():
            return layer_norm(canvas, part, signal)
        case ResponseNorm():
            return response_norm(canvas, part, signal)
        case Activation():
            return activation(canvas, part, signal)
        case PRelu():
            return prelu(canvas, part, signal)
        case Unknown():
            return unknown(canvas, signal)
        case Pool():
            return pool(canvas, part, signal)
        case GlobalPool():
            return _global_pool(canvas, part, signal)
        case Flatten():
            return flatten(canvas, signal)
        case ChannelScale():
            factors = canvas.along_channels(signal, canvas.weight(part.tensor))
            return canvas.signal(canvas.sketch.multiply(signal.value, factors), signal.layout)
        case Residual():
            return _residual(canvas, part, signal)
        case Gate():
            gate = _like(canvas, write_parts(canvas, part.body, signal), signal)
            return canvas.signal(canvas.sketch.multiply(signal.value, gate), signal.layout)
        case Tokenwise():
            return _tokenwise(canvas, part, signal)
        case AcrossTokens():
            return _across_tokens(canvas, part, signal)
        case Branches():
            return _branches(canvas, part, signal)
        case ToTokens():
            return to_tokens(canvas, signal)
        case ClassToken():
            return class_token(canvas, part, signal)
        case PositionTable():
            return position_table(canvas, part, signal)
        case SelectToken():
            return select_token(canvas, part, signal)
        case Attention():
            return attention(canvas, part, signal)
        case WindowAttention():
            return window_attention(canvas, part, signal)
        case MergePatches():
            return merge_patches(canvas, signal)
        case Recurrent():
            return recurrent(canvas, part, signal)
        case Embedding():
            return canvas.signal(canvas.sketch.gather(canvas.weight(part.tensor), signal.value), "last")
        case _:
            assert_never(part)


def _global_pool(canvas: Canvas, part: GlobalPool, signal: Signal) -> Signal:
    if signal.layout == "last":
        operator = "ReduceMean" if part.reduction == "mean" else "ReduceMax"
        return canvas.signal(canvas.sketch.reduce(operator, signal.value, signal.position_axes, keep=False), "last")
    operator = "GlobalAveragePool" if part.reduction == "mean" else "GlobalMaxPool"
    shape = (1, signal.channels, *(1 for _ in signal.positions))
    return canvas.signal(canvas.sketch.operator(operator, shape, signal.value), "map")


def _residual(canvas: Canvas, part: Residual, signal: Signal) -> Signal:
    body = write_parts(canvas, part.body, signal)
    beside = write_parts(canvas, part.shortcut, signal)
    if body.layout != beside.layout:
        body, beside = canvas.channels_first(body), canvas.channels_first(beside)
    if body.value.shape != beside.value.shape:
        shapes = f"{list(body.value.shape)} and {list(beside.value.shape)}"
        raise ArchitectureMismatchError(f"a sum of a block and what goes around it has values of shapes {shapes}")
    return canvas.signal(canvas.sketch.add(body.value, beside.value), body.layout)


def _tokenwise(canvas: Canvas, part: Tokenwise, signal: Signal) -> Signal:
    signal = canvas.channels_last(signal)
    tokens = write_parts(canvas, part.body, to_tokens(canvas, signal))
    shape = (1, *signal.positions, tokens.channels)
    return canvas.signal(canvas.sketch.reshape(tokens.value, shape), "last")


def _across_tokens(canvas: Canvas, part: AcrossTokens, signal: Signal) -> Signal:
    sketch = canvas.sketch
    turned = canvas.signal(sketch.transpose(signal.value, (0, 2, 1)), "last")
    mixed = write_parts(canvas, part.body, turned)
    return canvas.signal(sketch.transpose(mixed.value, (0, 2, 1)), "last")


def _like(canvas: Canvas, gate: Signal, signal: Signal) -> Value:
    """The gate in the layout of the signal."""
    if gate.layout == signal.layout or not gate.positions:
        return gate.value
    return (canvas.channels_first(gate) if signal.layout == "map" else canvas.channels_last(gate)).value


def _branches(canvas: Canvas, part: Branches, signal: Signal) -> Signal:
    ends = [canvas.channels_first(write_parts(canvas, branch, signal)) for branch in part.branches]
    return canvas.signal(canvas.sketch.concat([end.value for end in ends], axis=1), "map")


def _check_all_used(plan: Plan, draft: Draft, tensors: Mapping[str, Tensor], rename: Callable[[str], str]) -> None:
    placed = draft.consumed | {rename(name) for name in plan.ignored}
    left = [name for name in tensors if name not in placed and not name.endswith(_COUNTERS)]
    if left:
        shown = ", ".join(repr(name[:100]) for name in left[:_SHOWN])
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        raise ArchitectureMismatchError(f"{plan.family} has no place for the tensors {shown}{more}")
