"""What a predictor says about one network."""

from dataclasses import dataclass
from typing import Literal

from models.subject import Triple

Basis = Literal["weights and probes", "weights only"]
"""What was looked at: the weights and what the network answers to probe images, or the weights alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value and the bounds that hold the truth with probability `coverage`, by conformal calibration."""

    value: float
    low: float
    high: float
    coverage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestNetwork:
    """A network of the zoo that is close to the one in question."""

    family: str
    description: str
    """The network in a few words."""
    test_accuracy: float
    """As it was measured."""
    distance: float
    """In the predictor's own measure; only comparable with the distances of the same prediction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """How far the predicted test accuracy moved, at most, under changes that leave the function as it is.

    None where such a change was not tried.
    """

    permutation: float | None = None
    """Hidden neurons reordered."""
    rescale: float | None = None
    """Neurons scaled up and what reads them scaled down, where the activation allows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Predicted properties as fractions of one, or an abstention.

    Both intervals are None where the network is outside what the predictor knows; `reasons` then says why. `score`
    is the distance to the networks of the zoo; at `threshold` and above a network is outside.
    """

    test_accuracy: Interval | None
    generalization_gap: Interval | None
    score: float | None
    threshold: float | None
    reasons: tuple[str, ...] = ()
    basis: Basis | None = None
    """None where nothing was predicted from either."""
    pixels: tuple[Triple, Triple] | None = None
    """Mean and spread that images were read with; None where the network was not executed."""
    assumptions: tuple[str, ...] = ()
    """What had to be taken for granted about inputs and outputs, in words, because nobody declared it."""
    nearest: tuple[NearestNetwork, ...] = ()
    """The closest networks of the zoo, the closest first."""
    stability: Stability | None = None

    @property
    def in_domain(self) -> bool:
        """Whether the predictor answered."""
        return self.test_accuracy is not None
