"""What a caller may say of a network that a file of tensors cannot: a small JSON object sent beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args

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
    """Whether a JSON object sent beside a checkpoint is made of hints."""
    return bool(sidecar) and all(name in _NAMES for name in sidecar)


def hints_of(sidecar: Mapping[str, object]) -> Hints:
    """The hints that a JSON object holds.

    Raises:
        ArchitectureMismatchError: a key or a value that is none.
    """
    texts: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for name, value in sidecar.items():
        if name not in _NAMES:
            raise ArchitectureMismatchError(f"{name[:60]!r} is no hint; hints are {', '.join(_NAMES)}")
        if name in ("activation", "pooling"):
            if not isinstance(value, str) or (name == "pooling" and value not in get_args(Pooling)):
                raise ArchitectureMismatchError(f"the hint {name} is a name, such as relu or mean")
            texts[name] = value
        elif not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _SIZE:
            raise ArchitectureMismatchError(f"the hint {name} is a whole number from 1 to {_SIZE}")
        else:
            numbers[name] = value
    pooling = next((each for each in get_args(Pooling) if each == texts.get("pooling")), None)
    return Hints(activation=texts.get("activation"), pooling=pooling, **numbers)


_NAMES = tuple(field.name for field in fields(Hints))
