"""What parts are written on: values that know their channel axis, and tensors by the names of modules."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Literal

from metagauge.architecture.templates.sketch import Sketch, Value
from metagauge.errors import ArchitectureMismatchError, LimitExceededError

Layout = Literal["map", "last"]
"""Where the channels are. Map: (1, channels, *positions); last: (1, *positions, channels), as tokens and
vectors are."""

_NUMBERS = 1 << 33
"""Numbers of one value that flows through the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What flows from part to part, of one sample."""

    value: Value
    layout: Layout

    @property
    def channels(self) -> int:
        """Width of the axis that layers mix."""
        return self.value.shape[1] if self.layout == "map" else self.value.shape[-1]

    @property
    def positions(self) -> tuple[int, ...]:
        """Sizes of the other axes, without the batch."""
        return self.value.shape[2:] if self.layout == "map" else self.value.shape[1:-1]

    @property
    def position_axes(self) -> tuple[int, ...]:
        """The axes of those."""
        first = 2 if self.layout == "map" else 1
        return tuple(range(first, first + len(self.positions)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """Where parts are written, and how the name that a part uses becomes a tensor's name in the file."""

    sketch: Sketch
    rename: Callable[[str], str] = str

    def has(self, name: str) -> bool:
        """Whether the file has this tensor."""
        return self.rename(name) in self.sketch.writer.tensors

    def weight(self, name: str) -> Value:
        """A tensor that the file must have.

        Raises:
            TensorMissingError: it does not.
        """
        return self.sketch.weight(self.rename(name))

    def optional(self, name: str) -> Value | None:
        """A tensor that the part can do without, such as a bias."""
        return self.weight(name) if self.has(name) else None

    def signal(self, value: Value, layout: Layout) -> Signal:
        """`value` as a signal, if its sizes make sense.

        Raises:
            ArchitectureMismatchError: a size is zero or negative.
            LimitExceededError: it would have too many numbers.
        """
        if min(value.shape, default=1) < 1:
            message = f"a value would have shape {list(value.shape)}"
            raise ArchitectureMismatchError(f"{message}: the input is too small for the network")
        if prod(value.shape) > _NUMBERS:
            raise LimitExceededError(f"a value would have shape {list(value.shape)}; the limit is {_NUMBERS} numbers")
        return Signal(value=value, layout=layout)

    def channels_last(self, signal: Signal) -> Signal:
        """The signal with its channels on the last axis."""
        if signal.layout == "last":
            return signal
        axes = (0, *range(2, signal.value.rank), 1)
        return self.signal(self.sketch.transpose(signal.value, axes), "last")

    def channels_first(self, signal: Signal) -> Signal:
        """The signal with its channels behind the batch."""
        if signal.layout == "map":
            return signal
        rank = signal.value.rank
        return self.signal(self.sketch.transpose(signal.value, (0, rank - 1, *range(1, rank - 1))), "map")

    def along_channels(self, signal: Signal, numbers: Value) -> Value:
        """One number for each channel, in a shape that broadcasts against the signal.

        Raises:
            ArchitectureMismatchError: there is another number of them.
        """
        if prod(numbers.shape) != signal.channels:
            raise mismatch(numbers, f"the value it belongs to has {signal.channels} channels")
        if signal.layout == "last":
            return self.sketch.reshape(numbers, (signal.channels,))
        return self.sketch.reshape(numbers, (1, signal.channels, *(1 for _ in signal.positions)))


def mismatch(tensor: Value, expected: str) -> ArchitectureMismatchError:
    """A tensor that has another shape than the part which names it needs."""
    return ArchitectureMismatchError(f"tensor {tensor.name[:200]!r} has shape {list(tensor.shape)}, and {expected}")
