"""Softmax, however it is written, as one operator."""

from math import inf

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.normal_form.hidden import hidden, spares_each_row
from metagauge.architecture.normal_form.look import binary_of, reduced_of, unary_of
from metagauge.architecture.operators.elementwise import Binary, Unary, Where
from metagauge.architecture.operators.reduction import Softmax


def collect_softmax(draft: Draft, call: Call) -> Call | str | None:
    """`exp(x - max) / sum`, its logarithm, and `x - log(sum(exp(x)))`."""
    match call:
        case Call(operator=Binary(function="divide"), inputs=(power, total)):
            found, x = reduced_of(draft, total, "sum"), unary_of(draft, power, "exp")
            if found is None or x is None or found[0] != power or len(found[1]) != 1:
                return None
            return Call(operator=Softmax(axis=found[1][0]), inputs=(_unshifted(draft, x, found[1]),))
        case Call(operator=Unary(function="log"), inputs=(shares,)):
            match draft.call(shares):
                case Call(operator=Softmax(axis=axis, logarithm=False), inputs=(x,)):
                    return Call(operator=Softmax(axis=axis, logarithm=True), inputs=(x,))
        case Call(operator=Binary(function="subtract"), inputs=(x, total)):
            found = reduced_of(draft, total, "log_sum_exp") or _log_sum(draft, total)
            if found is not None and found[0] == x and len(found[1]) == 1:
                inputs = (_unshifted(draft, x, found[1]),)
                return Call(operator=Softmax(axis=found[1][0], logarithm=True), inputs=inputs)
    return None


def _log_sum(draft: Draft, name: str) -> tuple[str, tuple[int, ...]] | None:
    """The x and axes of `log(sum(exp(x)))`."""
    total = unary_of(draft, name, "log")
    found = None if total is None else reduced_of(draft, total, "sum")
    x = None if found is None else unary_of(draft, found[0], "exp")
    return None if found is None or x is None else (x, found[1])


def _unshifted(draft: Draft, name: str, axes: tuple[int, ...]) -> str:
    """x, of x less its largest element."""
    operands = binary_of(draft, name, "subtract")
    if operands is not None and reduced_of(draft, operands[1], "max") == (operands[0], axes):
        return operands[0]
    return name


def drop_guard(draft: Draft, call: Call) -> Call | str | None:
    """`where(is_nan(s), 0, s)` of a softmax that never is not-a-number: no row of it is masked as a whole."""
    match call:
        case Call(operator=Where(), inputs=(condition, zero, shares)):
            source = draft.call(shares)
            if unary_of(draft, condition, "is_nan") != shares or draft.scalar(zero) != 0.0 or source is None:
                return None
            if isinstance(source.operator, Softmax) and _spares_each_row(draft, source.operator, source.inputs[0]):
                return shares if draft.shape(shares) == draft.shape_of(call) else None
    return None


def _spares_each_row(draft: Draft, operator: Softmax, scores: str) -> bool:
    """Whether no row can be minus infinity throughout; what is not known may be."""
    shape, hides = draft.shape(scores), hidden(draft, scores, -inf)
    return shape is not None and hides is not None and spares_each_row(hides, shape, operator.axis)
