"""A network being written from its family's steps: the current value, kept ones, and where in the network we are."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from metagauge.architecture.templates.family import Fields
from metagauge.architecture.templates.sample import Sample
from metagauge.architecture.templates.settings import Settings
from metagauge.architecture.templates.sketch import Sketch, Value
from metagauge.architecture.templates.spelling import Spelling
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError, TensorMissingError

_LAYERS = 4096
"""Layers of one stack."""

_CONDITION = re.compile(
    r"(?P<not>not )?"
    r"((?P<kind>has|arch|kept|given):(?P<what>.+)|(?P<base>base)|layer:(?P<layer>\d+)|(?P<key>\$[^=]+)(==(?P<value>.+))?)"
)


class _Kept(dict[str, Value]):
    """Values by name; a name that nothing was kept under is the configuration's fault, or a tensor is missing."""

    def __missing__(self, name: str) -> Value:
        message = f"the network has no {name!r} where this configuration reads it"
        raise ArchitectureMismatchError(f"{message}; is a part of the checkpoint missing?")


@dataclass(slots=True, kw_only=True)
class Drawing:
    """The state while steps are taken. `value` is the value that a step works on when it names no other."""

    sketch: Sketch
    settings: Settings
    spelling: Spelling
    sample: Sample
    architecture: str
    """The class that config.json names, such as BertForMaskedLM; empty where it names none."""
    is_base: bool
    """Whether that class is the family's model without a head on top."""
    parts: Mapping[str, Fields]
    verbs: Mapping[str, "Verb"]
    value: Value | None = None
    kept: dict[str, Value] = field(default_factory=_Kept)
    outputs: list[Value] = field(default_factory=list)
    grid: tuple[int, ...] = ()
    """Height and width of the image in patches, once there are patches."""
    prefix: str = ""
    layer: int = 0
    indices: dict[str, int] = field(default_factory=dict)
    """The numbers of the layers we are in, by the letter that stands for each in names."""

    @property
    def current(self) -> Value:
        """The current value."""
        if self.value is None:
            raise ValueError("the family's first step gives no value")
        return self.value

    def run(self, steps: Iterable[Fields]) -> None:
        """Takes the steps in order."""
        for fields in steps:
            step = Step(drawing=self, fields=fields)
            if step.applies():
                self.verbs[step.verb](self, step)

    def has(self, name: str) -> bool:
        """Whether the file has this tensor of the template, at the place where we are."""
        return self.prefix + name in self.spelling.files

    def weight(self, name: str, axes: int | None = None) -> Value:
        """A tensor by the template's name, at the place where we are, which has this many axes.

        Raises:
            TensorMissingError: the file does not have it.
            ArchitectureMismatchError: it has another number of axes.
        """
        full = self.prefix + name
        file = self.spelling.files.get(full)
        if file is None:
            end = ".".join(full.split(".")[-2:])
            near = [other for other in self.spelling.files.values() if other.endswith(end)][:3]
            hint = f" (it has {', '.join(repr(other[:100]) for other in near)})" if near else ""
            message = f"a network of this configuration has tensor {full[:200]!r}, and the file does not{hint}"
            raise TensorMissingError(f"{message}; is a part of the checkpoint missing?")
        value = self.sketch.weight(file)
        if axes is not None and value.rank != axes:
            message = f"tensor {file[:200]!r} has shape {list(value.shape)}, and {axes} axes are expected"
            raise ArchitectureMismatchError(f"{message} of a network of this configuration")
        return value

    def optional(self, name: str) -> Value | None:
        """A tensor that this network may do without, such as a bias."""
        return self.weight(name) if self.has(name) else None

    def linear(self, name: str, value: Value, *, stored: str = "outputs first") -> Value:
        """The linear layer called `name`, applied to `value`; with a bias where the file has one."""
        return self.sketch.linear(
            value, self.weight(f"{name}.weight", axes=2), self.optional(f"{name}.bias"), stored=stored
        )

    @contextmanager
    def at(self, prefix: str) -> Iterator[None]:
        """Names below begin with `prefix` and a point."""
        before = self.prefix
        self.prefix = f"{before}{prefix}." if prefix else before
        try:
            yield
        finally:
            self.prefix = before

    def named(self, text: str) -> str:
        """`text` with the layers' numbers in place of their letters; {i+1} is the next layer's."""
        for letter, index in self.indices.items():
            text = text.replace(f"{{{letter}}}", str(index)).replace(f"{{{letter}+1}}", str(index + 1))
        return text

    def count_layers(self, expression: object) -> int:
        """A number of layers, which is bounded."""
        layers = self.settings.integer(expression)
        if not 0 <= layers <= _LAYERS:
            raise StructureNotInferableError(f"config.json says {layers} layers; the limit is {_LAYERS}")
        return layers


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a family's TOML file; values with a `$` come from the configuration."""

    drawing: Drawing
    fields: Fields

    @property
    def verb(self) -> str:
        """What to do."""
        return next(iter(self.fields))

    @property
    def target(self) -> str:
        """What the verb is done to: a tensor's name, a kept value or a part."""
        return self.drawing.named(str(self.fields[self.verb]))

    def applies(self) -> bool:
        """Whether all conditions in `when` hold.

        They are `has:TENSOR`, `arch:ENDING` (of the class in config.json), `base` (it is the model without a head),
        `kept:VALUE`, `given:KEY` (config.json has it), `layer:NUMBER`, `$key`, `$key==text`; each also with `not `.
        """
        conditions = self.fields.get("when", ())
        listed = conditions if isinstance(conditions, list | tuple) else [conditions]
        return all(self._holds(str(condition)) for condition in listed)

    def has(self, key: str) -> bool:
        """Whether the step says something for `key`."""
        return key in self.fields

    def text(self, key: str, default: str = "") -> str:
        """Text; `{i}` stands for the layer's number."""
        if key not in self.fields:
            return default
        return self.drawing.named(self.drawing.settings.text(self._expression(key)))

    def name(self, key: str, default: str = "") -> str:
        """Text that is never looked up in the configuration."""
        return self.drawing.named(str(self.fields.get(key, default)))

    def integer(self, key: str, default: int = 0) -> int:
        """A whole number."""
        return self.drawing.settings.integer(self._expression(key)) if key in self.fields else default

    def number(self, key: str, default: float = 0.0) -> float:
        """A number."""
        return self.drawing.settings.number(self._expression(key)) if key in self.fields else default

    def flag(self, key: str) -> bool:
        """Whether `key` is set and true."""
        return self.drawing.settings.flag(self._expression(key))

    def steps(self, key: str) -> tuple[Fields, ...]:
        """Nested steps."""
        nested = self.fields.get(key)
        return tuple(nested) if isinstance(nested, list) else ()

    def branches(self, key: str) -> tuple[tuple[Fields, ...], ...]:
        """Several lists of nested steps."""
        lists = self.fields.get(key)
        return tuple(tuple(steps) for steps in lists) if isinstance(lists, list) else ()

    def part(self, key: str) -> "Step":
        """The named table that this step refers to, as a step of its own."""
        return Step(drawing=self.drawing, fields={"part": key, **self.drawing.parts[key]})

    def resolved(self, key: str) -> object:
        """Whatever the step says for `key`, from the configuration where it refers there."""
        return self.drawing.settings.resolve(self._expression(key))

    def _expression(self, key: str) -> object:
        stated = self.fields.get(key)
        return self.drawing.named(stated) if isinstance(stated, str) else stated

    def _holds(self, condition: str) -> bool:
        match = _CONDITION.fullmatch(condition)
        if match is None:
            raise ValueError(f"{condition!r} is no condition of a family's step")
        if match["kind"] == "has":
            holds = self.drawing.has(self.drawing.named(match["what"]))
        elif match["kind"] == "kept":
            holds = match["what"] in self.drawing.kept
        elif match["kind"] == "given":
            holds = self.drawing.settings.values.get(match["what"]) is not None
        elif match["kind"] == "arch":
            holds = self.drawing.architecture.endswith(match["what"])
        elif match["layer"]:
            holds = self.drawing.layer == int(match["layer"])
        elif match["base"]:
            holds = self.drawing.is_base
        elif match["value"] is not None:
            holds = str(self.drawing.settings.resolve(self.drawing.named(match["key"]))) == match["value"]
        else:
            holds = self.drawing.settings.flag(self.drawing.named(match["key"]))
        return holds != bool(match["not"])


Verb = Callable[[Drawing, Step], None]
"""What a kind of step does."""
