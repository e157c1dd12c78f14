"""Attributes of a node, by type."""

import numpy as np

from metagauge.checkpoint.program import Attribute, Node
from metagauge.errors import MalformedCheckpointError


def decimal(number: float) -> float:
    """The shortest number that is the same in float32: 1e-5 for 9.99999974e-06."""
    return float(str(np.float32(number))) if np.float32(number) == number else float(number)


def integer(node: Node, name: str, default: int) -> int:
    """An integer attribute."""
    value = node.attributes.get(name, default)
    if not isinstance(value, int):
        raise _wrong_type(node, name, value)
    return value


def flag(node: Node, name: str, default: bool) -> bool:
    """An integer attribute that means yes or no."""
    return integer(node, name, int(default)) != 0


def integers(node: Node, name: str) -> tuple[int, ...] | None:
    """A list of integers; None where the node leaves it out."""
    value = node.attributes.get(name)
    if value is None:
        return None
    if not isinstance(value, tuple):
        raise _wrong_type(node, name, value)
    found = tuple(item for item in value if isinstance(item, int))
    if len(found) != len(value):
        raise _wrong_type(node, name, value)
    return found


def real(node: Node, name: str, default: float) -> float:
    """A number, as the decimal it was written as."""
    value = node.attributes.get(name, default)
    if not isinstance(value, int | float):
        raise _wrong_type(node, name, value)
    return decimal(value)


def reals(node: Node, name: str) -> tuple[float, ...] | None:
    """A list of numbers; None where the node leaves it out."""
    value = node.attributes.get(name)
    if value is None:
        return None
    if not isinstance(value, tuple):
        raise _wrong_type(node, name, value)
    found = tuple(decimal(item) for item in value if isinstance(item, int | float))
    if len(found) != len(value):
        raise _wrong_type(node, name, value)
    return found


def text(node: Node, name: str, default: str) -> str:
    """A string attribute."""
    value = node.attributes.get(name, default)
    if not isinstance(value, str):
        raise _wrong_type(node, name, value)
    return value


def texts(node: Node, name: str) -> tuple[str, ...]:
    """A list of strings; empty where the node leaves it out."""
    value = node.attributes.get(name, ())
    if not isinstance(value, tuple) or any(not isinstance(item, str) for item in value):
        raise _wrong_type(node, name, value)
    return tuple(str(item) for item in value)


def _wrong_type(node: Node, name: str, value: Attribute) -> MalformedCheckpointError:
    return MalformedCheckpointError(
        f"{node.operator} {node.name!r} has attribute {name!r} of the wrong type: {str(value)[:100]}"
    )
