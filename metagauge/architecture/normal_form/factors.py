"""A number that a value is multiplied with moves towards where the value is used, and into the next product there.

Exporters scale queries, or keys, or both by a root, or what comes out. Between two values that depend on the input the
number becomes `Contract.factor`; a product with weights has none, it gives the number on.
"""

from math import isfinite

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.normal_form.look import affine_of
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Binary, Unary
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Slice, Transpose

_WAY_BACK = 16
"""Most movements between a product and the number it is multiplied with."""


def sink(draft: Draft, call: Call) -> Call | str | None:
    """The operator first, the multiplication after it."""
    match call:
        case Call(operator=Reshape() | Transpose() | Slice() | Expand() | Pad(mode="constant", value=0.0) | Gather()):
            x, factor = _scaled(draft, call.inputs[0])
            return None if factor is None else _times(factor, draft.make(call.operator, x, *call.inputs[1:]))
        case Call(operator=Concat() | Binary(function="add" | "subtract")):
            parts = [_scaled(draft, name) for name in call.inputs]
            factor = parts[0][1]
            if factor is None or any(other != factor for _, other in parts):
                return None
            return _times(factor, draft.make(call.operator, *(name for name, _ in parts)))
        case Call(operator=Binary(function="multiply" | "divide" as function), inputs=(left, right)):
            (x, first), (y, second) = _scaled(draft, left), _scaled(draft, right)
            if first is None and second is None:
                return None
            last = 1.0 if second is None else second if function == "multiply" else 1 / second
            return _times((first or 1.0) * last, draft.make(call.operator, x, y))
        case _:
            return None


def absorb(draft: Draft, call: Call) -> Call | str | None:
    """What the operands of a contraction are multiplied with becomes its factor, or follows it."""
    match call.operator:
        case Contract(equation=equation, factor=factor):
            parts = [_scaled(draft, name) for name in call.inputs]
            for _, other in parts:
                factor *= 1.0 if other is None else other
            inputs = tuple(name for name, _ in parts)
            if _is_between_values(draft, inputs):
                operator = Contract(equation=equation, factor=factor)
                return None if inputs == call.inputs else Call(operator=operator, inputs=inputs)
            if factor == 1.0:
                return None if inputs == call.inputs else Call(operator=Contract(equation=equation), inputs=inputs)
            return _times(factor, draft.make(Contract(equation=equation), *inputs))
        case _:
            return None


def raise_factor(draft: Draft, call: Call) -> Call | str | None:
    """A multiplication after a contraction of two values becomes its factor, also past movements."""
    match call:
        case Call(operator=Unary(function="affine", alpha=alpha, beta=0.0), inputs=(name,)):
            moves: list[Call] = []
            found = draft.call(name)
            while found is not None and draft.is_read_once(found.name) and len(moves) < _WAY_BACK:
                match found.operator:
                    case Contract(equation=equation, factor=factor) if _is_between_values(draft, found.inputs):
                        found = Call(operator=Contract(equation=equation, factor=alpha * factor), inputs=found.inputs)
                        return _again(draft, found, moves)
                    case Reshape() | Transpose() | Slice() | Expand():
                        moves.append(found)
                        found = draft.call(found.inputs[0])
                    case _:
                        return None
    return None


def _again(draft: Draft, call: Call, moves: list[Call]) -> Call:
    """The movements, the last one read first, of another value."""
    while moves:
        name = draft.make(call.operator, *call.inputs)
        call = Call(operator=moves.pop().operator, inputs=(name,))
    return call


def _is_between_values(draft: Draft, inputs: tuple[str, ...]) -> bool:
    return sum(name in draft.live for name in inputs) >= 2


def _scaled(draft: Draft, name: str) -> tuple[str, float | None]:
    """The x and factor of `factor x`; None where it is no such product."""
    x, factor, shift = affine_of(draft, name)
    is_usable = x != name and shift == 0.0 and factor != 0.0 and isfinite(factor) and draft.kind(x) == "float"
    return (x, factor) if is_usable else (name, None)


def _times(factor: float, name: str) -> Call:
    return Call(operator=Unary(function="affine", alpha=factor), inputs=(name,))
