"""The shapes of what operators give, from those of what they read: also the check of a dataflow of unknown origin."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import assert_never

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Requantise, Unary, Unpack, Where
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
    Triangle,
)
from metagauge.architecture.operators.literal import check_constants
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Resize, Slice, Transpose
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import (
    Accumulate,
    Extreme,
    LocalNorm,
    Reduce,
    Softmax,
    Standardise,
    TopK,
    WindowPool,
)
from metagauge.architecture.operators.sampling import Sample
from metagauge.architecture.operators.shaping import combination, contraction, indexing, movement, sampling, window
from metagauge.architecture.operators.shaping.rules import Shape, Shapes, broadcast, merged, same
from metagauge.architecture.operators.source import Constant, Given, Weight
from metagauge.errors import ArchitectureMismatchError, LimitExceededError

RANK_MAX = 16
ELEMENTS_MAX = 1 << 31
"""Most elements of one value: 8 GiB of float32, more than one sample of any network takes."""
STEPS_MAX = 400_000
OPERANDS_MAX = 65_536
"""Most inputs or outputs of one step."""

ShapeOfTensor = Callable[[str], Shape]


def output_shapes(operator: Operator, inputs: Sequence[Shape | None]) -> tuple[Shape | None, ...]:
    """The shape of each output; None where it is not known, because an input's is not (or is left out).

    Raises:
        ArchitectureMismatchError: the operator does not fit its inputs.
        LimitExceededError: an output has too many axes or elements.
    """
    least, most = _arity(operator)
    if not least <= len(inputs) <= most:
        raise ArchitectureMismatchError(f"{operator.kind} reads {len(inputs)} values")
    shapes = _shapes(operator, tuple(inputs))
    for shape in shapes:
        _check_bounds(operator, shape)
    return shapes


def shapes(dataflow: Dataflow, shape_of_tensor: ShapeOfTensor) -> Mapping[str, Shape | None]:
    """The shape of every value of a dataflow, once it is known to be sound.

    Raises:
        ArchitectureMismatchError: a name is used before it is defined or defined twice, or an operator does not fit.
        TensorMissingError: from `shape_of_tensor`, for a tensor that is not there.
        LimitExceededError: there are too many steps, or a value is too large.
    """
    if len(dataflow.steps) > STEPS_MAX:
        raise LimitExceededError(f"the dataflow has {len(dataflow.steps)} steps; {STEPS_MAX} are the limit")
    check_constants(step.operator for step in dataflow.steps if isinstance(step.operator, Constant))
    known: dict[str, Shape | None] = {}
    later: list[tuple[str, str]] = []
    for step in dataflow.steps:
        known.update(_step_shapes(step, known, later, shape_of_tensor))
    for first, following in later:
        if following not in known:
            raise ArchitectureMismatchError(f"a loop carries {following[:100]!r}, which no step gives")
        if not merged((known[first], known[following])):
            raise ArchitectureMismatchError(
                f"a loop carries {following[:100]!r} of shape {known[following]}, and it starts with {known[first]}"
            )
    if not dataflow.outputs:
        raise ArchitectureMismatchError("the dataflow returns nothing")
    for name in dataflow.outputs:
        if name not in known:
            raise ArchitectureMismatchError(f"the dataflow returns {name[:100]!r}, which no step gives")
    return known


def _step_shapes(
    step: Step, known: Mapping[str, Shape | None], later: list[tuple[str, str]], shape_of_tensor: ShapeOfTensor
) -> Mapping[str, Shape | None]:
    shown = f"step {step.outputs[0][:100]!r}" if step.outputs else f"a {step.operator.kind} without outputs"
    if max(len(step.inputs), len(step.outputs)) > OPERANDS_MAX:
        raise LimitExceededError(f"{shown} reads or gives more than {OPERANDS_MAX} values")
    is_carry = isinstance(step.operator, Carry)
    for place, name in enumerate(step.inputs):
        if name and name not in known and not (is_carry and place == 1):
            raise ArchitectureMismatchError(f"{shown} reads {name[:100]!r}, which no earlier step gives")
        if not name and not _may_lack(step.operator, place):
            raise ArchitectureMismatchError(f"{shown} ({step.operator.kind}) lacks input {place}")
    if is_carry and len(step.inputs) == 2:
        later.append((step.outputs[0] if step.outputs else "", step.inputs[1]))
    try:
        found = output_shapes(step.operator, tuple(known.get(name) for name in step.inputs))
    except ArchitectureMismatchError as error:
        raise ArchitectureMismatchError(f"{shown}: {error}") from error
    if isinstance(step.operator, Weight):
        found = (shape_of_tensor(step.operator.tensor),)
    if len(found) != len(step.outputs):
        message = f"{shown} ({step.operator.kind}) names {len(step.outputs)} outputs, and there are {len(found)}"
        raise ArchitectureMismatchError(message)
    for name in step.outputs:
        if not name or name in known:
            raise ArchitectureMismatchError(f"{shown} gives {name[:100]!r}, a name that is empty or taken")
    if len(set(step.outputs)) != len(step.outputs):
        raise ArchitectureMismatchError(f"{shown} gives two values the same name")
    return dict(zip(step.outputs, found, strict=True))


def _may_lack(operator: Operator, place: int) -> bool:
    return isinstance(operator, Opaque) or (isinstance(operator, Recurrent) and place >= 3)


def _check_bounds(operator: Operator, shape: Shape | None) -> None:
    if shape is None:
        return
    if len(shape) > RANK_MAX:
        raise LimitExceededError(f"a {operator.kind} gives {len(shape)} axes; {RANK_MAX} are the limit")
    if any(size < 0 for size in shape):
        raise ArchitectureMismatchError(f"a {operator.kind} gives shape {list(shape)}, with a size below zero")
    if prod(size for size in shape if size) > ELEMENTS_MAX:
        raise LimitExceededError(f"a {operator.kind} gives shape {list(shape)}; {ELEMENTS_MAX} elements are the limit")


def _arity(operator: Operator) -> tuple[int, int]:
    """Fewest and most inputs."""
    match operator:
        case Given() | Weight() | Constant():
            return 0, 0
        case Unary() | Cast() | Unpack() | Reduce() | Softmax() | Standardise() | LocalNorm() | WindowPool():
            return 1, 1
        case Accumulate() | Extreme() | TopK() | OneHot() | Triangle():
            return 1, 1
        case Reshape() | Transpose() | Slice() | Expand() | Pad() | Resize():
            return 1, 1
        case Binary() | Gather() | GatherElements() | GatherND() | Sample() | Carry():
            return 2, 2
        case Where() | Requantise() | ScatterElements() | ScatterND():
            return 3, 3
        case Convolve():
            return 2, 3
        case Recurrent():
            return 3, 7
        case Contract() | Concat():
            return 1, OPERANDS_MAX
        case Choose():
            return 3, OPERANDS_MAX
        case Opaque():
            return 0, OPERANDS_MAX
        case _:
            assert_never(operator)


def _shapes(operator: Operator, inputs: Shapes) -> tuple[Shape | None, ...]:
    match operator:
        case Recurrent():
            return combination.recurrent(operator, inputs)
        case TopK():
            shape = combination.top_k(operator, inputs[0])
            return shape, shape
        case Choose():
            return _chosen(operator, inputs)
        case Opaque():
            return operator.shapes
        case _:
            return (_shape(operator, inputs),)


def _shape(operator: Operator, inputs: Shapes) -> Shape | None:
    match operator:
        case Given() | Constant():
            return operator.shape
        case Weight():
            return None
        case Unary() | Cast():
            return inputs[0]
        case Softmax() | Accumulate():
            return same(inputs[0], (operator.axis,))
        case Standardise():
            return same(inputs[0], operator.axes)
        case Binary() | Where():
            return broadcast(inputs)
        case Requantise():
            return combination.requantise(inputs)
        case Unpack():
            return combination.unpack(operator, inputs[0])
        case Contract():
            return contraction.contract(operator, inputs)
        case Convolve():
            return window.convolve(operator, inputs)
        case WindowPool():
            return window.pool(operator, inputs[0])
        case LocalNorm():
            return same(inputs[0], (1,))
        case Reduce():
            return combination.reduce(operator, inputs[0])
        case Extreme():
            return combination.extreme(operator, inputs[0])
        case Reshape() | Transpose() | Slice() | Expand() | Pad() | Resize() | Concat():
            return movement.shape(operator, inputs)
        case Gather() | GatherElements() | GatherND() | ScatterElements() | ScatterND() | OneHot() | Triangle():
            return indexing.shape(operator, inputs)
        case Sample():
            return sampling.shape(operator, inputs)
        case Carry():
            return inputs[0]
        case Recurrent() | TopK() | Choose() | Opaque():
            raise TypeError(f"{operator.kind} has several outputs")
        case _:
            assert_never(operator)


def _chosen(operator: Choose, inputs: Shapes) -> tuple[Shape | None, ...]:
    count, rest = divmod(len(inputs) - 1, 2)
    if rest:
        raise ArchitectureMismatchError(f"choose reads {len(inputs)} values: a condition and two sides were expected")
    return tuple(inputs[1 : 1 + count] if operator.shown else inputs[1 + count :])
