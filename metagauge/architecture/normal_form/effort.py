"""How much of a file's numbers is looked at and computed for a normal form, so that no file takes long."""

from dataclasses import dataclass

CURVES_LIMIT = 20_000
"""Most operators whose curves are looked at, far more than networks have activations."""
MATCHES_LIMIT = 20_000
"""Most curves that are compared with each function we know; few are, most are told apart by a few points."""
SMALL = 4096
"""Elements of a constant that is looked at without counting."""
_LOOKS = 1 << 30
"""Most elements of constants that rules look at, each time they do."""
_FOLDS = 1 << 25
"""Most bytes of constants that are computed, packed: a mask of 2048 by 2048 takes 200 thousand."""
_UNPACKED = 16
"""Elements that cost as much to compute as a packed byte does to pack."""


@dataclass(kw_only=True)
class Effort:
    """What is left, for all rounds together. Where nothing is, operators stay as the file has them."""

    looks: int = _LOOKS
    folds: int = _FOLDS
    curves: int = CURVES_LIMIT
    matches: int = MATCHES_LIMIT

    def look(self, elements: int) -> bool:
        """Whether a constant of this size may be looked at once more."""
        if elements <= SMALL:
            return True
        self.looks -= elements
        return self.looks >= 0

    def fold(self, elements: int) -> bool:
        """Whether one more constant may be computed."""
        self.folds -= elements // _UNPACKED
        return self.folds >= 0

    def pack(self, packed_bytes: int) -> None:
        """Counts what a computed constant takes."""
        self.folds -= packed_bytes

    def curve(self) -> bool:
        """Whether one more operator's curve may be computed."""
        self.curves -= 1
        return self.curves >= 0

    def match(self) -> bool:
        """Whether one more curve may be compared with all functions."""
        self.matches -= 1
        return self.matches >= 0
