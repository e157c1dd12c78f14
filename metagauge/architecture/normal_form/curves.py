"""Activations, however they are written, as one function.

A value that is computed element by element from one other is a function of one number. Evaluated on a fixed grid, it is
compared with the functions we know; a value may be a function of several values before it, each tried, the first first.
"""

from functools import cache
from math import isfinite, log

import numpy as np

from metagauge.architecture.normal_form.draft import NO_CURVES, Call, Curves, Draft
from metagauge.architecture.normal_form.grid import GRID
from metagauge.architecture.normal_form.look import unary_of
from metagauge.architecture.normal_form.nothing import FLOAT_MAX
from metagauge.architecture.onnx.curve import TOLERANCE, Curve, decimal, same
from metagauge.architecture.onnx.sight import is_far, is_steep, may_jump
from metagauge.architecture.operators.elementwise import Binary, Unary, UnaryFunction
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.evaluation.functions import apply_unary, sigmoid

_CANDIDATES = 12
"""Most values before it that a value is taken as a function of; gelu in its longest spelling takes nine steps."""
_SMALLEST_SHIFT = 1e-3
"""A smaller number, added at the end, keeps a division defined and is no part of an activation."""
_KNOWN: tuple[UnaryFunction, ...] = (
    "relu",
    "gelu",
    "gelu_tanh",
    "silu",
    "mish",
    "softplus",
    "softsign",
    "hardswish",
    "tanh",
    "sigmoid",
    "selu",
    "absolute",
)
_PROBES = [0, len(GRID) // 3, len(GRID) // 2 + 8, len(GRID) - 1]
_NEAR = 0.01
"""A few points tell most functions apart; those that are left are compared on all."""
_LEAST_RANGE = 0.02
"""A curve between closer bounds would be near any other between them."""
_FAR_LEFT, _FAR_RIGHT = slice(0, 3), slice(-3, None)
_MINUS_ONE, _ZERO, _ONE = (int(np.argmin(np.abs(GRID - point))) for point in (-1.0, 0.0, 1.0))


def recognise(draft: Draft, call: Call) -> Call | str | None:
    """The one function of ours that several operators in a row are."""
    candidates = _candidates(draft, call)
    found = None if _is_no_end(draft, call) else _found(draft, call, candidates)
    draft.candidates = candidates
    return found


def _found(draft: Draft, call: Call, candidates: Curves) -> Call | None:
    shape = draft.shape_of(call)
    for place in _plausible(candidates.values):
        name = candidates.sources[place]
        if draft.kind(name) == "float" and draft.shape(name) == shape:
            if not draft.effort.match():
                return None
            found = _recognised(draft, call, name, candidates.values[place])
            if found is not None and (found.operator, found.inputs) != (call.operator, call.inputs):
                return found
    return None


def _plausible(curves: np.ndarray) -> list[int]:
    """The rows that may be a function we know, by a few of their points: most are none, and told so at once."""
    if not len(curves) or curves.dtype.kind != "f":
        return []
    points, grid = curves[:, _PROBES], GRID[_PROBES]
    low, high, right = points[:, 0], points[:, -1], curves[:, _ONE]
    is_near = np.abs(points[:, None] - _table()[1][:, _PROBES]) < _NEAR
    is_table = np.any(is_near.all(axis=2), axis=-1)
    clipped = np.clip(grid, low[:, None], high[:, None])
    is_clip = (np.abs(points - clipped) < _NEAR).all(axis=1) & (high - low > _LEAST_RANGE)
    middle = curves[:, [_ZERO]]
    hard = np.clip((right[:, None] - middle) * grid + middle, 0.0, 1.0)
    is_hard = (np.abs(points - hard) < _NEAR).all(axis=1) & (low < _NEAR) & (high > 1.0 - _NEAR)
    is_straight = np.abs(high - GRID[-1]) < _NEAR
    is_bent = is_straight & ((np.abs(right - 1.0) < _NEAR) | ((right > 0.5) & (right < 1.0)))
    return [int(place) for place in np.flatnonzero(is_table | is_clip | is_hard | is_bent)]


def _recognised(draft: Draft, call: Call, name: str, curve: Curve) -> Call | None:
    operator = known_function(curve)
    if operator is not None:
        return Call(operator=operator, inputs=(name,))
    if isinstance(call.operator, Unary) and unary_of(draft, call.inputs[0], "silu") is not None:
        return None  # it is written so already
    scale = _swish_scale(curve)
    return None if scale is None else _swish(draft, name, scale)


def known_function(curve: Curve) -> Unary | None:
    """The function with these values on the grid."""
    operators, values = _table()
    near = np.abs(values[:, _PROBES] - curve[_PROBES]) <= _NEAR
    for place in np.flatnonzero(near.all(axis=1)):
        if same(curve, values[place]):
            return operators[place]
    return next((each for each in _fitted(curve) if same(curve, apply_unary(each, GRID))), None)


@cache
def _table() -> tuple[tuple[Unary, ...], np.ndarray]:
    operators = tuple(Unary(function=function) for function in _KNOWN)
    return operators, np.stack([apply_unary(operator, GRID) for operator in operators])


def _fitted(curve: Curve) -> list[Unary]:
    """Functions with numbers of their own, which two or three points of the curve tell."""
    low = float(curve[0]) if np.ptp(curve[_FAR_LEFT]) == 0 else -FLOAT_MAX
    high = float(curve[-1]) if np.ptp(curve[_FAR_RIGHT]) == 0 else FLOAT_MAX
    left, right = float(curve[_MINUS_ONE]), float(curve[_ONE])
    found = []
    if isfinite(low) and isfinite(high) and (low, high) != (-FLOAT_MAX, FLOAT_MAX) and high - low > _LEAST_RANGE:
        found.append(Unary(function="clip", alpha=_decimal(low), beta=_decimal(high)))
    if (low, high) == (0.0, 1.0):
        middle, slope = float(curve[_ZERO]), right - float(curve[_ZERO])
        found.append(Unary(function="hardsigmoid", alpha=_decimal(slope), beta=_decimal(middle)))
    if abs(right - 1.0) <= TOLERANCE and left != -1.0:
        found.append(Unary(function="leaky_relu", alpha=_decimal(-left)))
        found.append(Unary(function="elu", alpha=_decimal(left / float(np.expm1(-1.0)))))
    return [each for each in found if each.function != "elu" or each.alpha > 0]


def _decimal(number: float) -> float:
    return number if abs(number) >= FLOAT_MAX else decimal(number)


def _swish_scale(curve: Curve) -> float | None:
    """The b of `x sigmoid(b x)`; b = 1.702 stands for a gelu in some networks."""
    share = float(curve[_ONE])
    if not 0.5 < share < 1.0:
        return None
    scale = decimal(log(share / (1 - share)))
    return scale if same(curve, GRID * sigmoid(scale * GRID)) else None


def _swish(draft: Draft, name: str, scale: float) -> Call:
    """`silu(b x) / b`."""
    inner = draft.make(Unary(function="silu"), draft.make(Unary(function="affine", alpha=scale), name))
    return Call(operator=Unary(function="affine", alpha=1 / scale), inputs=(inner,))


def _is_no_end(draft: Draft, call: Call) -> bool:
    """Whether no activation can end so: with a truth value, or a number that keeps a division defined."""
    match call.operator:
        case Unary(function="affine", alpha=1.0, beta=shift) if abs(shift) < _SMALLEST_SHIFT:
            return True
        case _:
            return draft.kind(call.name) not in ("float", None)


def _candidates(draft: Draft, call: Call) -> Curves:
    """The values that the result is a function of, and that function; constants are none."""
    if _is_hidden(draft, call):
        return NO_CURVES
    if not draft.effort.curve():
        return NO_CURVES
    operands: list[Curves | np.ndarray] = []
    for name in call.inputs:
        number = draft.scalar(name)
        if number is not None:
            operands.append(np.array(number))
        elif draft.is_constant(name):
            return NO_CURVES
        else:
            operands.append(_with_itself(draft.curves.get(name, NO_CURVES), name))
    tables = [each for each in operands if isinstance(each, Curves)]
    if not tables:
        return NO_CURVES
    common = [name for name in tables[0].sources if all(name in table.sources for table in tables)][-_CANDIDATES:]
    values = [each.of(common) if isinstance(each, Curves) else each for each in operands]
    with np.errstate(all="ignore"):
        curves = evaluate(call.operator, values)[0]
    places = np.flatnonzero(np.isfinite(curves).all(axis=1) & _bends(curves))
    return Curves(sources=tuple(common[place] for place in places), values=curves[places])


def _bends(curves: np.ndarray) -> np.ndarray:
    """The rows from which an activation may still come: not those that are all but constant."""
    if curves.dtype.kind != "f" or not len(curves):
        return np.ones(len(curves), bool)
    with np.errstate(all="ignore"):
        return curves.max(axis=1) - curves.min(axis=1) > _LEAST_RANGE


def _with_itself(curves: Curves, name: str) -> Curves:
    """The curves of a value, and the identity as a function of itself."""
    return Curves(sources=(*curves.sources, name), values=np.concatenate([curves.values, GRID[None]]))


def _numbers(draft: Draft, call: Call) -> list[float]:
    found = (draft.scalar(name) for name in call.inputs)
    return [number for number in found if number is not None]


def _is_hidden(draft: Draft, call: Call) -> bool:
    """Whether an operator can do something that the grid does not show: far out, or jump between two points."""
    match call.operator:
        case Unary(function="unknown" | "thresholded_relu" | "shrink" | "round" | "floor" | "ceil" | "sign"):
            return True
        case Unary(function="clip", alpha=low, beta=high):
            return any(is_far(bound) and abs(bound) < FLOAT_MAX for bound in (low, high))
        case Binary(function="equal" | "modulo" | "remainder"):
            return True
        case Binary(function="less" | "less_equal" | "greater" | "greater_equal"):
            return any(is_far(number) or may_jump(number) for number in _numbers(draft, call))
        case Unary(function="affine", alpha=factor, beta=shift):
            return is_steep(factor) or is_far(shift)
        case Binary(function="add" | "subtract" | "minimum" | "maximum"):
            return any(is_far(number) and abs(number) < FLOAT_MAX for number in _numbers(draft, call))
        case Binary(function="multiply"):
            return any(is_steep(number) for number in _numbers(draft, call))
        case Binary(function="divide"):
            number = draft.scalar(call.inputs[1])
            return number is not None and (number == 0 or is_steep(1 / number))
        case _:
            return False
