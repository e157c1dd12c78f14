"""Activations, however they are written, as one function.

A value that is computed element by element from one other is a function of one number. Evaluated on a fixed grid, it is
compared with the functions we know; a value may be a function of several values before it, each tried, the first first.
"""

from functools import cache
from math import isfinite, log

import numpy as np

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.normal_form.nothing import FLOAT_MAX
from metagauge.architecture.onnx.curve import IDENTITY, TOLERANCE, Curve, decimal, same
from metagauge.architecture.operators.elementwise import Binary, Unary, UnaryFunction, Where
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.evaluation.functions import apply_unary, sigmoid

_CANDIDATES = 12
"""Most values before it that a value is taken as a function of; gelu in its longest spelling takes nine steps."""
_WIDEST = 48.0
"""Numbers beyond it could hide outside the grid."""
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
_FAR_LEFT, _FAR_RIGHT = slice(0, 3), slice(-3, None)
_MINUS_ONE, _ZERO, _ONE = (int(np.argmin(np.abs(IDENTITY - point))) for point in (-1.0, 0.0, 1.0))


def recognise(draft: Draft, call: Call) -> Call | str | None:
    """The one function of ours that several operators in a row are."""
    draft.candidates = {}
    if not isinstance(call.operator, Unary | Binary | Where) or len(set(call.inputs)) > 3:
        return None
    draft.candidates = _candidates(draft, call)
    if _ends_with_shift(call) or draft.kind(call.name) not in ("float", None):
        return None
    for name, curve in draft.candidates.items():
        if draft.kind(name) == "float" and draft.shape(name) == draft.shape_of(call) and curve.dtype.kind == "f":
            operator = known_function(curve)
            if operator is not None and (operator, (name,)) != (call.operator, call.inputs):
                return Call(operator=operator, inputs=(name,))
            scale = None if operator is not None else _swish_scale(curve)
            swish = None if scale is None else _swish(draft, name, scale)
            if swish is not None and (swish.operator, swish.inputs) != (call.operator, call.inputs):
                return swish
    return None


def known_function(curve: Curve) -> Unary | None:
    """The function with these values on the grid."""
    if not np.isfinite(curve).all():
        return None
    operators, values = _table()
    matches = (np.abs(values - curve) <= TOLERANCE * (1 + np.abs(values))).all(axis=1)
    if matches.any():
        return operators[int(np.argmax(matches))]
    return next((each for each in _fitted(curve) if same(curve, apply_unary(each, IDENTITY))), None)


@cache
def _table() -> tuple[tuple[Unary, ...], np.ndarray]:
    operators = tuple(Unary(function=function) for function in _KNOWN)
    return operators, np.stack([apply_unary(operator, IDENTITY) for operator in operators])


def _fitted(curve: Curve) -> list[Unary]:
    """Functions with numbers of their own, which two or three points of the curve tell."""
    low = float(curve[0]) if np.ptp(curve[_FAR_LEFT]) == 0 else -FLOAT_MAX
    high = float(curve[-1]) if np.ptp(curve[_FAR_RIGHT]) == 0 else FLOAT_MAX
    left, right = float(curve[_MINUS_ONE]), float(curve[_ONE])
    found = []
    if isfinite(low) and isfinite(high) and (low, high) != (-FLOAT_MAX, FLOAT_MAX) and low < high:
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
    return scale if same(curve, IDENTITY * sigmoid(scale * IDENTITY)) else None


def _swish(draft: Draft, name: str, scale: float) -> Call:
    """`silu(b x) / b`."""
    inner = draft.make(Unary(function="silu"), draft.make(Unary(function="affine", alpha=scale), name))
    return Call(operator=Unary(function="affine", alpha=1 / scale), inputs=(inner,))


def _ends_with_shift(call: Call) -> bool:
    match call.operator:
        case Unary(function="affine", alpha=1.0, beta=shift):
            return abs(shift) < _SMALLEST_SHIFT
        case _:
            return False


def _candidates(draft: Draft, call: Call) -> dict[str, np.ndarray]:
    """The values that the result is a function of, and that function; the first come first, constants none at all."""
    if isinstance(call.operator, Unary) and (_is_wide(call.operator) or call.operator.function == "unknown"):
        return {}
    curves: list[dict[str, np.ndarray] | np.ndarray] = []
    for name in call.inputs:
        number = draft.scalar(name)
        if number is not None:
            curves.append(np.array(number))
        elif draft.constant(name) is not None:
            return {}
        else:
            curves.append({**draft.curves.get(name, {}), name: IDENTITY})
    tables = [each for each in curves if isinstance(each, dict)]
    if not tables:
        return {}
    common = [name for name in tables[0] if all(name in table for table in tables)]
    found = {}
    with np.errstate(all="ignore"):
        for name in common[-_CANDIDATES:]:
            values = [each[name] if isinstance(each, dict) else each for each in curves]
            curve = evaluate(call.operator, values)[0]
            if np.isfinite(curve).all():
                found[name] = curve
    return found


def _is_wide(operator: Unary) -> bool:
    return operator.function == "clip" and any(
        _WIDEST < abs(bound) < FLOAT_MAX for bound in (operator.alpha, operator.beta)
    )
