"""Which integer tensors of a checkpoint are weights: those whose numbers a dataflow computes with.

A file stores a quantised weight as integers, perhaps several in a byte, with a scale and a zero point beside it. The
integers are the parameters. Scales and zero points are how they are written, and integers that a dataflow uses as
indices, shapes or conditions are wiring.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.control import Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Requantise, Unary, Where
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
)
from metagauge.architecture.operators.movement import Reshape, Transpose
from metagauge.architecture.operators.source import Weight
from metagauge.architecture.stored_integers import BYTES, Made, made_of, products_of, sizes_of
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.tensor import Tensor

_FACTORS = 64
"""Factors of a scale that are looked at."""
_QUESTIONS = frozenset({"equal", "less", "less_equal", "greater", "greater_equal", "and", "or", "xor", "not"})


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantisedWeights:
    """Integer tensors that are weights, by name with how many numbers each holds."""

    known: dict[str, int] = field(default_factory=dict)
    opaque: dict[str, int] = field(default_factory=dict)
    """Those that only operators read of which we do not know what they compute."""
    scales: frozenset[str] = frozenset()
    """Float tensors that only say what the integers stand for."""


def quantised_weights(dataflow: Dataflow, checkpoint: Checkpoint) -> QuantisedWeights:
    """What `dataflow` computes with that is stored in integers; tensors without axes or of one element are left out."""
    walk = _Walk(dataflow, checkpoint)
    if not walk.has_codes:
        return QuantisedWeights()
    walk.go()
    return QuantisedWeights(
        known=walk.found,
        opaque={name: size for name, size in walk.opaque.items() if name not in walk.found},
        scales=frozenset(walk.scaling - walk.reached),
    )


class _Walk:
    """From the outputs backwards through everything that enters as a number."""

    def __init__(self, dataflow: Dataflow, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.outputs = dataflow.outputs
        self.makers = {name: step for step in dataflow.steps for name in step.outputs if name}
        self.sizes = sizes_of(dataflow, checkpoint)
        self.has_codes = bool(self.sizes)
        self.made = made_of(dataflow, checkpoint, self.sizes) if self.has_codes else {}
        self.products = products_of(dataflow, self.made)
        self.found: dict[str, int] = {}
        self.opaque: dict[str, int] = {}
        self.scaling: set[str] = set()
        self.reached: set[str] = set()

    def go(self) -> None:
        """Fills in what is found."""
        waiting = list(self.outputs)
        seen = set(waiting)
        scales: list[str] = []
        while waiting:
            step = self.makers.get(waiting.pop())
            if step is None:
                continue
            self._note(step)
            scales += (step.inputs[place] for place in self._scales(step))
            for name in self._numbers(step):
                if name and name not in seen:
                    seen.add(name)
                    waiting.append(name)
        self._note_scales(scales)

    def _note(self, step: Step) -> None:
        match step.operator:
            case Weight(tensor=tensor):
                self.reached.add(tensor)
                if tensor in self.sizes:
                    self.found[tensor] = self.sizes[tensor]
            case Opaque():
                for name in step.inputs:
                    maker = self.makers.get(name)
                    if maker is not None and isinstance(maker.operator, Weight):
                        self._note_opaque(self.checkpoint.tensor(maker.operator.tensor))
            case _:
                pass

    def _note_opaque(self, tensor: Tensor) -> None:
        if tensor.dtype in BYTES and tensor.name in self.sizes:
            self.opaque[tensor.name] = self.sizes[tensor.name]

    def _note_scales(self, waiting: list[str]) -> None:
        """The tensors that scales are made of; what is computed of the network's input is none of it."""
        seen = set(waiting)
        while waiting:
            name = waiting.pop()
            step = self.makers.get(name)
            if step is None or not (name in self.made or _is_factor(step)):
                continue
            if isinstance(step.operator, Weight):
                self.scaling.add(step.operator.tensor)
            fresh = [name for name in step.inputs if name and name not in seen]
            seen.update(fresh)
            waiting += fresh

    def _has_scale(self, name: str) -> bool:
        """Whether a float tensor is among the factors of a value."""
        waiting = [name]
        for _ in range(_FACTORS):
            if not waiting:
                break
            name = waiting.pop()
            made, step = self.made.get(name), self.makers.get(name)
            if made is not None:
                if made.floats and not made.codes:
                    return True
            elif step is not None and _is_factor(step):
                waiting += step.inputs
        return False

    def _numbers(self, step: Step) -> Iterator[str]:
        """The inputs whose numbers are in what the step gives."""
        aside = {*self._aside(step), *self._scales(step)}
        return (name for place, name in enumerate(step.inputs) if place not in aside)

    def _aside(self, step: Step) -> tuple[int, ...]:
        """Places of indices, conditions and zero points, and of weights that an operator reads unseen."""
        match step.operator:
            case Where() | Choose():
                return (0,)
            case Gather() | GatherElements() | GatherND():
                return () if self._is_codebook(step) else (1,)
            case ScatterElements() | ScatterND():
                return (1,)
            case Requantise():
                return (1, 2)
            case OneHot() | Cast(numbers="bool"):
                return (0,)
            case Unary(function=function) | Binary(function=function) if function in _QUESTIONS:
                return (0, 1)
            case Binary(function="subtract") if self._is_raw(step.inputs[1]):
                return (1,)
            case Opaque():
                makers = ((place, self.makers.get(name)) for place, name in enumerate(step.inputs))
                return tuple(place for place, maker in makers if maker and isinstance(maker.operator, Weight))
            case _:
                return ()

    def _scales_of_product(self, step: Step) -> tuple[int, ...]:
        """The place of a scale that a product of integers gets afterwards, as in dynamically quantised networks."""
        for place in (0, 1):
            if step.inputs[1 - place] in self.products and self._has_scale(step.inputs[place]):
                return (place,)
        return ()

    def _is_raw(self, name: str) -> bool:
        made = self.made.get(name)
        return made is not None and made.is_raw

    def _is_codebook(self, step: Step) -> bool:
        """Whether the indices are codes of a weight, and the numbers they stand for are in a table."""
        table, codes = self.made.get(step.inputs[0]), self.made.get(step.inputs[1])
        if codes is None or table is None or not codes.codes:
            return False
        return codes.is_unpacked or not (table.codes or table.floats)

    def _scales(self, step: Step) -> tuple[int, ...]:
        """The place of a scale; of two equally large factors neither is one, unless the other is a bias."""
        match step.operator:
            case Requantise():
                return (1,)
            case Binary(function="multiply" | "divide"):
                left, right = (self.made.get(name) for name in step.inputs)
                if left is None or right is None:
                    return self._scales_of_product(step)
                if _is_scale(right, left):
                    return (1,)
                return (0,) if _is_scale(left, right) else ()
            case _:
                return ()


def _is_factor(step: Step) -> bool:
    """Whether what a step gives is a product of what it reads, moved at most."""
    match step.operator:
        case Binary(function="multiply" | "divide") | Unary(function="affine", beta=0.0) | Reshape() | Transpose():
            return True
        case _:
            return False


def _is_scale(scale: Made, integers: Made) -> bool:
    most = max(scale.floats, scale.codes)
    if not integers.codes or not most or scale.is_bias:
        return False
    return most < integers.codes or (integers.is_bias and not scale.codes)
