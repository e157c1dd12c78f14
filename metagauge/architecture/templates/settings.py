"""What a config.json says, with the defaults of the library that wrote it for what it leaves out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from metagauge.errors import StructureNotInferableError

Setting = object
"""A value of a config.json: anything JSON holds."""

_LARGEST = 1 << 40
"""No count or size in a configuration is larger, which keeps arithmetic with hostile ones small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Values by key. `defaults` are those of transformers for this model_type; a default taken is noted in `assumed`.

    A key may be dotted, for a value inside a nested object or list. Keys that begin with `family.` are facts about a
    model_type that no configuration states; they come from the defaults alone.
    """

    values: Mapping[str, Setting]
    defaults: Mapping[str, Setting] = field(default_factory=dict)
    path: str = ""
    assumed: dict[str, str] = field(default_factory=dict)
    """What was taken from the defaults, by key; a dictionary because each is listed once, in order."""
    chosen: dict[str, str] = field(default_factory=dict)
    """Sizes of the sample that are the caller's to choose, in words, likewise."""

    def find(self, key: str) -> Setting:
        """The value; None where neither the configuration nor the defaults have one, or it is null."""
        if key.startswith("family."):
            return _walk(self.defaults, key)
        found = _walk(self.values, key)
        if found is not None:
            return found
        if key.split(".", maxsplit=1)[0] in self.values:  # a list or object that is stated is whole
            return None
        default = _walk(self.defaults, key)
        if default is not None:
            self.assumed[self.path + key] = f"{self.path}{key} = {default} (the library's default)"
        return default

    def choose(self, size: str) -> None:
        """Lists a size of the input that the configuration leaves open, and that was chosen."""
        self.chosen[size] = f"{size} is assumed; the weights do not depend on it"

    def states(self, expression: str) -> bool:
        """Whether the configuration itself, not a default, has a value at `$key`."""
        return _walk(self.values, expression.removeprefix("$")) is not None

    def resolve(self, expression: Setting) -> Setting:
        """`expression` itself, unless it is text with a `$`: then the first of `$key|$key|text` that has a value."""
        if not isinstance(expression, str) or "$" not in expression:
            return expression
        for alternative in expression.split("|"):
            found = self.find(alternative[1:]) if alternative.startswith("$") else alternative
            if found is not None:
                return found
        return None

    def integer(self, expression: Setting) -> int:
        """A count or size."""
        value = self.resolve(expression)
        if isinstance(value, str) and value.isdecimal() and len(value) < 10:
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST < value < _LARGEST:
            raise self._unusable(expression, value, "a whole number")
        if value != int(value):
            raise self._unusable(expression, value, "a whole number")
        return int(value)

    def number(self, expression: Setting) -> float:
        """A finite number."""
        value = self.resolve(expression)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError as error:
                raise self._unusable(expression, value, "a number") from error
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e30:
            raise self._unusable(expression, value, "a number")
        return float(value)

    def text(self, expression: Setting) -> str:
        """A word, such as the name of an activation."""
        value = self.resolve(expression)
        if not isinstance(value, str):
            raise self._unusable(expression, value, "a text")
        return value

    def flag(self, expression: Setting) -> bool:
        """Whether a value is set and not false, zero or empty."""
        return bool(self.resolve(expression))

    def integers(self, expression: Setting) -> list[int]:
        """A list of whole numbers."""
        value = self.resolve(expression)
        if not isinstance(value, list):
            raise self._unusable(expression, value, "a list of whole numbers")
        return [self.integer(item) for item in value[:4096]]

    def inside(self, key: str) -> "Settings":
        """The nested object `key`, empty where there is none."""
        values = self.values.get(key)
        defaults = self.defaults.get(key)
        return replace(
            self,
            values=values if isinstance(values, dict) else {},
            defaults={**(defaults if isinstance(defaults, dict) else {}), "family": self.defaults.get("family")},
            path=f"{self.path}{key}.",
        )

    def _unusable(self, expression: Setting, value: Setting, wanted: str) -> StructureNotInferableError:
        name = str(expression).replace("$", self.path) if isinstance(expression, str) else self.path or "a value"
        found = "is missing" if value is None else f"is {str(value)[:60]!r}"
        message = f"config.json: {name} {found}, and {wanted} is needed to know how the network is wired"
        return StructureNotInferableError(message)


def _walk(values: Mapping[str, Setting], key: str) -> Setting:
    found: object = dict(values)
    for part in key.split("."):
        found = _step(found, part)
    return found


def _step(holder: object, part: str) -> object:
    """The item of an object or list, None where there is none."""
    match holder:
        case dict():
            return holder.get(part)
        case list() if part.isdecimal() and len(part) < 6 and int(part) < len(holder):
            return holder[int(part)]
        case _:
            return None
