"""What a predictor says about one network."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value and the bounds that hold the truth with probability `coverage`, by conformal calibration."""

    value: float
    low: float
    high: float
    coverage: float


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

    @property
    def in_domain(self) -> bool:
        """Whether the predictor answered."""
        return self.test_accuracy is not None
