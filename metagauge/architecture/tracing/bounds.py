"""Between which bounds a value lies whatever the network is given, as far as the operators before it tell."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, floor, inf

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.elementwise import Binary, Cast, Unary, Where
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.indexing import Gather, GatherElements, OneHot
from metagauge.architecture.operators.movement import Concat, Expand, Reshape, Slice, Transpose
from metagauge.architecture.operators.reduction import Extreme, Reduce, Softmax, TopK, WindowPool
from metagauge.architecture.operators.source import Constant, Given, Weight
from metagauge.architecture.tracing.constants import READ_LIMIT
from metagauge.architecture.tracing.kinds import TRUTHS
from metagauge.architecture.tracing.states import Numbers, Tensorlike
from metagauge.architecture.tracing.tracing import Tracing

Bounds = tuple[float, float]

RANGES = {
    "BOOL": (0, 1),
    "I8": (-(2**7), 2**7 - 1),
    "U8": (0, 2**8 - 1),
    "I16": (-(2**15), 2**15 - 1),
    "U16": (0, 2**16 - 1),
    "U32": (0, 2**32 - 1),
}
"""Integers that a narrow type can hold; of those that are left out, indices and shapes are made."""
_ANY: Bounds = (-inf, inf)
_VISITS = 256
"""Most operators that are looked at for one value."""


def fits(tracing: Tracing, x: Tensorlike, low: int, high: int) -> bool:
    """Whether all elements, with what follows the point cut off, are known to be among these integers."""
    if x.numbers == "bool":
        return low <= 0 and high >= 1
    match x:
        case Numbers(array=array):
            known = array.size <= READ_LIMIT and array.size > 0
            least, most = (float(array.min()), float(array.max())) if known else _ANY
        case _:
            least, most = _Search(tracing=tracing).bounds(x.name)
    return low - 1 < least and most < high + 1


def stored_type(tracing: Tracing, x: Tensorlike) -> str:
    """The dtype of a tensor or an input of the program; empty for what is computed."""
    if isinstance(x, Numbers):
        return tracing.checkpoint.tensor(x.tensor).dtype if x.tensor else ""
    step, program = tracing.makers[x.name], tracing.checkpoint.program
    match step.operator:
        case Weight(tensor=tensor):
            return tracing.checkpoint.tensor(tensor).dtype
        case Given() if program is not None:
            return next((port.dtype for port in program.inputs if port.name == x.name), "")
        case _:
            return ""


@dataclass(kw_only=True)
class _Search:
    tracing: Tracing
    found: dict[str, Bounds] = field(default_factory=dict)

    def bounds(self, name: str) -> Bounds:
        if name not in self.found:
            self.found[name] = _ANY
            if len(self.found) <= _VISITS:
                self.found[name] = self._of_step(self.tracing.makers[name], name)
        return self.found[name]

    def _of_step(self, step: Step, name: str) -> Bounds:
        match step.operator:
            case Given(numbers="bool"):
                return 0, 1
            case Given() | Weight():
                return self._stored(step)
            case Constant(shape=shape) if 0 not in shape:
                array = evaluate(step.operator, ())[0]
                return float(array.min()), float(array.max())
            case Unary():
                return _of_function(step.operator, self.bounds(step.inputs[0]))
            case Binary():
                return _of_two(step.operator, *(self.bounds(each) for each in step.inputs))
            case Cast(numbers="bool") | Softmax(logarithm=False):
                return 0, 1
            case OneHot(on=on, off=off):
                return min(on, off), max(on, off)
            case Extreme(axis=axis):
                return self._places(step, axis)
            case TopK(axis=axis) if name == step.outputs[-1]:
                return self._places(step, axis)
            case Cast() | Reshape() | Transpose() | Slice() | Expand() | Gather() | GatherElements() | TopK():
                return self.bounds(step.inputs[0])
            case Reduce(function="max" | "min" | "mean") | WindowPool(function="max"):
                return self.bounds(step.inputs[0])
            case Where():
                return _around(self.bounds(each) for each in step.inputs[1:])
            case Concat():
                return _around(self.bounds(each) for each in step.inputs)
            case _:
                return _ANY

    def _stored(self, step: Step) -> Bounds:
        program = self.tracing.checkpoint.program
        if isinstance(step.operator, Weight):
            return RANGES.get(self.tracing.checkpoint.tensor(step.operator.tensor).dtype, _ANY)
        ports = () if program is None else program.inputs
        return next((RANGES.get(port.dtype, _ANY) for port in ports if port.name == step.outputs[0]), _ANY)

    def _places(self, step: Step, axis: int) -> Bounds:
        shape = self.tracing.shapes.get(step.inputs[0])
        return _ANY if shape is None else (0, max(shape[axis] - 1, 0))


def _around(parts: Iterable[Bounds]) -> Bounds:
    found = list(parts)
    return min(low for low, _ in found), max(high for _, high in found)


def _of_function(operator: Unary, inner: Bounds) -> Bounds:
    low, high = inner
    match operator.function:
        case "clip":
            return min(max(low, operator.alpha), operator.beta), max(min(high, operator.beta), operator.alpha)
        case "relu":
            return max(low, 0), max(high, 0)
        case "floor" | "ceil" | "round":
            return (floor(low), ceil(high)) if inner != _ANY and -inf < low and high < inf else (low - 1, high + 1)
        case "sigmoid" | "hardsigmoid" | "not" | "is_nan" | "is_infinite":
            return 0, 1
        case "tanh" | "erf" | "sign" | "softsign" | "sin" | "cos":
            return -1, 1
        case "affine" if -inf < low and high < inf:
            ends = [operator.alpha * end + operator.beta for end in inner]
            return min(ends), max(ends)
        case _:
            return _ANY


def _of_two(operator: Binary, left: Bounds, right: Bounds) -> Bounds:
    is_finite = -inf < min(left[0], right[0]) and max(left[1], right[1]) < inf
    match operator.function:
        case function if function in TRUTHS:
            return 0, 1
        case "minimum":
            return min(left[0], right[0]), min(left[1], right[1])
        case "maximum":
            return max(left[0], right[0]), max(left[1], right[1])
        case "modulo" if right[0] > 0:
            return 0, right[1]
        case "add" if is_finite:
            return left[0] + right[0], left[1] + right[1]
        case "subtract" if is_finite:
            return left[0] - right[1], left[1] - right[0]
        case "multiply" if is_finite:
            ends = [one * other for one in left for other in right]
            return min(ends), max(ends)
        case _:
            return _ANY
