"""Pooling over windows and over all positions."""

from collections.abc import Mapping
from math import prod
from typing import Literal

from metagauge.architecture.attributes import flag, integers, real
from metagauge.architecture.operators.reduction import Reduce, ReduceFunction, WindowPool
from metagauge.architecture.tracing.arithmetic import affine, power, unary
from metagauge.architecture.tracing.convolution import padding
from metagauge.architecture.tracing.states import Inputs, Tensorlike, required, shape_of
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_GLOBAL: Mapping[str, ReduceFunction] = {"GlobalAveragePool": "mean", "GlobalMaxPool": "max"}


def pooled(
    tracing: Tracing,
    node: Node,
    x: Tensorlike,
    reduction: Literal["max", "mean", "l2"],
    *,
    count_padding: bool = True,
) -> Tensorlike:
    """Windows as the attributes of `node` say."""
    kernel = integers(node, "kernel_shape")
    if kernel is None:
        raise StructureNotInferableError("the size of the window is not known")
    rank = len(kernel)
    stride = integers(node, "strides") or (1,) * rank
    dilation = integers(node, "dilations") or (1,) * rank
    pairs = padding(node, shape_of(x)[2:], kernel, stride, dilation)
    operator = WindowPool(
        reduction=reduction,
        kernel=kernel,
        stride=stride,
        padding=pairs,
        dilation=dilation,
        ceil=flag(node, "ceil_mode", False),
        count_padding=count_padding or reduction != "mean" or not any(pair != (0, 0) for pair in pairs),
    )
    return tracing.apply(operator, x)


def _max_pool(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    return pooled(tracing, node, required(inputs, 0), "max")


def _average_pool(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    return pooled(tracing, node, required(inputs, 0), "mean", count_padding=flag(node, "count_include_pad", False))


def _lp_pool(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, exponent = required(inputs, 0), real(node, "p", 2.0)
    if exponent == 2.0:
        return pooled(tracing, node, x, "l2")
    powers = power(tracing, unary(tracing, "absolute", x), exponent)
    mean = pooled(tracing, node, powers, "mean")
    return power(tracing, affine(tracing, mean, float(prod(integers(node, "kernel_shape") or ()))), 1.0 / exponent)


def _global_pool(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x = required(inputs, 0)
    axes = tuple(range(2, len(shape_of(x))))
    return tracing.apply(Reduce(function=_GLOBAL[node.operator], axes=axes), x)


def _global_lp_pool(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, exponent = required(inputs, 0), real(node, "p", 2.0)
    axes = tuple(range(2, len(shape_of(x))))
    if exponent == 2.0:
        return tracing.apply(Reduce(function="l2", axes=axes), x)
    powers = power(tracing, unary(tracing, "absolute", x), exponent)
    return power(tracing, tracing.apply(Reduce(function="sum", axes=axes), powers), 1.0 / exponent)


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "MaxPool"): _max_pool,
    ("", "AveragePool"): _average_pool,
    ("", "LpPool"): _lp_pool,
    **{("", name): _global_pool for name in _GLOBAL},
    ("", "GlobalLpPool"): _global_lp_pool,
}
