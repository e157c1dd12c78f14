"""Functions of one number in torch, as `Unary` has them."""

import torch
from torch import Tensor
from torch.nn import functional

from metagauge.architecture.operators.elementwise import Unary
from models.interpreter.numbers import floating, numeric

FLOAT_MAX = torch.finfo(torch.float32).max
"""Bounds beyond it bound nothing."""


def apply_unary(operator: Unary, x: Tensor) -> Tensor:
    """`operator.function` of each element. Integers stay integers where the result is one for every input."""
    match operator.function:
        case "not":
            return ~x.bool()
        case "is_nan":
            return torch.isnan(x)
        case "is_infinite":
            return torch.isinf(x)
    whole = None if x.is_floating_point() else _of_integers(operator, numeric(x))
    return _of_floats(operator, floating(x)) if whole is None else whole


def _of_integers(operator: Unary, x: Tensor) -> Tensor | None:
    """None where the result is no integer."""
    alpha, beta = operator.alpha, operator.beta
    match operator.function:
        case "affine" if alpha.is_integer() and beta.is_integer():
            return int(alpha) * x + int(beta)
        case "power":
            return x.double().pow(alpha).long()
        case "clip":
            return x.double().clamp(alpha, beta).long()
        case "relu":
            return x.clamp(min=0)
        case "negate":
            return -x
        case "absolute":
            return x.abs()
        case "sign":
            return x.sign()
        case "floor" | "ceil" | "round":
            return x
        case _:
            return None


def _of_floats(operator: Unary, x: Tensor) -> Tensor:
    match operator.function:
        case "affine":
            return operator.alpha * x + operator.beta
        case "power":
            return x.pow(operator.alpha)
        case "clip":
            return x.clamp(max(operator.alpha, -FLOAT_MAX), min(operator.beta, FLOAT_MAX))
        case "absolute":
            return x.abs()
        case "negate":
            return -x
        case "sign":
            return x.sign()
        case "floor":
            return x.floor()
        case "ceil":
            return x.ceil()
        case "round":
            return x.round()
        case "exp":
            return x.exp()
        case "log":
            return x.log()
        case "sqrt":
            return x.sqrt()
        case "reciprocal":
            return x.reciprocal()
        case "erf":
            return x.erf()
        case _:
            return _circular(operator, x)


def _circular(operator: Unary, x: Tensor) -> Tensor:
    match operator.function:
        case "sin":
            return x.sin()
        case "cos":
            return x.cos()
        case "tan":
            return x.tan()
        case "asin":
            return x.asin()
        case "acos":
            return x.acos()
        case "atan":
            return x.atan()
        case "sinh":
            return x.sinh()
        case "cosh":
            return x.cosh()
        case "tanh":
            return x.tanh()
        case "asinh":
            return x.asinh()
        case "acosh":
            return x.acosh()
        case "atanh":
            return x.atanh()
        case _:
            return _activation(operator, x)


def _activation(operator: Unary, x: Tensor) -> Tensor:
    alpha, beta = operator.alpha, operator.beta
    match operator.function:
        case "relu":
            return functional.relu(x)
        case "leaky_relu":
            return functional.leaky_relu(x, alpha)
        case "elu":
            return functional.elu(x, alpha)
        case "celu":
            return functional.celu(x, alpha)
        case "selu":
            return functional.selu(x)
        case "gelu":
            return functional.gelu(x)
        case "gelu_tanh":
            return functional.gelu(x, approximate="tanh")
        case "silu":
            return functional.silu(x)
        case "mish":
            return functional.mish(x)
        case "sigmoid":
            return x.sigmoid()
        case "softplus":
            return functional.softplus(x)
        case "softsign":
            return functional.softsign(x)
        case "hardswish":
            return functional.hardswish(x)
        case "hardsigmoid":
            return (alpha * x + beta).clamp(0, 1)
        case "thresholded_relu":
            return torch.where(x > alpha, x, torch.zeros_like(x))
        case "shrink":
            zero = torch.zeros_like(x)
            return torch.where(x < -alpha, x + beta, torch.where(x > alpha, x - beta, zero))
        case _:
            raise TypeError(f"{operator.function} is no function of floats")
