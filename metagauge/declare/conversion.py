"""Values and numbers as operands of one kind, as ONNX's operators want them."""

from collections.abc import Mapping

import numpy as np

from metagauge.architecture.operators.source import NumberKind
from metagauge.declare.call import Call, Value
from metagauge.declare.writing import Writer

_TYPES: Mapping[NumberKind, int] = {"float": 1, "int": 7, "bool": 9}
"""ONNX's numbers for the types that stand for a kind."""


def cast(writer: Writer, call: Call, value: Value, kind: NumberKind) -> str:
    """A value as numbers of this kind."""
    return value.name if value.numbers == kind else writer.write(call, "Cast", [value.name], {"to": _TYPES[kind]})[0]


def operand(writer: Writer, call: Call, name: str, kind: NumberKind) -> str:
    """An argument that is a value or a number, as numbers of this kind."""
    found = call.arguments[name]
    if isinstance(found, Value):
        return cast(writer, call, found, kind)
    return number(writer, call.real(name), kind)


def number(writer: Writer, value: float, kind: NumberKind) -> str:
    """A constant number of this kind."""
    match kind:
        case "float":
            return writer.number(value)
        case "int":
            return writer.integer(int(value))
        case "bool":
            return writer.constant(np.asarray(bool(value)))


def common(call: Call, *names: str) -> NumberKind:
    """The kind that arguments are brought to before they meet."""
    kinds = {_kind(call, name) for name in names}
    return "float" if "float" in kinds else "int" if "int" in kinds else "bool"


def _kind(call: Call, name: str) -> NumberKind:
    match call.arguments[name]:
        case Value(numbers=numbers):
            return numbers
        case bool():
            return "bool"
        case int():
            return "int"
        case _:
            return "float"
