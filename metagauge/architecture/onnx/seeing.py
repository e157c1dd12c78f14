"""How well the grid shows what each elementwise operator does to a chain."""

from collections.abc import Sequence

import numpy as np

from metagauge.architecture.onnx.curve import Elementwise
from metagauge.architecture.onnx.sight import ENDLESS, HIDDEN, SMOOTH, Sight, is_far, may_jump, scaled_by

_STEPS = ("Floor", "Ceil", "ThresholdedRelu")
_KINKS = {"Relu": 1, "Abs": 1, "LeakyRelu": 1, "Elu": 1, "Celu": 1, "Selu": 1, "HardSwish": 2, "HardSigmoid": 2}
_NEED_DISTANCE = ("Reciprocal", "Log", "Sqrt")
_CLOSEST = 0.5
"""Denominators nearer to zero may pass through it between two points."""
_COMPARISONS = ("Less", "LessOrEqual", "Greater", "GreaterOrEqual")
_POWERS = (1.0, 2.0, 3.0)


def of_unary(operator: str, before: Elementwise) -> Sight:
    """Sight of an operator of one value, after this chain."""
    if operator in _STEPS or (operator in _NEED_DISTANCE and not _keeps_from_zero(before)):
        return HIDDEN
    if operator == "Neg":
        return scaled_by(1.0)
    return Sight(kinks=0 if before.is_linear else _KINKS.get(operator, 0))


def of_bounds(before: Elementwise, low: float, high: float) -> Sight:
    """Sight of Clip: two kinks at most, and none beyond the grid."""
    bounds = [bound for bound in (low, high) if abs(bound) < ENDLESS]
    return Sight(hidden=any(map(is_far, bounds)), kinks=sum(not (before.is_linear and bound == 0) for bound in bounds))


def of_number(operator: str, before: Elementwise, number: float, *, swapped: bool) -> Sight:
    """Sight of an operator with a number, which comes first if `swapped`."""
    match operator:
        case "Mul":
            return scaled_by(number)
        case "Div" if swapped:
            return Sight(hidden=not _keeps_from_zero(before), steepness=max(1.0, abs(number)))
        case "Div":
            return scaled_by(1 / number if number else np.inf)
        case "Add" | "Sub":
            return HIDDEN if is_far(number) else SMOOTH
        case "Pow":
            return HIDDEN if swapped or number not in _POWERS else SMOOTH
        case "Min" | "Max":
            return of_bounds(before, number, np.inf)
        case _ if operator in _COMPARISONS and before.is_nothing and not may_jump(number):
            return Sight(hidden=is_far(number), kinks=2 if number else 0)
        case _:
            return HIDDEN


def of_both(operator: str, left: Elementwise, right: Elementwise) -> Sight:
    """Sight of an operator of two functions of one value."""
    match operator:
        case "Add" | "Sub":
            return left.sight.beside(right.sight).beside(SMOOTH)
        case "Mul":
            return left.sight.after(right.sight).after(SMOOTH)
        case "Div":
            return left.sight.after(right.sight).after(SMOOTH if _keeps_from_zero(right) else HIDDEN)
        case "Min" | "Max":
            return left.sight.beside(right.sight).beside(Sight(kinks=1))
        case _:
            return HIDDEN


def of_choice(parts: Sequence[Elementwise | float]) -> Sight:
    """Sight of Where: the condition and what is chosen from."""
    sight = SMOOTH
    for part in parts:
        if isinstance(part, Elementwise):
            sight = sight.beside(part.sight)
        elif is_far(part):
            return HIDDEN
    return sight


def _keeps_from_zero(chain: Elementwise) -> bool:
    return bool((chain.curve >= _CLOSEST).all())
