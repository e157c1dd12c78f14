"""Operators of constants become constants, and choices with a known condition the side they take."""

from math import prod

from metagauge.architecture.normal_form.draft import FOLD_ELEMENTS, Call, Draft
from metagauge.architecture.operators.control import Carry
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.evaluation.cost import cost
from metagauge.architecture.operators.movement import Expand
from metagauge.architecture.operators.source import Constant
from metagauge.errors import ArchitectureMismatchError, OperatorUnknownError

_WORK_LIMIT = 1 << 24
"""Most products of one contraction of constants."""


def fold(draft: Draft, call: Call) -> Call | str | None:
    """The constant that an operator of constants gives; an expanded constant stays as it is, as it is smaller so."""
    if isinstance(call.operator, Constant | Expand | Carry) or not call.inputs:
        return None
    if not all(draft.is_constant(name) for name in call.inputs if name):
        return None
    shape = draft.shape_of(call)
    if shape is None or prod(shape) > FOLD_ELEMENTS:
        return None
    work = cost(call.operator, [draft.shape(name) if name else None for name in call.inputs], [shape])
    if work > _WORK_LIMIT or not draft.effort.fold(work):
        return None
    arrays = [draft.constant(name) if name else None for name in call.inputs]
    if any(array is None and name for array, name in zip(arrays, call.inputs, strict=True)):
        return None
    try:
        (array,) = evaluate(call.operator, arrays)
    except (OperatorUnknownError, ArchitectureMismatchError):
        return None
    return draft.array(array)
