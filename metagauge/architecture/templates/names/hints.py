"""What a caller may say of a network that a file of tensors cannot: a small JSON object sent beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.dataflow import Dataflow
from metagauge.errors import ArchitectureMismatchError

Pooling = Literal["first", "last", "mean"]

_SIZE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """All are optional; None where the caller said nothing.

    Attributes:
        num_heads: heads of each attention layer.
        image_size: height and width of the images, in pixels.
        activation: the activation between the layers of a plain chain, as torch or transformers names it; several,
            with commas between them, where each place between layers has its own.
        steps: length of a sequence.
        pooling: which steps of a sequence are classified: the first, the last, or their mean.
    """

    num_heads: int | None = None
    image_size: int | None = None
    activation: str | None = None
    steps: int | None = None
    pooling: Pooling | None = None


def is_hints(sidecar: Mapping[str, object]) -> bool:
    """Whether a JSON object sent beside a checkpoint is meant as hints: it is neither a specification nor a config."""
    return bool(sidecar) and not isinstance(sidecar.get("steps"), list) and _OTHERS.isdisjoint(sidecar)


def hints_of(sidecar: Mapping[str, object]) -> Hints:
    """The hints that a JSON object holds.

    Raises:
        ArchitectureMismatchError: a key or a value that is none.
    """
    texts: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for name, value in sidecar.items():
        if name not in _NAMES:
            known = ", ".join(_NAMES[:-1])
            message = f"{name[:60]!r} is no hint; known are {known} and {_NAMES[-1]}"
            raise ArchitectureMismatchError(f"{message}. {_OTHER_FILES}")
        if name in ("activation", "pooling"):
            if not isinstance(value, str) or (name == "pooling" and value not in get_args(Pooling)):
                wanted = f"one of {', '.join(get_args(Pooling))}" if name == "pooling" else "a name, such as relu"
                raise ArchitectureMismatchError(f"the hint {name} is {wanted}, and not {str(value)[:60]!r}")
            texts[name] = value
        elif not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _SIZE:
            message = f"the hint {name} is a whole number from 1 to {_SIZE}, and not {str(value)[:60]!r}"
            raise ArchitectureMismatchError(message)
        else:
            numbers[name] = value
    pooling = next((each for each in get_args(Pooling) if each == texts.get("pooling")), None)
    return Hints(activation=texts.get("activation"), pooling=pooling, **numbers)


_NAMES = tuple(field.name for field in fields(Hints))
_SPECIFICATION = {field.name for form in (Architecture, Dataflow) for field in fields(form)} - {"steps"}
_OTHERS = frozenset({*_SPECIFICATION, "model_type", "architectures"})
"""Keys of what else may be sent beside a checkpoint."""
_OTHER_FILES = (
    "Besides hints, what may be sent is a specification, which has operations or steps, and a Hugging Face config.json,"
    " which has a model_type"
)
