"""Quantised operators of ONNX Runtime (com.microsoft): dequantise, compute, quantise."""

from dataclasses import replace

from metagauge.architecture.attributes import flag
from metagauge.architecture.tracing.arithmetic import binary, where
from metagauge.architecture.tracing.call import call
from metagauge.architecture.tracing.channels_last import back, channels_first
from metagauge.architecture.tracing.microsoft_attention import attended, projections
from metagauge.architecture.tracing.quantisation import dequantised, quantised, scheme
from metagauge.architecture.tracing.quantised import (
    dequantised_at,
    dynamic_scheme,
    qlinear_conv,
    requantised,
)
from metagauge.architecture.tracing.reshaping import reshaped, transposed
from metagauge.architecture.tracing.states import Inputs, State, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError

_MICROSOFT = "com.microsoft"
_ONE_INPUT = {
    "QLinearSigmoid": "Sigmoid",
    "QLinearLeakyRelu": "LeakyRelu",
    "QLinearSoftmax": "Softmax",
    "QLinearAveragePool": "AveragePool",
    "QLinearGlobalAveragePool": "GlobalAveragePool",
}


def arithmetic(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """QLinearAdd and QLinearMul."""
    left, right = dequantised_at(tracing, inputs, 0), dequantised_at(tracing, inputs, 3)
    function = "add" if node.operator == "QLinearAdd" else "multiply"
    return requantised(tracing, binary(tracing, function, left, right), inputs, 6)


def of_one(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """An activation, a softmax or a pool of one quantised value."""
    x = dequantised_at(tracing, inputs, 0)
    is_last = flag(node, "channels_last", False)
    attributes = {name: value for name, value in node.attributes.items() if name not in ("channels_last", "opset")}
    inner = channels_first(tracing, x) if is_last else x
    y = call(tracing, _ONE_INPUT[node.operator], inner, attributes=attributes)
    return requantised(tracing, back(tracing, y) if is_last else y, inputs, 3)


def reduce_mean(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """QLinearReduceMean: its axes are an attribute, whatever the operator set."""
    outside, tracing.opset = tracing.opset, min(tracing.opset, 13)
    try:
        mean = call(tracing, "ReduceMean", dequantised_at(tracing, inputs, 0), attributes=node.attributes)
    finally:
        tracing.opset = outside
    return requantised(tracing, mean, inputs, 3)


def concat(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """QLinearConcat: scale and zero point of the output come first."""
    parts = [dequantised_at(tracing, inputs, place) for place in range(2, len(inputs), 3)]
    return requantised(tracing, call(tracing, "Concat", *parts, attributes=node.attributes), inputs, 0)


def choice(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """QLinearWhere."""
    yes, no = dequantised_at(tracing, inputs, 1), dequantised_at(tracing, inputs, 4)
    return requantised(tracing, where(tracing, required(inputs, 0), yes, no), inputs, 7)


def conv(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """QLinearConv of com.microsoft, perhaps with channels last."""
    if not flag(node, "channels_last", False):
        return qlinear_conv(tracing, node, inputs)
    first = channels_first(tracing, required(inputs, 0))
    return back(tracing, qlinear_conv(tracing, node, (first, *inputs[1:])))


def gemm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """QGemm: the bias has the product of both scales; without an output scale the output is float."""
    axis = 0 if flag(node, "transB", False) else 1
    left, right = dequantised_at(tracing, inputs, 0), dequantised_at(tracing, inputs, 3, axis=axis)
    bias = tensor_at(inputs, 6)
    if bias is not None:
        factor = binary(tracing, "multiply", _flat(tracing, required(inputs, 1)), _flat(tracing, required(inputs, 4)))
        by = scheme(tracing, factor, None, shape_of(bias), -1)
        bias = dequantised(tracing, bias, by)
    y = call(tracing, "Gemm", left, right, bias, attributes=node.attributes)
    return y if tensor_at(inputs, 7) is None else requantised(tracing, y, inputs, 7)


def dynamic_matmul(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """DynamicQuantizeMatMul: the left side is quantised by what it holds."""
    left = required(inputs, 0)
    by = dynamic_scheme(tracing, left)
    rounded = dequantised(tracing, quantised(tracing, left, by, "U8"), by)
    weight = required(inputs, 1)
    right = scheme(tracing, required(inputs, 2), tensor_at(inputs, 3), shape_of(weight), -1)
    return _product(tracing, rounded, dequantised(tracing, weight, right), tensor_at(inputs, 4))


def matmul_to_float(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """MatMulIntegerToFloat."""
    x, weight = required(inputs, 0), required(inputs, 1)
    left = scheme(tracing, required(inputs, 2), tensor_at(inputs, 4), shape_of(x), -2)
    right = scheme(tracing, required(inputs, 3), tensor_at(inputs, 5), shape_of(weight), -1)
    sides = dequantised(tracing, x, left), dequantised(tracing, weight, right)
    return _product(tracing, *sides, tensor_at(inputs, 6))


def attention(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    """QAttention: Attention of a quantised input with a quantised weight."""
    x, weight = required(inputs, 0), required(inputs, 1)
    x = dequantised(tracing, x, scheme(tracing, required(inputs, 3), tensor_at(inputs, 6), shape_of(x), 2))
    by = scheme(tracing, required(inputs, 4), tensor_at(inputs, 7), shape_of(weight), 1)
    projected = _product(tracing, x, dequantised(tracing, weight, by), tensor_at(inputs, 2))
    as_attention = (None, None, None, tensor_at(inputs, 5), tensor_at(inputs, 8))
    return attended(tracing, node, projections(tracing, node, projected), as_attention)


def lstm(tracing: Tracing, node: Node, inputs: Inputs) -> State | tuple[State | None, ...]:
    """DynamicQuantizeLSTM: the weights' axes are turned, (directions, inputs, gates)."""
    weights: list[Tensorlike] = []
    for place, scale in ((1, 8), (2, 10)):
        stored = required(inputs, place)
        parameter, zero = required(inputs, scale), tensor_at(inputs, scale + 1)
        zero = None if zero is None else _columns(tracing, zero)
        by = scheme(tracing, _columns(tracing, parameter), zero, shape_of(stored), 0)
        weights.append(transposed(tracing, dequantised(tracing, stored, by), (0, 2, 1)))
    tracing.assumed["DynamicQuantizeLSTM computes with its input as it is, not rounded"] = None
    function = tracing.registry.get(("", "LSTM"))
    if function is None:
        raise ArchitectureMismatchError("LSTM is not known")
    return function(tracing, replace(node, operator="LSTM", domain=""), (inputs[0], *weights, *inputs[3:8]))


def _columns(tracing: Tracing, parameter: Tensorlike) -> Tensorlike:
    """(directions, gates) as (directions, 1, gates); one for each direction, or one, as it is."""
    if len(shape_of(parameter)) != 2:
        return parameter
    directions, gates = shape_of(parameter)
    return reshaped(tracing, parameter, (directions, 1, gates))


def _product(tracing: Tracing, left: Tensorlike, right: Tensorlike, bias: Tensorlike | None) -> Tensorlike:
    y = call(tracing, "MatMul", left, right)
    return y if bias is None else binary(tracing, "add", y, tracing.parameter(bias))


def _flat(tracing: Tracing, scale: Tensorlike) -> Tensorlike:
    return reshaped(tracing, scale, ()) if shape_of(scale) == (1,) else scale


OPERATORS: Registry = {
    **{(_MICROSOFT, name): arithmetic for name in ("QLinearAdd", "QLinearMul")},
    **{(_MICROSOFT, name): of_one for name in _ONE_INPUT},
    (_MICROSOFT, "QLinearReduceMean"): reduce_mean,
    (_MICROSOFT, "QLinearConcat"): concat,
    (_MICROSOFT, "QLinearWhere"): choice,
    (_MICROSOFT, "QLinearConv"): conv,
    (_MICROSOFT, "QGemm"): gemm,
    (_MICROSOFT, "DynamicQuantizeMatMul"): dynamic_matmul,
    (_MICROSOFT, "MatMulIntegerToFloat"): matmul_to_float,
    (_MICROSOFT, "QAttention"): attention,
    (_MICROSOFT, "DynamicQuantizeLSTM"): lstm,
}
