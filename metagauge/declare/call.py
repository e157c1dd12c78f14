"""One call of a PyTorch operator in a traced network, its arguments by name and type."""

from collections.abc import Mapping
from dataclasses import dataclass

from metagauge.architecture.operators.source import NumberKind
from metagauge.errors import StructureNotInferableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A tensor that flows between two calls, or one of the module's own."""

    name: str
    shape: tuple[int, ...]
    numbers: NumberKind

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers."""
        return self.numbers == "float"


Argument = Value | bool | int | float | str | tuple["Argument", ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`operator` applied to `arguments`, which its schema names; `place` says where in the module, for messages."""

    operator: str
    place: str
    arguments: Mapping[str, Argument]
    results: tuple[Value, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the first result."""
        return self.results[0].shape

    @property
    def numbers(self) -> NumberKind:
        """What the first result holds."""
        return self.results[0].numbers

    def value(self, name: str) -> Value:
        """A tensor."""
        found = self.arguments[name]
        if not isinstance(found, Value):
            raise self.unreadable(f"its {name} is no tensor")
        return found

    def optional(self, name: str) -> str:
        """The name of a tensor, empty where there is none: as a program spells an input left out."""
        return "" if self.arguments[name] is None else self.value(name).name

    def values(self, name: str) -> tuple[Value, ...]:
        """A list of tensors."""
        found = self.arguments[name]
        values = tuple(item for item in found if isinstance(item, Value)) if isinstance(found, tuple) else ()
        if not values or not isinstance(found, tuple) or len(values) != len(found):
            raise self.unreadable(f"its {name} are no tensors")
        return values

    def integer(self, name: str) -> int:
        """A whole number or a flag."""
        found = self.arguments[name]
        if not isinstance(found, int):
            raise self.unreadable(f"its {name} is no fixed number")
        return int(found)

    def integers(self, name: str, repeat: int = 1) -> tuple[int, ...]:
        """A list of whole numbers; one alone stands for `repeat` of them, none at all for an empty list."""
        found = self.arguments[name]
        if isinstance(found, int):
            return (int(found),) * repeat
        items = () if found is None else found
        numbers = tuple(int(item) for item in items if isinstance(item, int)) if isinstance(items, tuple) else ()
        if not isinstance(items, tuple) or len(numbers) != len(items):
            raise self.unreadable(f"its {name} are no fixed numbers")
        return numbers * repeat if len(numbers) == 1 else numbers

    def real(self, name: str, default: float = 0.0) -> float:
        """A number; `default` where it is left out."""
        found = self.arguments[name]
        if found is None:
            return default
        if not isinstance(found, int | float):
            raise self.unreadable(f"its {name} is no fixed number")
        return float(found)

    def text(self, name: str) -> str:
        """A word."""
        found = self.arguments[name]
        if not isinstance(found, str):
            raise self.unreadable(f"its {name} is no word")
        return found

    def axis(self, name: str, rank: int) -> int:
        """An axis, counted from the front."""
        return self.integer(name) % rank

    def unreadable(self, reason: str) -> StructureNotInferableError:
        """The error for a call that has no layer."""
        return StructureNotInferableError(f"{self.operator} in {self.place} cannot be read: {reason}")
