"""What a caller may say of a network that a file of tensors cannot: a small JSON object sent beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from metagauge.errors import ArchitectureMismatchError

_SIZE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """All are optional; None where the caller said nothing.

    Attributes:
        num_heads: heads of each attention layer.
        image_size: height and width of the images, in pixels.
        activation: the activation between the layers of a plain chain, as torch or transformers names it.
        steps: length of a sequence.
    """

    num_heads: int | None = None
    image_size: int | None = None
    activation: str | None = None
    steps: int | None = None


def is_hints(sidecar: Mapping[str, object]) -> bool:
    """Whether a JSON object sent beside a checkpoint is made of hints."""
    return bool(sidecar) and all(name in _NAMES for name in sidecar)


def hints_of(sidecar: Mapping[str, object]) -> Hints:
    """The hints that a JSON object holds.

    Raises:
        ArchitectureMismatchError: a key or a value that is none.
    """
    for name, value in sidecar.items():
        if name not in _NAMES:
            raise ArchitectureMismatchError(f"{name[:60]!r} is no hint; hints are {', '.join(_NAMES)}")
        if name == "activation":
            if not isinstance(value, str):
                raise ArchitectureMismatchError("the hint activation is a name, such as relu")
        elif not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _SIZE:
            raise ArchitectureMismatchError(f"the hint {name} is a whole number from 1 to {_SIZE}")
    known = dict(sidecar)
    activation = known.get("activation")
    numbers = {name: value for name, value in known.items() if isinstance(value, int)}
    return Hints(activation=activation if isinstance(activation, str) else None, **numbers)


_NAMES = tuple(field.name for field in fields(Hints))
