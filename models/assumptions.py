"""What a prediction takes for granted about a network's inputs and outputs, in words, where nobody declared it."""

from collections.abc import Sequence
from dataclasses import dataclass

from metagauge.declarations import CLASSES
from models.subject import Declared, Triple


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRun:
    """Why a network was not run on probe images."""

    reason: str

    def consequence(self) -> str:
        """What comes of it, in words."""
        return f"nothing of pixels and classes, declared or not: only weights were read, because {self.reason}"


def assumptions(declared: Declared, mean: Triple, spread: Triple, usual: Triple | None = None) -> tuple[str, ...]:
    """What is assumed of a network of which this is `declared`.

    Args:
        declared: What the user said.
        mean: What is assumed where that is not declared.
        spread: Likewise.
        usual: The mean of the zoo's networks, where another one was chosen because of the network's answers.
    """
    found: list[str] = []
    unsaid = [
        f"{name} ({_listed(numbers)})"
        for name, numbers, said in (
            ("mean", mean, declared.mean),
            ("standard deviation", spread, declared.spread),
        )
        if said is None
    ]
    if unsaid:
        why = (
            ""
            if usual is None
            else f": with the usual mean ({_listed(usual)}) its answers are those of a worse network"
        )
        found.append(f"pixels normalised by {' and '.join(unsaid)}{why}")
    if declared.classes is None:
        found.append(f"classes in CIFAR-10's order: {', '.join(CLASSES)}")
    return tuple(found)


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
