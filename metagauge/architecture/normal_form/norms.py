"""Layer, group, instance and RMS norm, however they are written, as `Standardise`."""

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.normal_form.look import affine_of, binary_of, reduced_of, square_of, unary_of
from metagauge.architecture.operators.elementwise import Binary
from metagauge.architecture.operators.reduction import Standardise

_LARGEST_EPSILON = 0.1
"""Above it, a number added to a variance is none that only keeps a division defined."""


def standardise(draft: Draft, call: Call) -> Call | str | None:
    """`(x - mean) / sqrt(variance + epsilon)`, or `x / sqrt(mean square + epsilon)`."""
    match call:
        case Call(operator=Binary(function="divide"), inputs=(x, root)):
            spread = _spread(draft, root)
            return None if spread is None else _divided(draft, x, *spread)
        case Call(operator=Binary(function="multiply"), inputs=(left, right)):
            return _scaled_first(draft, left, right) or _scaled_first(draft, right, left)
        case _:
            return None


def _scaled_first(draft: Draft, x: str, ratio: str) -> Call | None:
    """`x (scale / deviation)`, as JAX has it."""
    operands = binary_of(draft, ratio, "divide")
    spread = None if operands is None else _spread(draft, operands[1])
    found = None if spread is None else _divided(draft, x, *spread)
    if operands is None or found is None:
        return None
    normal = draft.make(found.operator, *found.inputs)
    return Call(operator=Binary(function="multiply"), inputs=(normal, operands[0]))


def _divided(draft: Draft, x: str, variance: str, epsilon: float) -> Call | None:
    centred = _centred(draft, x)
    if centred is not None:
        source, axes = centred
        if _variance_axes(draft, variance, source) == axes:
            return Call(operator=Standardise(axes=axes, epsilon=epsilon), inputs=(source,))
    square = reduced_of(draft, variance, "mean")
    if square is not None and square_of(draft, square[0]) == x:
        return Call(operator=Standardise(axes=square[1], epsilon=epsilon, centred=False), inputs=(x,))
    return None


def collect_moments(draft: Draft, call: Call) -> Call | str | None:
    """`x r + (shift - mean r)` with r a scale over the deviation: how TensorFlow writes a normalisation."""
    match call:
        case Call(operator=Binary(function="add"), inputs=(left, right)):
            return _moments(draft, left, right) or _moments(draft, right, left)
        case Call(operator=Binary(function="subtract"), inputs=(left, right)):
            found = _matched(draft, left, right)
            return None if found is None else _scaled(draft, *found)
        case _:
            return None


def _moments(draft: Draft, scaled: str, rest: str) -> Call | None:
    operands = binary_of(draft, rest, "subtract")
    found = None if operands is None else _matched(draft, scaled, operands[1])
    if operands is None or found is None:
        return None
    call = _scaled(draft, *found)
    return Call(operator=Binary(function="add"), inputs=(draft.make(call.operator, *call.inputs), operands[0]))


def _matched(draft: Draft, scaled: str, moved: str) -> tuple[str, Standardise, str] | None:
    """x, how it is standardised and by what it is scaled, of `x r` and `mean r`."""
    for x, ratio in _products(draft, scaled):
        for mean, same in _products(draft, moved):
            found = reduced_of(draft, mean, "mean")
            deviation = binary_of(draft, ratio, "divide") if ratio != _RECIPROCAL else None
            if same != ratio or found is None or found[0] != x:
                continue
            scale, root = deviation or ("", _divisor(draft, scaled))
            spread = _spread(draft, root)
            if spread is not None and _variance_axes(draft, spread[0], x) == found[1]:
                if deviation is None and root != _divisor(draft, moved):
                    continue
                return x, Standardise(axes=found[1], epsilon=spread[1]), scale
    return None


_RECIPROCAL = "/"
"""Stands for a ratio that is written as a division."""


def _products(draft: Draft, name: str) -> list[tuple[str, str]]:
    """The ways to read a value as x times a ratio."""
    operands = binary_of(draft, name, "multiply")
    if operands is not None:
        return [operands, (operands[1], operands[0])]
    operands = binary_of(draft, name, "divide")
    return [] if operands is None else [(operands[0], _RECIPROCAL)]


def _divisor(draft: Draft, name: str) -> str:
    operands = binary_of(draft, name, "divide")
    return "" if operands is None else operands[1]


def _scaled(draft: Draft, x: str, operator: Standardise, scale: str) -> Call:
    if not scale:
        return Call(operator=operator, inputs=(x,))
    return Call(operator=Binary(function="multiply"), inputs=(draft.make(operator, x), scale))


def _spread(draft: Draft, root: str) -> tuple[str, float] | None:
    """The variance and epsilon of `sqrt(variance + epsilon)`."""
    inner = unary_of(draft, root, "sqrt")
    if inner is None:
        return None
    variance, factor, epsilon = affine_of(draft, inner)
    return (variance, epsilon) if factor == 1.0 and 0.0 <= epsilon <= _LARGEST_EPSILON else None


def _centred(draft: Draft, name: str) -> tuple[str, tuple[int, ...]] | None:
    """The x and axes of `x - mean(x)`, also written the other way round."""
    operands = binary_of(draft, name, "subtract")
    if operands is None:
        return None
    found = reduced_of(draft, operands[1], "mean")
    return (operands[0], found[1]) if found is not None and found[0] == operands[0] else None


def _variance_axes(draft: Draft, name: str, x: str) -> tuple[int, ...] | None:
    """The axes over which a value is the variance of x: mean of squared distances, or mean square less squared mean."""
    found = reduced_of(draft, name, "mean")
    if found is not None:
        distance = square_of(draft, found[0])
        if distance is None:
            return None
        centred = _centred(draft, distance) or _reversed(draft, distance)
        return found[1] if centred == (x, found[1]) else None
    operands = binary_of(draft, unary_of(draft, name, "relu") or name, "subtract")
    if operands is None:
        return None
    square, mean = reduced_of(draft, operands[0], "mean"), square_of(draft, operands[1])
    centre = None if mean is None else reduced_of(draft, mean, "mean")
    if square is None or centre is None or square_of(draft, square[0]) != x or centre != (x, square[1]):
        return None
    return square[1]


def _reversed(draft: Draft, name: str) -> tuple[str, tuple[int, ...]] | None:
    """As `_centred`, of `mean(x) - x`."""
    operands = binary_of(draft, name, "subtract")
    found = None if operands is None else reduced_of(draft, operands[0], "mean")
    return found if operands is not None and found is not None and found[0] == operands[1] else None
