"""Comparisons, flags, choices between values, and values that are one number everywhere."""

from collections.abc import Callable

import numpy as np

from metagauge.architecture.operators.source import NumberKind
from metagauge.declare.call import Call, Value
from metagauge.declare.conversion import cast, common, operand
from metagauge.declare.writing import Writer

Written = tuple[str, ...]
_FILLED_LIMIT = 1 << 20
"""Most elements of a value that is one number everywhere."""


def compared(operator: str, *, negated: bool = False) -> Callable[[Writer, Call], Written]:
    """Flags: how a value compares with another one or with a number."""

    def written(writer: Writer, call: Call) -> Written:
        kind = common(call, "self", "other")
        flags = writer.write(call, operator, [operand(writer, call, name, kind) for name in ("self", "other")])
        return writer.write(call, "Not", flags) if negated else flags

    return written


def combined(operator: str) -> Callable[[Writer, Call], Written]:
    """Two flags, or one."""

    def written(writer: Writer, call: Call) -> Written:
        given = [call.value(name) for name in ("self", "other") if name in call.arguments]
        if call.operator.startswith("aten.bitwise") and any(value.numbers != "bool" for value in given):
            raise call.unreadable("it works on the bits of whole numbers")
        return writer.write(call, operator, [cast(writer, call, value, "bool") for value in given])

    return written


def choice(writer: Writer, call: Call) -> Written:
    """One value where a condition holds, another one elsewhere."""
    kind = call.numbers
    inputs = [cast(writer, call, call.value("condition"), "bool")]
    return writer.write(call, "Where", [*inputs, *(operand(writer, call, name, kind) for name in ("self", "other"))])


def masked_fill(writer: Writer, call: Call) -> Written:
    """A number where a mask holds."""
    kind = call.numbers
    inputs = [call.value("mask").name, operand(writer, call, "value", kind), operand(writer, call, "self", kind)]
    return writer.write(call, "Where", inputs)


def threshold(writer: Writer, call: Call) -> Written:
    """A value where it is above a bound, a number elsewhere."""
    source, kind = call.value("self").name, call.numbers
    flags = writer.write(call, "Greater", [source, operand(writer, call, "threshold", kind)])
    return writer.write(call, "Where", [*flags, source, operand(writer, call, "value", kind)])


def filled(number: float | None) -> Callable[[Writer, Call], Written]:
    """This number everywhere, or the one that the call names."""

    def written(writer: Writer, call: Call) -> Written:
        if int(np.prod(call.shape)) > _FILLED_LIMIT:
            raise call.unreadable("it makes a large constant")
        found = call.real("fill_value") if number is None else number
        return (writer.constant(np.full(call.shape, found, _NUMPY[call.numbers])),)

    return written


def triangle(*, upper: bool) -> Callable[[Writer, Call], Written]:
    """A matrix with zeros on one side of a diagonal."""

    def written(writer: Writer, call: Call) -> Written:
        inputs = [call.value("self").name, writer.integer(call.integer("diagonal"))]
        return writer.write(call, "Trilu", inputs, {"upper": int(upper)})

    return written


_NUMPY: dict[NumberKind, type[np.generic]] = {"float": np.float32, "int": np.int64, "bool": np.bool_}


def any_of(writer: Writer, call: Call) -> Written:
    """Whether any flag along an axis is set."""
    return _reduced_flags(writer, call, "ReduceMax")


def all_of(writer: Writer, call: Call) -> Written:
    """Whether all flags along an axis are set."""
    return _reduced_flags(writer, call, "ReduceMin")


def _reduced_flags(writer: Writer, call: Call, operator: str) -> Written:
    source = call.value("self")
    rank = len(source.shape)
    is_whole = "dim" not in call.arguments
    axes = tuple(range(rank)) if is_whole else tuple(axis % rank for axis in call.integers("dim"))
    flags = Value(name=cast(writer, call, source, "bool"), shape=source.shape, numbers="bool")
    numbers = cast(writer, call, flags, "int")
    keep = 0 if is_whole else call.integer("keepdim")
    (found,) = writer.write(call, operator, [numbers, writer.integers(axes)], {"keepdims": keep})
    return (cast(writer, call, Value(name=found, shape=call.shape, numbers="int"), "bool"),)
