"""Operators on maps whose channels come last (NhwcConv, and com.ms.internal.nhwc): turned, computed, turned back."""

from metagauge.architecture.attributes import integer
from metagauge.architecture.tracing.call import call
from metagauge.architecture.tracing.fused import with_activation
from metagauge.architecture.tracing.reshaping import transposed
from metagauge.architecture.tracing.states import Inputs, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Node

_INTERNAL = (
    "Conv",
    "ConvTranspose",
    "MaxPool",
    "AveragePool",
    "GlobalMaxPool",
    "GlobalAveragePool",
    "BatchNormalization",
    "InstanceNormalization",
    "LRN",
    "DepthToSpace",
    "SpaceToDepth",
)


def channels_first(tracing: Tracing, x: Tensorlike) -> Tensorlike:
    """(batch, *positions, channels) as (batch, channels, *positions)."""
    rank = len(shape_of(x))
    return transposed(tracing, x, (0, rank - 1, *range(1, rank - 1)))


def back(tracing: Tracing, x: Tensorlike) -> Tensorlike:
    """The inverse of `channels_first`."""
    return transposed(tracing, x, (0, *range(2, len(shape_of(x))), 1))


def nhwc_conv(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """NhwcConv and NhwcFusedConv: the weight has its input channels last as well, or where ONNX has them."""
    x, weight = required(inputs, 0), required(inputs, 1)
    channels = shape_of(x)[-1] // max(integer(node, "group", 1), 1)
    if shape_of(weight)[-1] == channels:
        weight = channels_first(tracing, weight)
    addend = tensor_at(inputs, 3)
    first = None if addend is None else channels_first(tracing, addend)
    y = with_activation(tracing, node, channels_first(tracing, x), weight, tensor_at(inputs, 2), first)
    return back(tracing, y)


def internal(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """ONNX's own operators, their first input and output with the channels last."""
    x = channels_first(tracing, required(inputs, 0))
    operator = node.operator.removeprefix("Nhwc")
    return back(tracing, call(tracing, operator, x, *inputs[1:], attributes=node.attributes))


OPERATORS: Registry = {
    ("com.microsoft", "NhwcConv"): nhwc_conv,
    ("com.microsoft", "NhwcFusedConv"): nhwc_conv,
    ("com.microsoft", "NhwcMaxPool"): internal,
    **{("com.ms.internal.nhwc", name): internal for name in _INTERNAL},
}
