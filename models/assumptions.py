"""What a prediction takes for granted about a network's inputs and outputs, in words, where nobody declared it."""

from collections.abc import Sequence

from metagauge.declarations import CLASSES
from models.subject import Declared, Triple


def assumptions(declared: Declared, mean: Triple, spread: Triple) -> tuple[str, ...]:
    """What is assumed of a network of which this is `declared`: `mean` and `spread` are those of the zoo's networks."""
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
        found.append(f"pixels normalised by {' and '.join(unsaid)}")
    if declared.classes is None:
        found.append(f"classes in CIFAR-10's order: {', '.join(CLASSES)}")
    return tuple(found)


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
