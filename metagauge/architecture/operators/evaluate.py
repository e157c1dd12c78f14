"""What an operator computes, in numpy: for constants of the wiring and for weights computed from weights."""

from typing import assert_never

import numpy as np

from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Requantise, Unary, Unpack, Where
from metagauge.architecture.operators.evaluation import combination, elementwise, functions, indexing, movement
from metagauge.architecture.operators.evaluation.numbers import Inputs, only, required
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
    Triangle,
)
from metagauge.architecture.operators.literal import unpack
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
from metagauge.architecture.operators.source import Constant, Given, Weight
from metagauge.errors import ArchitectureMismatchError, OperatorUnknownError


def evaluate(operator: Operator, inputs: Inputs) -> tuple[np.ndarray, ...]:
    """The outputs of an operator.

    Floats of less than 32 bits are computed as float32, integers as int64. Reshape, Transpose, Slice, Expand and a
    Gather of one place give views and keep the type. Nothing is bounded here: sizes are for the caller to check first.

    Raises:
        OperatorUnknownError: the operator is none that is computed here.
        ArchitectureMismatchError: the inputs do not fit the operator.
    """
    try:
        match operator:
            case TopK():
                return combination.apply_top_k(operator, inputs)
            case Choose():
                return _choose(inputs)
            case _:
                return (np.asarray(_evaluate_one(operator, inputs)),)
    except (ValueError, IndexError, TypeError, ZeroDivisionError) as error:
        shapes = ", ".join("none" if array is None else str(array.shape) for array in inputs)
        message = f"{operator.kind} cannot be computed of values with shapes {shapes}: {error}"
        raise ArchitectureMismatchError(message) from error


def _evaluate_one(operator: Operator, inputs: Inputs) -> np.ndarray:
    match operator:
        case Constant():
            return unpack(operator)
        case Unary():
            return functions.apply_unary(operator, only(inputs))
        case Binary():
            return elementwise.apply_binary(operator, inputs)
        case Where():
            return elementwise.apply_where(inputs)
        case Cast():
            return elementwise.apply_cast(operator, inputs)
        case Requantise():
            return elementwise.apply_requantise(operator, inputs)
        case Unpack():
            return elementwise.apply_unpack(operator, inputs)
        case Contract():
            return combination.apply_contract(operator, inputs)
        case Reduce():
            return combination.apply_reduce(operator, inputs)
        case Softmax():
            return combination.apply_softmax(operator, inputs)
        case Standardise():
            return combination.apply_standardise(operator, inputs)
        case Accumulate():
            return combination.apply_accumulate(operator, inputs)
        case Extreme():
            return combination.apply_extreme(operator, inputs)
        case Reshape():
            return only(inputs).reshape(operator.shape)
        case Transpose():
            return only(inputs).transpose(operator.axes)
        case Slice():
            return movement.apply_slice(operator, inputs)
        case Expand():
            return np.broadcast_to(only(inputs), operator.shape)
        case Concat():
            return movement.apply_concat(operator, inputs)
        case Pad():
            return movement.apply_pad(operator, inputs)
        case Gather():
            return indexing.apply_gather(operator, inputs)
        case GatherElements():
            return indexing.apply_gather_elements(operator, inputs)
        case GatherND():
            return indexing.apply_gather_nd(operator, inputs)
        case ScatterElements():
            return indexing.apply_scatter_elements(operator, inputs)
        case ScatterND():
            return indexing.apply_scatter_nd(operator, inputs)
        case OneHot():
            return indexing.apply_one_hot(operator, inputs)
        case Triangle():
            return indexing.apply_triangle(operator, inputs)
        case (
            Given() | Weight() | Convolve() | Recurrent() | LocalNorm() | WindowPool() | Resize() | Sample() | Carry()
            | Opaque()
        ):  # fmt: skip
            named = f" ({operator.operator})" if isinstance(operator, Opaque) else ""
            raise OperatorUnknownError(f"{operator.kind}{named} is not computed among constants and weights")
        case TopK() | Choose():
            raise TypeError(f"{operator.kind} has several outputs")
        case _:
            assert_never(operator)


def _choose(inputs: Inputs) -> tuple[np.ndarray, ...]:
    """The side that the condition says; the other one may be missing."""
    condition = only(inputs)
    sides = (len(inputs) - 1) // 2
    taken = inputs[1 : 1 + sides] if condition.all() else inputs[1 + sides :]
    return required(taken, sides)
