"""What a transform of a network is: a function from an architecture and its tensors to another such pair."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from metagauge.architecture.architecture import Architecture

Tensors = dict[str, np.ndarray]
Changed = tuple[Architecture, Tensors]


class NotApplicableError(ValueError):
    """The transform has nothing to act on in this network, or cannot act on it exactly."""


class Transform(Protocol):
    """Makes another network of one. The given arrays stay as they are; those that change are new, of float32."""

    def __call__(
        self, architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator, /
    ) -> Changed:
        """The changed architecture and all its tensors.

        Raises:
            NotApplicableError: nothing of this network can be changed in this way.
        """
        ...
