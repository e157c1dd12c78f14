"""Norms: standardising, then scale and shift as operators of their own."""

from collections.abc import Mapping

from metagauge.architecture.attributes import integer, integers, real
from metagauge.architecture.operators.reduction import LocalNorm, Reduce, Standardise
from metagauge.architecture.tracing.arithmetic import affine, binary, power, unary
from metagauge.architecture.tracing.reshaping import axes_of, axis_of, reshaped
from metagauge.architecture.tracing.states import Inputs, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_MVN_EPSILON = 1e-18
"""ONNX adds 1e-9 to the standard deviation, which is this in the variance of a constant input."""


def standardised(
    tracing: Tracing, x: Tensorlike, axes: tuple[int, ...], epsilon: float, *, centred: bool = True
) -> Tensorlike:
    """x with mean zero and variance one over the axes; not `centred`, with mean square one."""
    return tracing.apply(Standardise(axes=axes, epsilon=epsilon, centred=centred), x)


def scaled(tracing: Tracing, x: Tensorlike, scale: Tensorlike | None, shift: Tensorlike | None) -> Tensorlike:
    """x times scale plus shift, either of which may be left out."""
    if scale is not None:
        x = binary(tracing, "multiply", x, tracing.parameter(scale))
    return x if shift is None else binary(tracing, "add", x, tracing.parameter(shift))


def layer_norm(
    tracing: Tracing, x: Tensorlike, scale: Tensorlike | None, shift: Tensorlike | None, epsilon: float, axis: int = -1
) -> Tensorlike:
    """Layer norm over `axis` and all behind it."""
    rank = len(shape_of(x))
    axes = tuple(range(axis_of(axis, rank), rank))
    return scaled(tracing, standardised(tracing, x, axes, epsilon), scale, shift)


def rms_norm(tracing: Tracing, x: Tensorlike, scale: Tensorlike | None, epsilon: float, axis: int = -1) -> Tensorlike:
    """Layer norm without centring."""
    rank = len(shape_of(x))
    axes = tuple(range(axis_of(axis, rank), rank))
    return scaled(tracing, standardised(tracing, x, axes, epsilon, centred=False), scale, None)


def per_channel(tracing: Tracing, parameter: Tensorlike, rank: int) -> Tensorlike:
    """One number for each channel of a value with `rank` axes."""
    parameter = tracing.parameter(parameter)
    shape = shape_of(parameter)
    return reshaped(tracing, parameter, (*shape, *(1,) * (rank - 1 - len(shape))))


def _batch_norm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x = required(inputs, 0)
    scale, shift, mean, variance = (tracing.parameter(required(inputs, place)) for place in range(1, 5))
    epsilon, rank = real(node, "epsilon", 1e-5), len(shape_of(x))
    if integer(node, "training_mode", 0):
        axes = (0, *range(2, rank))
        scale, shift = (per_channel(tracing, each, rank) for each in (scale, shift))
        return scaled(tracing, standardised(tracing, x, axes, epsilon), scale, shift)
    deviation = unary(tracing, "sqrt", affine(tracing, variance, 1.0, epsilon))
    factor = binary(tracing, "divide", scale, deviation)
    offset = binary(tracing, "subtract", shift, binary(tracing, "multiply", mean, factor))
    factor, offset = (per_channel(tracing, each, rank) for each in (factor, offset))
    return binary(tracing, "add", binary(tracing, "multiply", x, factor), offset)


def _instance_norm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x = required(inputs, 0)
    rank = len(shape_of(x))
    scale, shift = (per_channel(tracing, required(inputs, place), rank) for place in (1, 2))
    axes = tuple(range(2, rank))
    return scaled(tracing, standardised(tracing, x, axes, real(node, "epsilon", 1e-5)), scale, shift)


def _layer_norm(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike, ...]:
    x, scale, shift = required(inputs, 0), tensor_at(inputs, 1), tensor_at(inputs, 2)
    epsilon, axis = real(node, "epsilon", 1e-5), integer(node, "axis", -1)
    norm = layer_norm(tracing, x, scale, shift, epsilon, axis)
    if not any(node.outputs[1:]):
        return (norm,)
    axes = tuple(range(axis_of(axis, len(shape_of(x))), len(shape_of(x))))
    mean = tracing.apply(Reduce(function="mean", axes=axes), x)
    square = power(tracing, binary(tracing, "subtract", x, mean), 2.0)
    variance = affine(tracing, tracing.apply(Reduce(function="mean", axes=axes), square), 1.0, epsilon)
    return norm, mean, unary(tracing, "reciprocal", unary(tracing, "sqrt", variance))


def _rms_norm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, scale = required(inputs, 0), tensor_at(inputs, 1)
    return rms_norm(tracing, x, scale, real(node, "epsilon", 1e-5), integer(node, "axis", -1))


def _group_norm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, groups = required(inputs, 0), integer(node, "num_groups", 1)
    scale, shift = required(inputs, 1), required(inputs, 2)
    batch, channels, *positions = shape_of(x)
    rank, width = 2 + len(positions), channels // groups if groups else 0
    apart = reshaped(tracing, x, (batch, groups, width, *positions))
    norm = standardised(tracing, apart, tuple(range(2, rank + 1)), real(node, "epsilon", 1e-5))
    if shape_of(scale) == (groups,) and groups != channels:  # operator sets 18 to 20 have one number for each group
        norm = scaled(tracing, norm, *(per_channel(tracing, each, rank + 1) for each in (scale, shift)))
        return reshaped(tracing, norm, shape_of(x))
    whole = reshaped(tracing, norm, shape_of(x))
    return scaled(tracing, whole, *(per_channel(tracing, each, rank) for each in (scale, shift)))


def _lp_norm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, exponent = required(inputs, 0), integer(node, "p", 2)
    if exponent not in (1, 2):
        raise StructureNotInferableError(f"a norm of order {exponent}")
    axis = axis_of(integer(node, "axis", -1), len(shape_of(x)))
    size = tracing.apply(Reduce(function="l1" if exponent == 1 else "l2", axes=(axis,)), x)
    return binary(tracing, "divide", x, size)


def _mean_variance_norm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x = required(inputs, 0)
    rank = len(shape_of(x))
    old = (2, 3) if not integer(node, "across_channels", 0) else (1, 2, 3)
    default = (0, 2, 3) if tracing.opset >= 9 else old
    return standardised(tracing, x, axes_of(integers(node, "axes") or default, rank), _MVN_EPSILON)


def _local_norm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    operator = LocalNorm(
        size=integer(node, "size", 1),
        alpha=real(node, "alpha", 0.0001),
        beta=real(node, "beta", 0.75),
        bias=real(node, "bias", 1.0),
    )
    return tracing.apply(operator, required(inputs, 0))


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "BatchNormalization"): _batch_norm,
    ("", "InstanceNormalization"): _instance_norm,
    ("", "LayerNormalization"): _layer_norm,
    ("", "RMSNormalization"): _rms_norm,
    ("", "GroupNormalization"): _group_norm,
    ("", "LpNormalization"): _lp_norm,
    ("", "MeanVarianceNormalization"): _mean_variance_norm,
    ("", "LRN"): _local_norm,
}
