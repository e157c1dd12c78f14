"""Functions of one value element by element."""

from collections.abc import Mapping
from math import inf, nan

import numpy as np

from metagauge.architecture.attributes import flag, real, text
from metagauge.architecture.operators.elementwise import UnaryFunction
from metagauge.architecture.tracing.arithmetic import FLOAT_MAX, affine, binary, clip, unary
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node

_PLAIN: Mapping[str, UnaryFunction] = {
    "Relu": "relu",
    "Mish": "mish",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "HardSwish": "hardswish",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Erf": "erf",
    "Exp": "exp",
    "Log": "log",
    "Sqrt": "sqrt",
    "Reciprocal": "reciprocal",
    "Abs": "absolute",
    "Sign": "sign",
    "Floor": "floor",
    "Ceil": "ceil",
    "Round": "round",
    "Sin": "sin",
    "Cos": "cos",
    "Tan": "tan",
    "Asin": "asin",
    "Acos": "acos",
    "Atan": "atan",
    "Sinh": "sinh",
    "Cosh": "cosh",
    "Asinh": "asinh",
    "Acosh": "acosh",
    "Atanh": "atanh",
    "Not": "not",
    "IsNaN": "is_nan",
}
_WITH_NUMBERS: Mapping[str, tuple[UnaryFunction, tuple[tuple[str, float], ...]]] = {
    "LeakyRelu": ("leaky_relu", (("alpha", 0.01),)),
    "Elu": ("elu", (("alpha", 1.0),)),
    "Celu": ("celu", (("alpha", 1.0),)),
    "ThresholdedRelu": ("thresholded_relu", (("alpha", 1.0),)),
    "HardSigmoid": ("hardsigmoid", (("alpha", 0.2), ("beta", 0.5))),
    "Shrink": ("shrink", (("lambd", 0.5), ("bias", 0.0))),
    "Affine": ("affine", (("alpha", 1.0), ("beta", 0.0))),
}
"""The attributes that are alpha and beta, with ONNX's defaults."""
_SELU_ALPHA, _SELU_GAMMA = 1.6732632, 1.0507010
"""ONNX's defaults (Klambauer et al. 2017), to the digits that the older ones agree in."""


def _plain(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    return unary(tracing, _PLAIN[node.operator], required(inputs, 0))


def _with_numbers(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    function, names = _WITH_NUMBERS[node.operator]
    numbers = [real(node, name, default) for name, default in names]
    if function == "affine":
        return affine(tracing, required(inputs, 0), *numbers)
    return unary(tracing, function, required(inputs, 0), *numbers)


def _negate(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x = required(inputs, 0)
    return affine(tracing, x, -1.0) if x.numbers == "float" else unary(tracing, "negate", x)


def _selu(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x = required(inputs, 0)
    alpha, gamma = real(node, "alpha", _SELU_ALPHA), real(node, "gamma", _SELU_GAMMA)
    if abs(alpha - _SELU_ALPHA) < 1e-3 and abs(gamma - _SELU_GAMMA) < 1e-3:
        return unary(tracing, "selu", x)
    return affine(tracing, unary(tracing, "elu", x, alpha), gamma)


def _gelu(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    is_tanh = text(node, "approximate", "none") == "tanh"
    return unary(tracing, "gelu_tanh" if is_tanh else "gelu", required(inputs, 0))


def _swish(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    return swish(tracing, required(inputs, 0), real(node, "alpha", 1.0))


def swish(tracing: Tracing, x: Tensorlike, factor: float) -> Tensorlike:
    """x times the sigmoid of `factor x`."""
    if factor == 1.0:
        return unary(tracing, "silu", x)
    return binary(tracing, "multiply", x, unary(tracing, "sigmoid", affine(tracing, x, factor)))


def _clip(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, low, high = required(inputs, 0), tensor_at(inputs, 1), tensor_at(inputs, 2)
    if x.numbers != "float":
        x = x if low is None else binary(tracing, "maximum", x, low)
        return x if high is None else binary(tracing, "minimum", x, high)
    least = real(node, "min", -FLOAT_MAX) if low is None else tracing.number(low)
    most = real(node, "max", FLOAT_MAX) if high is None else tracing.number(high)
    return clip(tracing, x, least, most)


def _is_infinite(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, below, above = required(inputs, 0), flag(node, "detect_negative", True), flag(node, "detect_positive", True)
    if below and above:
        return unary(tracing, "is_infinite", x)
    wanted = inf if above else -inf if below else nan  # nothing equals nan
    return binary(tracing, "equal", x, Numbers(array=np.array(wanted, dtype=np.float32)))


def _scaled(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    return affine(tracing, required(inputs, 0), real(node, "scale", 1.0))


def _swiglu(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    gate = swish(tracing, required(inputs, 0), real(node, "alpha", 1.0))
    return binary(tracing, "multiply", gate, required(inputs, 1))


def _parametric_softplus(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    inner = affine(tracing, required(inputs, 0), real(node, "beta", 1.0))
    return affine(tracing, unary(tracing, "softplus", inner), real(node, "alpha", 1.0))


def _scaled_tanh(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    inner = affine(tracing, required(inputs, 0), real(node, "beta", 1.0))
    return affine(tracing, unary(tracing, "tanh", inner), real(node, "alpha", 1.0))


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    **{("", name): _plain for name in _PLAIN},
    **{("", name): _with_numbers for name in _WITH_NUMBERS},
    ("", "Neg"): _negate,
    ("", "Selu"): _selu,
    ("", "Gelu"): _gelu,
    ("", "Swish"): _swish,
    ("", "SwiGLU"): _swiglu,
    ("", "Clip"): _clip,
    ("", "IsInf"): _is_infinite,
    ("", "Scale"): _scaled,
    ("", "ParametricSoftplus"): _parametric_softplus,
    ("", "ScaledTanh"): _scaled_tanh,
}
