"""Operators that combine elements, in numpy: sums of products, reductions, norms, sorting."""

from typing import assert_never

import numpy as np

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.evaluation.numbers import Inputs, floating, numeric, only, required
from metagauge.architecture.operators.reduction import Accumulate, Extreme, Reduce, Softmax, Standardise, TopK
from metagauge.errors import ArchitectureMismatchError


def apply_contract(operator: Contract, inputs: Inputs) -> np.ndarray:
    """Einstein summation; an axis of one is not stretched, where numpy would."""
    arrays = [numeric(array) for array in required(inputs, len(inputs))]
    letters, _ = operator.equation.split("->")
    sizes: dict[str, int] = {}
    for operand, array in zip(letters.split(","), arrays, strict=True):
        for letter, size in zip(operand, array.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                message = f"{operator.equation}: axis {letter} has {sizes[letter]} and {size} elements"
                raise ArchitectureMismatchError(message)
    total = np.einsum(operator.equation, *arrays, optimize=len(arrays) > 1)
    return total if operator.factor == 1.0 else operator.factor * total


def apply_reduce(operator: Reduce, inputs: Inputs) -> np.ndarray:
    """One number for all elements along the axes."""
    x, axes, keep = numeric(only(inputs)), operator.axes, operator.keep
    with np.errstate(all="ignore"):
        match operator.function:
            case "sum":
                return np.sum(x, axis=axes, keepdims=keep)
            case "mean":
                mean = np.mean(x, axis=axes, keepdims=keep)
                return mean if x.dtype.kind == "f" else np.trunc(mean).astype(np.int64)
            case "max":
                return np.max(x, axis=axes, keepdims=keep)
            case "min":
                return np.min(x, axis=axes, keepdims=keep)
            case "product":
                return np.prod(x, axis=axes, keepdims=keep)
            case "l1":
                return np.sum(np.abs(x), axis=axes, keepdims=keep)
            case "l2":
                return np.sqrt(np.sum(np.square(floating(x)), axis=axes, keepdims=keep))
            case "sum_square":
                return np.sum(np.square(x), axis=axes, keepdims=keep)
            case "log_sum":
                return np.log(np.sum(floating(x), axis=axes, keepdims=keep))
            case "log_sum_exp":
                return _log_sum_exp(floating(x), axes, keep)
            case _:
                assert_never(operator.function)


def _log_sum_exp(x: np.ndarray, axes: tuple[int, ...], keep: bool) -> np.ndarray:
    largest = np.max(x, axis=axes, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    total = np.log(np.sum(np.exp(x - largest), axis=axes, keepdims=True)) + largest
    return total if keep else np.squeeze(total, axis=axes)


def apply_softmax(operator: Softmax, inputs: Inputs) -> np.ndarray:
    """Shares of the exponentials, or their logarithms."""
    x = floating(only(inputs))
    with np.errstate(all="ignore"):
        shifted = x - np.max(x, axis=operator.axis, keepdims=True)
        total = np.sum(np.exp(shifted), axis=operator.axis, keepdims=True)
        return shifted - np.log(total) if operator.logarithm else np.exp(shifted) / total


def apply_standardise(operator: Standardise, inputs: Inputs) -> np.ndarray:
    """Mean zero and variance one, or mean square one."""
    x = floating(only(inputs))
    if operator.centred:
        x = x - np.mean(x, axis=operator.axes, keepdims=True)
    with np.errstate(all="ignore"):
        return x / np.sqrt(np.mean(np.square(x), axis=operator.axes, keepdims=True) + operator.epsilon)


def apply_accumulate(operator: Accumulate, inputs: Inputs) -> np.ndarray:
    """Running sums."""
    x, axis = numeric(only(inputs)), operator.axis
    ordered = np.flip(x, axis) if operator.reverse else x
    total = np.cumsum(ordered, axis=axis)
    if operator.exclusive:
        total = total - ordered
    return np.flip(total, axis) if operator.reverse else total


def apply_extreme(operator: Extreme, inputs: Inputs) -> np.ndarray:
    """Index of the first largest or smallest element."""
    x = numeric(only(inputs))
    find = np.argmax if operator.largest else np.argmin
    return np.asarray(find(x, axis=operator.axis, keepdims=operator.keep)).astype(np.int64)


def apply_top_k(operator: TopK, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """The largest or smallest elements in order, equal ones by their place, and their indices."""
    x, axis = numeric(only(inputs)), operator.axis
    order = np.argsort(-x if operator.largest else x, axis=axis, kind="stable")
    chosen = np.take(order, np.arange(operator.count), axis=axis)
    return np.take_along_axis(x, chosen, axis=axis), chosen.astype(np.int64)
