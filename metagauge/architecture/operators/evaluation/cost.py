"""What it costs to compute an operator, known from shapes alone: to be asked before anything is made."""

from collections.abc import Sequence
from math import prod

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.operator import Operator

Shape = tuple[int, ...]


def cost(operator: Operator, inputs: Sequence[Shape | None], outputs: Sequence[Shape | None]) -> int:
    """Elements that are read or made, whichever are more; of a contraction, the products that are added up."""
    sizes = [prod(shape) for shape in inputs if shape is not None]
    largest = max([*sizes, sum(prod(shape) for shape in outputs if shape is not None)], default=0)
    return max(largest, _products(operator, inputs)) if isinstance(operator, Contract) else largest


def _products(operator: Contract, inputs: Sequence[Shape | None]) -> int:
    """The product of the sizes of all letters of the equation."""
    letters: dict[str, int] = {}
    for part, shape in zip(operator.equation.partition("->")[0].split(","), inputs, strict=False):
        letters.update(zip(part, shape or (), strict=False))
    return prod(letters.values())
