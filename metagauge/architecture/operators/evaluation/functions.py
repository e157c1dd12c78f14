"""Functions of one number in numpy, as `Unary` and the recognition of activations mean them."""

from math import erf, sqrt

import numpy as np

from metagauge.architecture.operators.elementwise import Unary
from metagauge.architecture.operators.evaluation.numbers import floating, numeric, widen

SELU_ALPHA, SELU_GAMMA = 1.6732632423543772, 1.0507009873554805
"""Klambauer et al. 2017."""

FLOAT_MAX = float(np.finfo(np.float32).max)
"""Bounds beyond it bound nothing."""


def apply_unary(operator: Unary, array: np.ndarray) -> np.ndarray:
    """`operator.function` of each element. Integers stay integers where the result is one for every input."""
    with np.errstate(all="ignore"):
        result = _arithmetic(operator, widen(array))
        if result is None:
            wide = floating(array)
            result = _of_floats(operator, wide).astype(wide.dtype, copy=False)
    return np.asarray(result)


def _arithmetic(operator: Unary, x: np.ndarray) -> np.ndarray | None:
    """Functions that have a meaning of their own for integers or truth values; None for all others."""
    match operator.function:
        case "not":
            return ~x.astype(bool)
        case "is_nan":
            return np.isnan(floating(x))
        case "is_infinite":
            return np.isinf(floating(x))
    if x.dtype.kind == "f":
        return None
    x, alpha, beta = numeric(x), operator.alpha, operator.beta
    match operator.function:
        case "affine" if alpha.is_integer() and beta.is_integer():
            return int(alpha) * x + int(beta)
        case "power":
            whole = alpha.is_integer() and alpha >= 0
            return x ** int(alpha) if whole else np.power(x.astype(float), alpha).astype(np.int64)
        case "clip":
            return np.clip(x.astype(float), alpha, beta).astype(np.int64)
        case "relu":
            return np.maximum(x, 0)
        case "negate":
            return -x
        case "absolute":
            return np.abs(x)
        case "sign":
            return np.sign(x)
        case "floor" | "ceil" | "round":
            return x
        case _:
            return None


def _of_floats(operator: Unary, x: np.ndarray) -> np.ndarray:
    match operator.function:
        case "affine":
            return operator.alpha * x + operator.beta
        case "power":
            return np.power(x, operator.alpha)
        case "clip":
            return np.clip(x, max(operator.alpha, -FLOAT_MAX), min(operator.beta, FLOAT_MAX))
        case "absolute":
            return np.abs(x)
        case "negate":
            return -x
        case "sign":
            return np.sign(x)
        case "floor":
            return np.floor(x)
        case "ceil":
            return np.ceil(x)
        case "round":
            return np.rint(x)
        case "exp":
            return np.exp(x)
        case "log":
            return np.log(x)
        case "sqrt":
            return np.sqrt(x)
        case "reciprocal":
            return 1 / x
        case "erf":
            return error_function(x)
        case "sin":
            return np.sin(x)
        case "cos":
            return np.cos(x)
        case "tan":
            return np.tan(x)
        case "asin":
            return np.arcsin(x)
        case "acos":
            return np.arccos(x)
        case "atan":
            return np.arctan(x)
        case "sinh":
            return np.sinh(x)
        case "cosh":
            return np.cosh(x)
        case "tanh":
            return np.tanh(x)
        case "asinh":
            return np.arcsinh(x)
        case "acosh":
            return np.arccosh(x)
        case "atanh":
            return np.arctanh(x)
        case _:
            return _activation(operator, x)


def _activation(operator: Unary, x: np.ndarray) -> np.ndarray:
    alpha, beta = operator.alpha, operator.beta
    match operator.function:
        case "relu":
            return np.maximum(x, 0)
        case "leaky_relu":
            return np.where(x >= 0, x, alpha * x)
        case "elu":
            return elu(x, alpha)
        case "celu":
            return np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(np.minimum(x, 0) / alpha))
        case "selu":
            return SELU_GAMMA * elu(x, SELU_ALPHA)
        case "gelu":
            return 0.5 * x * (1 + error_function(x / sqrt(2)))
        case "gelu_tanh":
            return 0.5 * x * (1 + np.tanh(sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        case "silu":
            return x * sigmoid(x)
        case "mish":
            return x * np.tanh(softplus(x))
        case "sigmoid":
            return sigmoid(x)
        case "softplus":
            return softplus(x)
        case "softsign":
            return x / (1 + np.abs(x))
        case "hardswish":
            return x * np.clip(x / 6 + 0.5, 0, 1)
        case "hardsigmoid":
            return np.clip(alpha * x + beta, 0, 1)
        case "thresholded_relu":
            return np.where(x > alpha, x, 0)
        case "shrink":
            return np.where(x < -alpha, x + beta, np.where(x > alpha, x - beta, 0))
        case _:
            raise TypeError(f"{operator.function} is no function of floats")


def error_function(x: np.ndarray) -> np.ndarray:
    """Elementwise erf; numpy has none."""
    return np.vectorize(erf, otypes=[float])(x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Logistic function, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + exp(x)), without overflow."""
    return np.logaddexp(0.0, x)


def elu(x: np.ndarray, alpha: float) -> np.ndarray:
    """Clevert et al. 2016."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
