"""Operators on each element apart, in numpy."""

from typing import assert_never

import numpy as np

from metagauge.architecture.operators.elementwise import Binary, Cast, Requantise, Unpack
from metagauge.architecture.operators.evaluation.numbers import Inputs, floating, numeric, only, required, widen


def apply_binary(operator: Binary, inputs: Inputs) -> np.ndarray:
    """`function(left, right)`, broadcast."""
    left, right = required(inputs, 2)
    with np.errstate(all="ignore"):
        match operator.function:
            case "and":
                return left.astype(bool) & right.astype(bool)
            case "or":
                return left.astype(bool) | right.astype(bool)
            case "xor":
                return left.astype(bool) ^ right.astype(bool)
            case _:
                return np.asarray(_of_numbers(operator, numeric(left), numeric(right)))


def _of_numbers(operator: Binary, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    match operator.function:
        case "add":
            return left + right
        case "subtract":
            return left - right
        case "multiply":
            return left * right
        case "divide":
            return _divide(left, right)
        case "power":
            return _power(left, right)
        case "minimum":
            return np.minimum(left, right)
        case "maximum":
            return np.maximum(left, right)
        case "modulo":
            return np.mod(left, right)
        case "remainder":
            return np.fmod(left, right)
        case "prelu":
            return np.where(left > 0, left, left * right)
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


def _divide(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    if left.dtype.kind == "f" or right.dtype.kind == "f":
        return left / right
    return np.sign(left) * np.sign(right) * (np.abs(left) // np.abs(right))


def _power(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """As ONNX has it, of the base's type."""
    if left.dtype.kind == "f":
        return np.power(left, right).astype(left.dtype)
    return np.power(left.astype(float), right).astype(np.int64)


def apply_where(inputs: Inputs) -> np.ndarray:
    """Yes where the condition holds, no elsewhere."""
    condition, yes, no = required(inputs, 3)
    return np.where(condition.astype(bool), widen(yes), widen(no))


def apply_cast(operator: Cast, inputs: Inputs) -> np.ndarray:
    """Other numbers; what no integer can hold becomes the nearest one, not-a-number zero."""
    array = only(inputs)
    match operator.numbers:
        case "float":
            return floating(array)
        case "bool":
            return widen(array) != 0
        case "int":
            wide = numeric(array)
            if wide.dtype.kind != "f":
                return wide
            bounded = np.clip(np.nan_to_num(wide.astype(float), posinf=2.0**62, neginf=-(2.0**62)), -(2**62), 2**62)
            return np.trunc(bounded).astype(np.int64)
        case _:
            assert_never(operator.numbers)


def apply_requantise(operator: Requantise, inputs: Inputs) -> np.ndarray:
    """Quantised and dequantised again."""
    x, scale = (floating(array) for array in required(inputs, 2))
    zero = inputs[2] if len(inputs) > 2 else None
    offset = np.float32(0) if zero is None else floating(zero)
    with np.errstate(all="ignore"):
        codes = np.clip(np.rint(x / scale) + offset, operator.low, operator.high)
        return (codes - offset) * scale


def apply_unpack(operator: Unpack, inputs: Inputs) -> np.ndarray:
    """Unsigned numbers of the bytes' bits, as bytes of their own."""
    packed = only(inputs).astype(np.uint8)
    if operator.bits == 8:
        return packed
    shifts = np.arange(0, 8, operator.bits, dtype=np.uint8)
    parts = (packed[..., None] >> shifts) & np.uint8(2**operator.bits - 1)
    return parts.reshape(*packed.shape[:-1], packed.shape[-1] * len(shifts))
