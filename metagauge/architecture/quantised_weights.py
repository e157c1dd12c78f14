"""Which integer tensors of a checkpoint are weights: those whose numbers a dataflow computes with.

A file stores a quantised weight as integers, perhaps several in a byte, with a scale and a zero point beside it. The
integers are the parameters. Scales and zero points are how they are written, and integers that a dataflow uses as
indices, shapes or conditions are wiring.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Requantise, Unary, Unpack, Where
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
)
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Slice, Transpose
from metagauge.architecture.operators.source import Constant, Weight
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.tensor import Tensor

_BYTES = frozenset({"I8", "U8", "I4", "U4", "I2", "U2", "F4", "F6_E2M3", "F6_E3M2"})
"""What unknown operators may read as a weight; wider integers are as likely sizes and places."""
_CODES = _BYTES | {"F8_E8M0", "I16", "U16", "I32", "U32"}
"""How quantised weights, and biases, are stored. Integers of 64 bits are counted, gathered and compared by."""
_BIAS = frozenset({"I32"})
"""How biases are stored whose scale is that of the products they are added to: as many numbers as the bias has."""
_QUESTIONS = frozenset({"equal", "less", "less_equal", "greater", "greater_equal", "and", "or", "xor", "not"})


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantisedWeights:
    """Integer tensors that are weights, by name with how many numbers each holds."""

    known: dict[str, int] = field(default_factory=dict)
    opaque: dict[str, int] = field(default_factory=dict)
    """Those that only operators read of which we do not know what they compute."""
    scales: frozenset[str] = frozenset()
    """Float tensors that only say what the integers stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What a value is made of if nothing that the caller gives is in it."""

    codes: int = 0
    """Numbers of the largest integer tensor in it."""
    floats: int = 0
    """Elements of the largest float tensor in it."""
    is_raw: bool = False
    """Whether it is stored integers as they are, moved and unpacked at most."""
    is_unpacked: bool = False
    is_bias: bool = False


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
        self.sizes = _sizes(dataflow, checkpoint)
        self.has_codes = bool(self.sizes)
        self.made = _made(dataflow, checkpoint, self.sizes) if self.has_codes else {}
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
        if tensor.dtype in _BYTES and tensor.name in self.sizes:
            self.opaque[tensor.name] = self.sizes[tensor.name]

    def _note_scales(self, waiting: list[str]) -> None:
        """The float tensors that scales are made of."""
        seen = set(waiting)
        while waiting:
            step = self.makers.get(waiting.pop())
            if step is None:
                continue
            if isinstance(step.operator, Weight):
                self.scaling.add(step.operator.tensor)
            fresh = [name for name in step.inputs if name and name not in seen]
            seen.update(fresh)
            waiting += fresh

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
                    return ()
                if _is_scale(right, left):
                    return (1,)
                return (0,) if _is_scale(left, right) else ()
            case _:
                return ()


def _is_scale(scale: _Made, integers: _Made) -> bool:
    most = max(scale.floats, scale.codes)
    if not integers.codes or not most or scale.is_bias:
        return False
    return most < integers.codes or (integers.is_bias and not scale.codes)


def _sizes(dataflow: Dataflow, checkpoint: Checkpoint) -> dict[str, int]:
    """How many numbers each integer tensor holds, once it is unpacked."""
    codes: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for step in dataflow.steps:
        match step.operator:
            case Weight(tensor=name):
                tensor = checkpoint.tensor(name)
                if tensor.dtype in _CODES and tensor.shape and tensor.size > 1:
                    codes[step.outputs[0]] = name
                    sizes[name] = tensor.size
            case Reshape() | Transpose() if step.inputs[0] in codes:
                codes[step.outputs[0]] = codes[step.inputs[0]]
            case Unpack(bits=bits) if step.inputs[0] in codes:
                name = codes[step.inputs[0]]
                sizes[name] = checkpoint.tensor(name).size * (8 // bits)
            case _:
                pass
    return sizes


def _made(dataflow: Dataflow, checkpoint: Checkpoint, sizes: dict[str, int]) -> dict[str, _Made]:
    """What the values are made of that nothing given is in."""
    made: dict[str, _Made] = {}
    for step in dataflow.steps:
        match step.operator:
            case Weight(tensor=name):
                tensor = checkpoint.tensor(name)
                size = tensor.size if tensor.is_float else 0
                codes = sizes.get(name, 0)
                found = _Made(codes=codes, floats=size, is_raw=codes > 0, is_bias=tensor.dtype in _BIAS)
            case Constant():
                found = _Made()
            case Carry() | Opaque():
                continue
            case _:
                inputs = [made.get(name) for name in step.inputs if name]
                known = [each for each in inputs if each is not None]
                if not inputs or len(known) < len(inputs):
                    continue
                found = _put_together(step, known)
        made.update(dict.fromkeys(step.outputs, found))
    return made


def _put_together(step: Step, inputs: list[_Made]) -> _Made:
    match step.operator:
        case Reshape() | Transpose() | Slice() | Expand() | Concat() | Pad() | Cast() | Unpack():
            moves = True
        case _:
            moves = False
    return _Made(
        codes=max(each.codes for each in inputs),
        floats=max(each.floats for each in inputs),
        is_raw=moves and all(each.is_raw for each in inputs),
        is_unpacked=isinstance(step.operator, Unpack) or any(each.is_unpacked for each in inputs),
        is_bias=any(each.is_bias for each in inputs),
    )
