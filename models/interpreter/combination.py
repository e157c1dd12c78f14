"""Operators that combine elements, in torch: sums of products, reductions, norms, sorting."""

from typing import assert_never

import torch
from torch import Tensor

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.reduction import Accumulate, Extreme, Reduce, Softmax, Standardise, TopK
from metagauge.errors import ArchitectureMismatchError
from models.interpreter.numbers import Inputs, alike, floating, numeric, only, required


def apply_contract(operator: Contract, inputs: Inputs) -> Tensor:
    """Einstein summation; an axis of one is not stretched, where torch would."""
    operands = alike(required(inputs, len(inputs)))
    letters, _ = operator.equation.split("->")
    sizes: dict[str, int] = {}
    for axes, operand in zip(letters.split(","), operands, strict=True):
        for letter, size in zip(axes, operand.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                message = f"{operator.equation}: axis {letter} has {sizes[letter]} and {size} elements"
                raise ArchitectureMismatchError(message)
    total = torch.einsum(operator.equation, *operands)
    return total if operator.factor == 1.0 else operator.factor * total


def apply_reduce(operator: Reduce, inputs: Inputs) -> Tensor:
    """One number for all elements along the axes."""
    x, keep = numeric(only(inputs)), operator.keep
    axes = tuple(axis % x.dim() for axis in operator.axes)
    match operator.function:
        case "sum":
            return _sum(x, axes, keep)
        case "mean":
            mean = _mean(floating(x), axes, keep)
            return mean if x.is_floating_point() else mean.long()
        case "max":
            return x.amax(axes, keep) if axes else x
        case "min":
            return x.amin(axes, keep) if axes else x
        case "product":
            return _product(x, axes, keep)
        case "l1":
            return _sum(x.abs(), axes, keep)
        case "l2":
            return _sum(floating(x).square(), axes, keep).sqrt()
        case "sum_square":
            return _sum(x.square(), axes, keep)
        case "log_sum":
            return _sum(floating(x), axes, keep).log()
        case "log_sum_exp":
            return floating(x).logsumexp(axes, keep) if axes else floating(x)
        case _:
            assert_never(operator.function)


def _sum(x: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:
    """Over no axis, where torch would take all, x itself."""
    return x.sum(axes, keep) if axes else x


def _mean(x: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:
    return x.mean(axes, keep) if axes else x


def _product(x: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keep)
    return x


def apply_softmax(operator: Softmax, inputs: Inputs) -> Tensor:
    """Shares of the exponentials, or their logarithms."""
    function = torch.log_softmax if operator.logarithm else torch.softmax
    return function(floating(only(inputs)), dim=operator.axis)


def apply_standardise(operator: Standardise, inputs: Inputs) -> Tensor:
    """Mean zero and variance one, or mean square one."""
    x = floating(only(inputs))
    if operator.centred:
        x = x - _mean(x, operator.axes, True)
    return x / (_mean(x.square(), operator.axes, True) + operator.epsilon).sqrt()


def apply_accumulate(operator: Accumulate, inputs: Inputs) -> Tensor:
    """Running sums."""
    x, axis = numeric(only(inputs)), operator.axis
    ordered = x.flip(axis) if operator.reverse else x
    total = ordered.cumsum(axis)
    if operator.exclusive:
        total = total - ordered
    return total.flip(axis) if operator.reverse else total


def apply_extreme(operator: Extreme, inputs: Inputs) -> Tensor:
    """Index of the first largest or smallest element."""
    find = torch.argmax if operator.largest else torch.argmin
    return find(numeric(only(inputs)), dim=operator.axis, keepdim=operator.keep)


def apply_top_k(operator: TopK, inputs: Inputs) -> tuple[Tensor, Tensor]:
    """The largest or smallest elements in order, equal ones by their place, and their indices."""
    ordered, places = torch.sort(numeric(only(inputs)), dim=operator.axis, descending=operator.largest, stable=True)
    return ordered.narrow(operator.axis, 0, operator.count), places.narrow(operator.axis, 0, operator.count)
