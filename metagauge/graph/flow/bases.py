"""One linear map for each element of a basis whose elements overlap.

Where a weight is coefficients times a basis and two elements of the basis meet at one place, its numbers are sums of
coefficients. Written as one map for each element, every edge has one coefficient again, and the maps become parallel
blocks (Lim et al. 2024, app. B).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.elementwise import Binary
from metagauge.architecture.operators.movement import Reshape, Slice, Transpose
from metagauge.architecture.operators.source import Constant, Given, Weight
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.graph.flow.sharing import MOST_BASIS_ELEMENTS, basis

MOST_MAPS = 16
"""Elements of a basis that are written apart."""


def split_bases(dataflow: Dataflow, checkpoint: Checkpoint) -> Dataflow:
    """The same function; maps by weights whose basis elements overlap are sums of maps, one for each element."""
    makers = {name: step for step in dataflow.steps for name in step.outputs}
    fed = _fed(dataflow)
    steps: list[Step] = []
    for step in dataflow.steps:
        spanned = _spanned(step, makers, fed, checkpoint)
        maps = [] if spanned is None else spanned.maps(step)
        is_new = all(each.outputs == step.outputs or each.outputs[0] not in makers for each in maps)
        steps += maps if maps and is_new else [step]
    return replace(dataflow, steps=tuple(steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spanned:
    """A weight: a contraction of coefficients and a basis, and the views that follow it."""

    contraction: Step
    views: tuple[Step, ...]
    count: int
    """Elements of the basis."""
    letter: str
    """What runs over the elements of the basis."""

    def maps(self, step: Step) -> list[Step]:
        """The steps in the place of `step`, which maps something by this weight."""
        operator = self.contraction.operator
        assert isinstance(operator, Contract)  # noqa: S101 - how it was found
        letters = operator.equation.partition("->")[0].split(",")
        axes = [each.index(self.letter) for each in letters]  # of the coefficients and of the basis
        found: list[Step] = []
        totals: list[str] = []
        (output,) = step.outputs
        for element in range(self.count):
            prefix = f"{output}.basis{element}"
            names = (f"{prefix}.left", f"{prefix}.right")
            for name, axis, source in zip(names, axes, self.contraction.inputs, strict=True):
                taken = Slice(axis=axis, start=element, count=1)
                found.append(Step(outputs=(name,), operator=taken, inputs=(source,)))
            found.append(Step(outputs=(f"{prefix}.weight",), operator=operator, inputs=names))
            weight = f"{prefix}.weight"
            for number, view in enumerate(self.views):
                found.append(replace(view, outputs=(f"{prefix}.view{number}",), inputs=(weight,)))
                weight = f"{prefix}.view{number}"
            old = (self.views or (self.contraction,))[-1].outputs[0]
            inputs = [weight if name == old else name for name in step.inputs]
            if isinstance(step.operator, Convolve) and element:
                inputs = inputs[:2]  # the bias is added once
            found.append(replace(step, outputs=(f"{prefix}.map",), inputs=tuple(inputs)))
            totals.append(f"{prefix}.map")
        total = totals[0]
        for number, each in enumerate(totals[1:], 1):
            name = output if number == len(totals) - 1 else f"{output}.sum{number}"
            found.append(Step(outputs=(name,), operator=Binary(function="add"), inputs=(total, each)))
            total = name
        return found


def _fed(dataflow: Dataflow) -> set[str]:
    """Values that do not come from weights and constants alone."""
    fed: set[str] = set()
    for step in dataflow.steps:
        is_source = isinstance(step.operator, Weight | Constant)
        if isinstance(step.operator, Given) or (not is_source and any(name in fed for name in step.inputs)):
            fed.update(step.outputs)
    return fed


def _spanned(step: Step, makers: Mapping[str, Step], fed: set[str], checkpoint: Checkpoint) -> _Spanned | None:
    """The weight of a step that maps an input by one, if its basis overlaps."""
    if not isinstance(step.operator, Contract | Convolve):
        return None
    weights = [name for name in step.inputs[:2] if name and name not in fed]
    if len(weights) != 1 or len(step.inputs) < 2 or (isinstance(step.operator, Contract) and len(step.inputs) > 2):
        return None
    views: list[Step] = []
    maker = makers[weights[0]]
    while isinstance(maker.operator, Reshape | Transpose):
        views.insert(0, maker)
        maker = makers[maker.inputs[0]]
    if not isinstance(maker.operator, Contract) or len(maker.inputs) != 2:
        return None
    operands, _, output = maker.operator.equation.partition("->")
    letters = operands.split(",")
    for number, name in enumerate(maker.inputs):
        elements = basis(makers[name], checkpoint)
        summed = [letter for letter in letters[number] if letter in letters[1 - number] and letter not in output]
        if elements is None or len(summed) != 1 or elements.size > MOST_BASIS_ELEMENTS:
            continue
        axis = letters[number].index(summed[0])
        count = elements.shape[axis]
        if count <= MOST_MAPS and ((elements != 0).sum(axis=axis) > 1).any():
            return _Spanned(contraction=maker, views=tuple(views), count=count, letter=summed[0])
    return None
