"""What is known about a value of an ONNX program while its nodes are followed."""

from dataclasses import dataclass

import numpy as np

from metagauge.architecture.layers import Linear
from metagauge.architecture.onnx.view import Run, View
from metagauge.architecture.parameter import Parameter
from metagauge.errors import MetagaugeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """A floating-point tensor of the checkpoint seen through views: no numbers are read until someone needs them."""

    parameter: Parameter
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """A weight given `count` times along one axis, such as a class token to every sample: only that axis can tell what
    the copies are for, so it is known once they meet the network's values."""

    weight: Weight
    axis: int
    count: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes with the copies."""
        return (*self.weight.shape[: self.axis], self.count, *self.weight.shape[self.axis + 1 :])


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Computed from constants and shapes alone: what Reshape, Slice and Gather are told to do, and scalar factors."""

    array: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the array."""
        return self.array.shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Padded:
    """A map with zeros around it, which the layer that reads it takes as its padding."""

    view: View
    padding: tuple[tuple[int, int], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes with the padding."""
        batch, channels, *positions = self.view.shape
        return (batch, channels, *(n + sum(pair) for n, pair in zip(positions, self.padding, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Query times key of each head, (*leading, tokens, tokens): attention before it meets its values.

    `factor` is what the products were multiplied by; `leading` are the batch and the heads, as steps through the
    query's features.
    """

    source: str
    query: Linear
    key: Linear
    leading: tuple[Run, ...]
    tokens: int
    heads: int
    width: int
    factor: float = 1.0
    causal: bool = False
    masked: float = 0.0
    """The nearest to zero of what a mask adds to the scores of later tokens, times what multiplied it since."""
    normalised: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the ONNX value."""
        return (*(int(np.prod([step.size for step in run])) for run in self.leading), self.tokens, self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """What an operator without a layer gives, and all that reads it: an error only if the output needs it."""

    operator: str
    name: str
    error: MetagaugeError


State = View | Weight | Repeated | Numbers | Padded | Scores | Opaque
Known = Weight | Numbers
