"""Operators that only move elements, in numpy. All but Concat and Pad give views where numpy can."""

import numpy as np

from metagauge.architecture.operators.evaluation.numbers import Inputs, only, required, widen
from metagauge.architecture.operators.movement import Concat, Pad, Slice
from metagauge.errors import ArchitectureMismatchError


def apply_slice(operator: Slice, inputs: Inputs) -> np.ndarray:
    """Every step-th element of one axis."""
    x = only(inputs)
    axis = operator.axis % x.ndim
    if operator.count == 0:
        return x[(slice(None),) * axis + (slice(0, 0),)]
    last = operator.start + (operator.count - 1) * operator.step
    if not (0 <= operator.start < x.shape[axis] and 0 <= last < x.shape[axis]):
        message = f"a slice from {operator.start} to {last} of an axis of {x.shape[axis]} elements"
        raise ArchitectureMismatchError(message)
    end = last + 1 if operator.step > 0 else (last - 1 if last > 0 else None)
    return x[(slice(None),) * axis + (slice(operator.start, end, operator.step),)]


def apply_concat(operator: Concat, inputs: Inputs) -> np.ndarray:
    """One behind the other."""
    return np.concatenate([widen(array) for array in required(inputs, len(inputs))], axis=operator.axis)


def apply_pad(operator: Pad, inputs: Inputs) -> np.ndarray:
    """Crops first, then pads."""
    x = widen(only(inputs))
    if len(operator.widths) != x.ndim:
        raise ArchitectureMismatchError(f"padding of {len(operator.widths)} axes for a value with {x.ndim}")
    for axis, (before, after) in enumerate(operator.widths):
        kept = slice(max(0, -before), x.shape[axis] - max(0, -after))
        x = x[(slice(None),) * axis + (kept,)]
    widths = [(max(0, before), max(0, after)) for before, after in operator.widths]
    if operator.mode == "constant":
        return np.pad(x, widths, constant_values=operator.value)
    return np.pad(x, widths, mode=operator.mode)
