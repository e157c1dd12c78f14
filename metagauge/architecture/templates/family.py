"""A family of networks as data: which configurations it covers, how its tensors are spelled, and its steps."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

Fields = Mapping[str, object]
"""One step of a template as its TOML file has it; the first key is the verb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One TOML file of `families/`.

    Attributes:
        models: the model_types it covers.
        rewrites: patterns of file names and what takes their place, in order; they remove the base model's prefix and
            turn spellings of other versions into the one that the steps use.
        ignored: patterns of tensors that the output does not depend on (in the steps' spelling).
        defaults: what transformers assumes where a configuration is silent, by model_type; "" holds for all.
        steps: what is written, in order.
        fingerprint: which tensors mark the family, and what they tell of a configuration; see fingerprint.py.
        sizes: what a configuration says of the shapes of some tensors; one that says otherwise belongs to another file.
        parts: named tables that steps refer to, such as the description of an attention block.
    """

    name: str
    models: tuple[str, ...]
    rewrites: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    defaults: Mapping[str, Fields]
    steps: tuple[Fields, ...]
    fingerprint: Fields
    sizes: Mapping[str, tuple[str, ...]]
    parts: Mapping[str, Fields]

    def defaults_of(self, model: str) -> dict[str, object]:
        """The defaults of one model_type."""
        return {**self.defaults.get("", {}), **self.defaults.get(model, {})}


@cache
def families() -> Mapping[str, Family]:
    """Every family, by the model_types it covers."""
    found: dict[str, Family] = {}
    folder = files("metagauge.architecture.templates").joinpath("families")
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            family = _family(entry.name.removesuffix(".toml"), tomllib.loads(entry.read_text("utf-8")))
            found |= dict.fromkeys(family.models, family)
    return found


def _family(name: str, table: dict[str, object]) -> Family:
    stated, fingerprint = table.pop("defaults", None), table.pop("fingerprint", None)
    sizes = table.pop("sizes", None)
    general = dict(stated) if isinstance(stated, dict) else {}
    by_model = general.pop("by_model", {})
    return Family(
        name=name,
        models=tuple(map(str, _items(table.get("models")))),
        rewrites=tuple((str(pattern), str(text)) for pattern, text in map(_items, _items(table.get("rewrites")))),
        ignored=tuple(map(str, _items(table.get("ignored")))),
        defaults={"": general, **by_model},
        steps=tuple(step for step in _items(table.get("steps")) if isinstance(step, dict)),
        fingerprint=fingerprint if isinstance(fingerprint, dict) else {},
        sizes={tensor: tuple(map(str, _items(shape))) for tensor, shape in sizes.items()}
        if isinstance(sizes, dict)
        else {},
        parts={key: part for key, part in table.items() if isinstance(part, dict)},
    )


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []
