"""Operators on each element apart, in torch."""

from typing import assert_never

import torch
from torch import Tensor

from metagauge.architecture.operators.elementwise import Binary, Cast, Requantise, Unpack
from models.interpreter.numbers import Inputs, floating, numeric, only, optional, required


def apply_binary(operator: Binary, inputs: Inputs) -> Tensor:
    """`function(left, right)`, broadcast."""
    left, right = required(inputs, 2)
    match operator.function:
        case "and":
            return left.bool() & right.bool()
        case "or":
            return left.bool() | right.bool()
        case "xor":
            return left.bool() ^ right.bool()
        case _:
            return _of_numbers(operator, numeric(left), numeric(right))


def _of_numbers(operator: Binary, left: Tensor, right: Tensor) -> Tensor:
    match operator.function:
        case "add":
            return left + right
        case "subtract":
            return left - right
        case "multiply":
            return left * right
        case "divide":
            floats = left.is_floating_point() or right.is_floating_point()
            return left / right if floats else torch.div(left, right, rounding_mode="trunc")
        case "power":
            return left.pow(right) if left.is_floating_point() else left.double().pow(right).long()
        case "minimum":
            return torch.minimum(left, right)
        case "maximum":
            return torch.maximum(left, right)
        case "modulo":
            return torch.remainder(left, right)
        case "remainder":
            return torch.fmod(left, right)
        case "prelu":
            return torch.where(left > 0, left, left * right)
        case "equal":
            return left == right
        case "less":
            return left < right
        case "less_equal":
            return left <= right
        case "greater":
            return left > right
        case "greater_equal":
            return left >= right
        case "and" | "or" | "xor":
            raise TypeError(f"{operator.function} is a function of truth values")
        case _:
            assert_never(operator.function)


def apply_where(inputs: Inputs) -> Tensor:
    """Yes where the condition holds, no elsewhere."""
    condition, yes, no = required(inputs, 3)
    return torch.where(condition.bool(), yes, no)


def apply_cast(operator: Cast, inputs: Inputs) -> Tensor:
    """Other numbers; what no integer can hold becomes the nearest one, not-a-number zero."""
    x = only(inputs)
    match operator.numbers:
        case "float":
            return floating(x)
        case "bool":
            return x != 0
        case "int":
            return x.nan_to_num(0.0).clamp(-(2.0**62), 2.0**62).long() if x.is_floating_point() else x.long()
        case _:
            assert_never(operator.numbers)


def apply_requantise(operator: Requantise, inputs: Inputs) -> Tensor:
    """Quantised and dequantised again."""
    x, scale = (floating(tensor) for tensor in required(inputs, 2))
    zero = optional(inputs, 2)
    offset = torch.zeros(()) if zero is None else floating(zero)
    codes = ((x / scale).round() + offset).clamp(operator.low, operator.high)
    return (codes - offset) * scale


def apply_unpack(operator: Unpack, inputs: Inputs) -> Tensor:
    """Unsigned numbers of the bytes' bits."""
    packed = only(inputs)
    parts = [(packed >> shift) & (2**operator.bits - 1) for shift in range(0, 8, operator.bits)]
    return torch.stack(parts, dim=-1).flatten(-2)
