"""What each operator of a dataflow computes, in torch."""

from collections.abc import Mapping
from typing import assert_never

import torch
from torch import Tensor

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
from metagauge.errors import OperatorUnknownError, TensorMissingError
from models.interpreter import (
    combination,
    elementwise,
    functions,
    indexing,
    movement,
    recurrent,
    resize,
    sampling,
    windows,
)
from models.interpreter.numbers import Inputs, only, widen


def apply(operator: Operator, inputs: Inputs, tensors: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """The outputs of one operator.

    Raises:
        OperatorUnknownError: it is known by name only, or makes sense only as part of a whole run.
        TensorMissingError: it is a weight that `tensors` does not have.
    """
    match operator:
        case TopK():
            return combination.apply_top_k(operator, inputs)
        case Recurrent():
            return recurrent.apply_recurrent(operator, inputs)
        case _:
            return (_apply_one(operator, inputs, tensors),)


def _apply_one(operator: Operator, inputs: Inputs, tensors: Mapping[str, Tensor]) -> Tensor:
    """The output of an operator that has one."""
    match operator:
        case Weight():
            if operator.tensor not in tensors:
                raise TensorMissingError(f"the dataflow names tensor {operator.tensor!r}, which was not given")
            return widen(tensors[operator.tensor])
        case Constant():
            return torch.from_numpy(unpack(operator).copy())
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
        case Convolve():
            return windows.apply_convolve(operator, inputs)
        case LocalNorm():
            return windows.apply_local_norm(operator, inputs)
        case WindowPool():
            return windows.apply_window_pool(operator, inputs)
        case Reshape():
            return only(inputs).reshape(operator.shape)
        case Transpose():
            return only(inputs).permute(operator.axes)
        case Slice():
            return movement.apply_slice(operator, inputs)
        case Expand():
            return only(inputs).expand(operator.shape)
        case Concat():
            return movement.apply_concat(operator, inputs)
        case Pad():
            return movement.apply_pad(operator, inputs)
        case Resize():
            return resize.apply_resize(operator, inputs)
        case Sample():
            return sampling.apply_sample(operator, inputs)
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
        case Carry():
            message = f"loop {operator.loop!r} carries values from turn to turn; loops are not run"
            raise OperatorUnknownError(message)
        case Opaque():
            message = f"operator {operator.operator} is known by name only, so what it computes cannot be run"
            raise OperatorUnknownError(message)
        case Given() | Choose() | TopK() | Recurrent():
            raise OperatorUnknownError(f"{operator.kind} is no operator with one output of its inputs")
        case _:
            assert_never(operator)
