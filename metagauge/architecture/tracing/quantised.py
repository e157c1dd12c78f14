"""ONNX's quantised operators: what they do to the numbers that their integers stand for."""

from metagauge.architecture.attributes import integer
from metagauge.architecture.operators.reduction import Reduce
from metagauge.architecture.tracing.arithmetic import FLOAT_MAX, affine, binary, clip, unary
from metagauge.architecture.tracing.call import call
from metagauge.architecture.tracing.quantisation import (
    RANGES,
    Scheme,
    as_float,
    dequantised,
    dtype_of,
    quantised,
    scheme,
    shifted,
    stored,
)
from metagauge.architecture.tracing.reshaping import reshaped
from metagauge.architecture.tracing.states import Inputs, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.onnx_tensor import DTYPES
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError


def quantize_linear(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """QuantizeLinear, of ONNX and of com.microsoft."""
    x, zero = required(inputs, 0), tensor_at(inputs, 2)
    by = scheme(tracing, required(inputs, 1), zero, shape_of(x), integer(node, "axis", 1), _block(node))
    stated = DTYPES.get(integer(node, "output_dtype", 0), "")
    return quantised(tracing, x, by, stated or output_type(tracing, zero))


def dequantize_linear(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """DequantizeLinear, of ONNX and of com.microsoft."""
    x = required(inputs, 0)
    scale, zero = required(inputs, 1), tensor_at(inputs, 2)
    return dequantised(tracing, x, scheme(tracing, scale, zero, shape_of(x), integer(node, "axis", 1), _block(node)))


def dynamic_quantize_linear(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike, ...]:
    """DynamicQuantizeLinear: scale and zero point from the largest and smallest element."""
    x = required(inputs, 0)
    by = dynamic_scheme(tracing, x)
    return quantised(tracing, x, by, "U8"), by.scale, by.zero


def dynamic_scheme(tracing: Tracing, x: Tensorlike) -> Scheme:
    """The scale and zero point with which all of x, and zero, fits into eight bits."""
    axes = tuple(range(len(shape_of(x))))
    high = clip(tracing, tracing.apply(Reduce(function="max", axes=axes, keep=False), x), 0.0, FLOAT_MAX)
    low = clip(tracing, tracing.apply(Reduce(function="min", axes=axes, keep=False), x), -FLOAT_MAX, 0.0)
    scale = affine(tracing, binary(tracing, "subtract", high, low), 1 / 255)
    zero = unary(tracing, "round", affine(tracing, binary(tracing, "divide", low, scale), -1.0))
    return Scheme(scale=scale, zero=clip(tracing, zero, 0.0, 255.0))


def qlinear_conv(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """QLinearConv."""
    x, weight = dequantised_at(tracing, inputs, 0), dequantised_at(tracing, inputs, 3, axis=0)
    bias = tensor_at(inputs, 8)
    if bias is not None:
        factors = reshaped_all(tracing, required(inputs, 1)), reshaped_all(tracing, required(inputs, 4))
        factor = binary(tracing, "multiply", *factors)
        bias = binary(tracing, "multiply", as_float(tracing, stored(tracing, bias)), factor)
    y = call(tracing, "Conv", x, weight, bias, attributes=node.attributes)
    return requantised(tracing, y, inputs, 6)


def qlinear_matmul(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """QLinearMatMul: scales for each row of the left or each column of the right side, or one."""
    left, right = dequantised_at(tracing, inputs, 0, axis=-2), dequantised_at(tracing, inputs, 3, axis=-1)
    return requantised(tracing, call(tracing, "MatMul", left, right), inputs, 6)


def conv_integer(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """ConvInteger: the weight's zero point may be one for each output channel."""
    weight = required(inputs, 1)
    zero = _column(tracing, tensor_at(inputs, 3), (-1, *(1,) * (len(shape_of(weight)) - 1)))
    x = shifted(tracing, required(inputs, 0), tensor_at(inputs, 2))
    return call(tracing, "Conv", x, shifted(tracing, weight, zero), attributes=node.attributes)


def matmul_integer(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """MatMulInteger: zero points for each row of the left or each column of the right side, or one."""
    left = shifted(tracing, required(inputs, 0), _column(tracing, tensor_at(inputs, 2), (-1, 1)))
    return call(tracing, "MatMul", left, shifted(tracing, required(inputs, 1), tensor_at(inputs, 3)))


def dequantised_at(tracing: Tracing, inputs: Inputs, place: int, axis: int = 1) -> Tensorlike:
    """What the three inputs from `place` on stand for: integers, scale and zero point."""
    x = required(inputs, place)
    by = scheme(tracing, required(inputs, place + 1), tensor_at(inputs, place + 2), shape_of(x), axis)
    return dequantised(tracing, x, by)


def requantised(tracing: Tracing, y: Tensorlike, inputs: Inputs, place: int) -> Tensorlike:
    """The integers that stand for y by the two inputs from `place` on: scale and zero point."""
    zero = tensor_at(inputs, place + 1)
    by = scheme(tracing, required(inputs, place), zero, shape_of(y), 1)
    return quantised(tracing, y, by, output_type(tracing, zero))


def output_type(tracing: Tracing, zero: Tensorlike | None) -> str:
    """The type of the zero point is that of the integers; without one they are of eight bits, unsigned."""
    if zero is None:
        return "U8"
    dtype = dtype_of(tracing, zero)
    if dtype not in RANGES:
        raise StructureNotInferableError(f"the zero point has type {dtype or 'unknown'}, which is no integer type")
    return dtype


def reshaped_all(tracing: Tracing, scale: Tensorlike) -> Tensorlike:
    """A scale as a number, or as one for each channel."""
    return reshaped(tracing, scale, ()) if shape_of(scale) == (1,) else scale


def _column(tracing: Tracing, zero: Tensorlike | None, shape: tuple[int, ...]) -> Tensorlike | None:
    if zero is None or len(shape_of(zero)) != 1:
        return zero
    (size,) = shape_of(zero)
    if size == 1:
        return reshaped(tracing, zero, ())
    return reshaped(tracing, zero, tuple(size if each == -1 else each for each in shape))


def _block(node: Node) -> int:
    return integer(node, "block_size", 0)


OPERATORS: Registry = {
    ("", "QuantizeLinear"): quantize_linear,
    ("com.microsoft", "QuantizeLinear"): quantize_linear,
    ("", "DequantizeLinear"): dequantize_linear,
    ("com.microsoft", "DequantizeLinear"): dequantize_linear,
    ("", "DynamicQuantizeLinear"): dynamic_quantize_linear,
    ("", "QLinearConv"): qlinear_conv,
    ("", "QLinearMatMul"): qlinear_matmul,
    ("com.microsoft", "QLinearMatMul"): qlinear_matmul,
    ("", "ConvInteger"): conv_integer,
    ("", "MatMulInteger"): matmul_integer,
    ("com.microsoft", "MatMulInteger16"): matmul_integer,
}
