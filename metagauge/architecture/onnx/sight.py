"""What a function of one number may do between and beyond the points at which it is looked at."""

from dataclasses import dataclass, replace

WIDEST = 48.0
"""Numbers beyond it could hide outside a grid."""
HARMLESS = 4.0
"""Where a softplus is said to be the identity, say at 20, nothing jumps."""
ENDLESS = 1e30
"""A bound beyond it is none: exporters write the largest float for a bound that was left out."""
_STEEPEST = 16.0
_MOST_KINKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How well a grid shows a chain of operators, or what one operator adds to that."""

    hidden: bool = False
    """Whether it may jump, or turn, where the grid has no point."""
    steepness: float = 1.0
    """Product of the factors above one: what is steeper may rise and fall between two points."""
    kinks: int = 0
    """Bends away from zero; a few of them make a bump."""
    bends: bool = True
    """Whether it does more than multiply by a number, which a grid shows however large it is."""

    @property
    def is_clear(self) -> bool:
        """Whether what the grid shows is all there is."""
        if self.hidden or self.kinks > _MOST_KINKS:
            return False
        return not self.bends or self.steepness <= _STEEPEST

    def after(self, other: "Sight") -> "Sight":
        """One after the other, or both multiplied."""
        return Sight(
            hidden=self.hidden or other.hidden,
            steepness=self.steepness * other.steepness,
            kinks=self.kinks + other.kinks,
            bends=self.bends or other.bends,
        )

    def beside(self, other: "Sight") -> "Sight":
        """Both, added or chosen between."""
        return replace(self.after(other), steepness=max(self.steepness, other.steepness))


CLEAR = Sight(bends=False)
SMOOTH = Sight()
HIDDEN = Sight(hidden=True)


def scaled_by(factor: float) -> Sight:
    """A multiplication by a number."""
    return Sight(steepness=max(1.0, abs(factor)), bends=False)


def is_far(number: float) -> bool:
    """Whether something at this number could be outside a grid."""
    return not abs(number) <= WIDEST


def is_steep(factor: float) -> bool:
    """Whether what is multiplied by it may rise and fall between two points of a grid."""
    return not abs(factor) <= _STEEPEST


def may_jump(threshold: float) -> bool:
    """Whether a choice at this number is none that an activation makes."""
    return 0 < abs(threshold) < HARMLESS
