"""Operators with one known number: operands in one order, one spelling of each function, chains put together."""

from math import isfinite

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.normal_form.look import affine_of, unary_of
from metagauge.architecture.normal_form.nothing import FLOAT_MAX
from metagauge.architecture.operators.elementwise import Binary, Unary
from metagauge.architecture.operators.movement import Expand
from metagauge.architecture.operators.shaping.rules import broadcast

_SYMMETRIC = frozenset({"add", "multiply", "minimum", "maximum", "equal", "and", "or", "xor"})
_POWERS = frozenset({-2.0, -1.0, -0.5, 0.5})
"""Exponents under which a power of a root, or of a reciprocal, is defined exactly where the two are."""


def order_operands(draft: Draft, call: Call) -> Call | str | None:
    """Data before weights before constants, where the order means nothing."""
    match call:
        case Call(operator=Binary(function=function), inputs=(left, right)) if function in _SYMMETRIC:
            if _rank(draft, right) < _rank(draft, left):
                return Call(operator=call.operator, inputs=(right, left))
    return None


def _rank(draft: Draft, name: str) -> int:
    if name in draft.live:
        return 0
    return 2 if draft.is_constant(name) else 1


def take_number(draft: Draft, call: Call) -> Call | str | None:
    """A function of two values, one of which is one number, as a function of the other."""
    match call:
        case Call(operator=Binary(function="multiply"), inputs=(x, same)) if x == same and _is_float(draft, x):
            return Call(operator=Unary(function="power", alpha=2.0), inputs=(x,))
        case Call(operator=Binary(function=function), inputs=(left, right)):
            number = _number(draft, right, left)
            if number is not None:
                found = _with_right(function, number)
                return None if found is None else Call(operator=found, inputs=(left,))
            number = _number(draft, left, right)
            if number is not None:
                return _with_left(draft, function, number, right)
    return None


def _number(draft: Draft, name: str, other: str) -> float | None:
    """The number that a constant is everywhere, if it stretches nothing and the other is no constant."""
    shape, stretched = draft.shape(other), draft.shape(name)
    if not _is_float(draft, other) or shape is None or stretched is None or draft.is_constant(other):
        return None
    number = draft.scalar(name)
    if number is None or not isfinite(number) or broadcast((shape, stretched)) != shape:
        return None
    return float(number)


def _is_float(draft: Draft, name: str) -> bool:
    return draft.kind(name) == "float"


def _with_right(function: str, number: float) -> Unary | None:
    match function:
        case "add":
            return Unary(function="affine", alpha=1.0, beta=number)
        case "subtract":
            return Unary(function="affine", alpha=1.0, beta=-number)
        case "multiply":
            return Unary(function="affine", alpha=number)
        case "divide" if number != 0.0 and isfinite(1 / number):
            return Unary(function="affine", alpha=1 / number)
        case "power":
            return Unary(function="power", alpha=number)
        case "maximum":
            return Unary(function="clip", alpha=number, beta=FLOAT_MAX)
        case "minimum":
            return Unary(function="clip", alpha=-FLOAT_MAX, beta=number)
        case "prelu":
            return Unary(function="leaky_relu", alpha=number)
        case _:
            return None


def _with_left(draft: Draft, function: str, number: float, x: str) -> Call | None:
    match function:
        case "subtract":
            return Call(operator=Unary(function="affine", alpha=-1.0, beta=number), inputs=(x,))
        case "divide":
            inverse = draft.make(Unary(function="reciprocal"), x)
            return Call(operator=Unary(function="affine", alpha=number), inputs=(inverse,))
        case _:
            return None


def compose(draft: Draft, call: Call) -> Call | str | None:
    """One name for each function, and two in a row as one where that is one of ours."""
    match call:
        case Call(operator=Unary(function="negate"), inputs=(x,)) if _is_float(draft, x):
            return Call(operator=Unary(function="affine", alpha=-1.0), inputs=(x,))
        case Call(operator=Unary(function="power", alpha=0.5), inputs=(x,)):
            return Call(operator=Unary(function="sqrt"), inputs=(x,))
        case Call(operator=Unary(function="power", alpha=-1.0), inputs=(x,)):
            return Call(operator=Unary(function="reciprocal"), inputs=(x,))
        case Call(operator=Unary(function="affine", alpha=0.0, beta=shift), inputs=(x,)) if draft.shape(x) is not None:
            return Call(operator=Expand(shape=draft.shape(x) or ()), inputs=(draft.number(shift),))
        case Call(operator=Unary(function="affine", alpha=factor, beta=shift), inputs=(x,)):
            inner, inner_factor, inner_shift = affine_of(draft, x)
            if inner == x or not _is_float(draft, inner):
                return None
            both = Unary(function="affine", alpha=factor * inner_factor, beta=factor * inner_shift + shift)
            return Call(operator=both, inputs=(inner,))
        case Call(operator=Unary(function="clip", alpha=low, beta=high), inputs=(x,)):
            return _clipped(low, high, x)
        case Call(operator=Unary(function="reciprocal" | "sqrt" | "power") as operator, inputs=(x,)):
            return _powers(draft, operator, x)
        case _:
            return None


def _clipped(low: float, high: float, x: str) -> Call | None:
    """relu where it is one; bounds beyond all numbers are written as the largest number."""
    if low == 0.0 and high >= FLOAT_MAX:
        return Call(operator=Unary(function="relu"), inputs=(x,))
    bounded = max(low, -FLOAT_MAX), min(high, FLOAT_MAX)
    if bounded != (low, high):
        return Call(operator=Unary(function="clip", alpha=bounded[0], beta=bounded[1]), inputs=(x,))
    return None


def _exponent(operator: object) -> float | None:
    match operator:
        case Unary(function="reciprocal"):
            return -1.0
        case Unary(function="sqrt"):
            return 0.5
        case Unary(function="power", alpha=alpha):
            return alpha
        case _:
            return None


def _powers(draft: Draft, operator: Unary, x: str) -> Call | None:
    inner = draft.call(x)
    outer, exponent = _exponent(operator), None if inner is None else _exponent(inner.operator)
    if inner is None or outer is None or exponent is None:
        return None
    if exponent not in (0.5, -1.0) or outer not in (-1.0, 0.5) or outer * exponent not in _POWERS:
        return None
    return Call(operator=Unary(function="power", alpha=outer * exponent), inputs=inner.inputs)


def subtract(draft: Draft, call: Call) -> Call | str | None:
    """Adding what is negated is subtracting it, and the other way round."""
    match call:
        case Call(operator=Binary(function="add"), inputs=(left, right)):
            for x, other in ((left, right), (right, left)):
                negated = _negated(draft, other)
                if negated is not None and _negated(draft, x) is None:
                    return Call(operator=Binary(function="subtract"), inputs=(x, negated))
        case Call(operator=Binary(function="subtract"), inputs=(left, right)):
            negated = _negated(draft, right)
            if negated is not None and _negated(draft, left) is None:
                return Call(operator=Binary(function="add"), inputs=(left, negated))
    return None


def _negated(draft: Draft, name: str) -> str | None:
    inner, factor, shift = affine_of(draft, name)
    return inner if (factor, shift) == (-1.0, 0.0) else None


def divide(draft: Draft, call: Call) -> Call | str | None:
    """A product with a reciprocal, or with a reciprocal root, is a division."""
    match call:
        case Call(operator=Binary(function="multiply"), inputs=(left, right)):
            for x, other in ((left, right), (right, left)):
                divisor = _inverse(draft, other)
                if divisor is not None:
                    return Call(operator=Binary(function="divide"), inputs=(x, divisor))
    return None


def _inverse(draft: Draft, name: str) -> str | None:
    match draft.call(name):
        case Call(operator=Unary(function="power", alpha=-0.5), inputs=(x,)):
            return draft.make(Unary(function="sqrt"), x)
        case _:
            return unary_of(draft, name, "reciprocal")
