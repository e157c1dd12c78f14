"""Operators of constants become constants, and choices with a known condition the side they take."""

from math import prod

from metagauge.architecture.normal_form.draft import FOLD_ELEMENTS, Call, Draft
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.control import Carry
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.movement import Expand
from metagauge.architecture.operators.source import Constant
from metagauge.errors import ArchitectureMismatchError, OperatorUnknownError

_CONTRACT_PRODUCTS = 1 << 24


def fold(draft: Draft, call: Call) -> Call | str | None:
    """The constant that an operator of constants gives; an expanded constant stays as it is, as it is smaller so."""
    if isinstance(call.operator, Constant | Expand | Carry) or not call.inputs:
        return None
    arrays = [draft.constant(name) if name else None for name in call.inputs]
    shape = draft.shape_of(call)
    if any(array is None and name for array, name in zip(arrays, call.inputs, strict=True)) or shape is None:
        return None
    sizes = prod(array.size for array in arrays if array is not None)
    if prod(shape) > FOLD_ELEMENTS or (isinstance(call.operator, Contract) and sizes > _CONTRACT_PRODUCTS):
        return None
    try:
        (array,) = evaluate(call.operator, arrays)
    except (OperatorUnknownError, ArchitectureMismatchError):
        return None
    return draft.array(array)
