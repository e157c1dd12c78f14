"""The names and shapes of a file's tensors, as templates look at them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from metagauge.checkpoint.tensor import Tensor

_WRAPPERS = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "encoder.", "base_model.")
"""What training code puts in front of every name: DataParallel, torch.compile, or a class around the network."""
_WRAPPED = 4
"""How many of them are taken off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Tensors that compute, by their names without what is in front of all of them."""

    shapes: Mapping[str, tuple[int, ...]]
    prefix: str = ""
    children: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What follows each module's name, up to the next point."""

    def has(self, *names: str) -> bool:
        """Whether all of these are there."""
        return all(name in self.shapes for name in names)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor; empty if there is none."""
        return self.shapes.get(name, ())

    def count(self, pattern: str) -> int:
        """How many numbers 0, 1, 2, ... take the place of `#` at the end; 0 if there is a gap."""
        found = self.numbers(pattern)
        return len(found) if found == tuple(range(len(found))) else 0

    def numbers(self, pattern: str) -> tuple[int, ...]:
        """The numbers that take the place of `#` at the end of a module's name, in order."""
        parent, _, last = pattern.rpartition(".")
        head = last.removesuffix("#")
        ends = (name[len(head) :] for name in self.children.get(parent, ()) if name.startswith(head))
        return tuple(sorted({int(end) for end in ends if end.isdecimal() and end.isascii() and len(end) < 7}))

    @property
    def rename(self) -> Callable[[str], str]:
        """From a name of this listing to the file's."""
        return lambda name: self.prefix + name


def listings(tensors: Mapping[str, Tensor]) -> tuple[Listing, ...]:
    """The file's tensors with their full names and, where all begin with a wrapper's name, without it."""
    shapes = {name: tensor.shape for name, tensor in tensors.items() if tensor.is_float}
    prefix = ""
    found = [_listing(shapes, prefix)]
    for _ in range(_WRAPPED if shapes else 0):
        wrapper = next((each for each in _WRAPPERS if all(name.startswith(prefix + each) for name in shapes)), "")
        if not wrapper:
            break
        prefix += wrapper
        found.append(_listing({name[len(prefix) :]: shape for name, shape in shapes.items()}, prefix))
    return tuple(found)


def _listing(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> Listing:
    children: dict[str, dict[str, None]] = {}
    for name in shapes:
        parts = name.split(".")[:_DEPTH]
        for depth in range(len(parts)):
            children.setdefault(".".join(parts[:depth]), {})[parts[depth]] = None
    return Listing(shapes=shapes, prefix=prefix, children={parent: tuple(names) for parent, names in children.items()})


_DEPTH = 8
"""Modules within modules that templates look into."""
