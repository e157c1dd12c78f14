"""Reductions, softmax and what finds the largest elements."""

from collections.abc import Mapping
from math import inf, prod

import numpy as np

from metagauge.architecture.attributes import flag, integer, integers
from metagauge.architecture.operators.indexing import OneHot
from metagauge.architecture.operators.reduction import Accumulate, Extreme, Reduce, ReduceFunction, Softmax, TopK
from metagauge.architecture.tracing.arithmetic import binary
from metagauge.architecture.tracing.conversion import converted
from metagauge.architecture.tracing.reshaping import axes_of, axis_of, reshaped, sliced
from metagauge.architecture.tracing.scattering import only_chosen
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node

_REDUCTIONS: Mapping[str, ReduceFunction] = {
    "ReduceSum": "sum",
    "ReduceMean": "mean",
    "ReduceMax": "max",
    "ReduceMin": "min",
    "ReduceProd": "product",
    "ReduceL1": "l1",
    "ReduceL2": "l2",
    "ReduceSumSquare": "sum_square",
    "ReduceLogSum": "log_sum",
    "ReduceLogSumExp": "log_sum_exp",
}
_UNCHANGED: Mapping[ReduceFunction, float] = {"sum": 0.0, "product": 1.0, "max": -inf, "min": inf}
"""What changes nothing among the elements that are reduced."""
_ONE_AXIS = 13
"""The operator set from which softmax is along one axis; before, along all from that one on."""


def _reduce(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, state = required(inputs, 0), tensor_at(inputs, 1)
    axes = integers(node, "axes") if state is None else tracing.integers(state)
    if not axes and flag(node, "noop_with_empty_axes", False):
        return x
    rank = len(shape_of(x))
    places = axes_of(axes, rank) if axes else tuple(range(rank))
    function = _REDUCTIONS[node.operator]
    if x.rows is not None and x.rows.axis in places and function in _UNCHANGED:
        x = only_chosen(tracing, x, _UNCHANGED[function])
    return tracing.apply(Reduce(function=function, axes=places, keep=flag(node, "keepdims", True)), x)


def softmax(tracing: Tracing, x: Tensorlike, axis: int, *, logarithm: bool = False) -> Tensorlike:
    """Softmax along one axis."""
    return tracing.apply(Softmax(axis=axis_of(axis, len(shape_of(x))), logarithm=logarithm), x)


def _softmax(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, is_logarithm = required(inputs, 0), node.operator == "LogSoftmax"
    flat, axis = _along(tracing, node, x)
    return reshaped(tracing, softmax(tracing, flat, axis, logarithm=is_logarithm), shape_of(x))


def _hardmax(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x = required(inputs, 0)
    flat, axis = _along(tracing, node, x)
    largest = tracing.apply(Extreme(axis=axis, keep=False), flat)
    chosen = tracing.apply(OneHot(axis=axis, depth=shape_of(flat)[axis]), largest)
    return converted(tracing, reshaped(tracing, chosen, shape_of(x)), "float")


def _along(tracing: Tracing, node: Node, x: Tensorlike) -> tuple[Tensorlike, int]:
    """x, perhaps flattened, and the axis to normalise."""
    shape = shape_of(x)
    if tracing.opset >= _ONE_AXIS:
        return x, axis_of(integer(node, "axis", -1), len(shape))
    axis = axis_of(integer(node, "axis", 1), len(shape)) if len(shape) > 1 else 0
    long = [place for place in range(axis, len(shape)) if shape[place] > 1]
    if len(long) <= 1:
        return x, long[0] if long else axis
    return reshaped(tracing, x, (prod(shape[:axis]), prod(shape[axis:]))), 1


def _extreme(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x = required(inputs, 0)
    axis = axis_of(integer(node, "axis", 0), len(shape_of(x)))
    operator = Extreme(axis=axis, largest=node.operator == "ArgMax", keep=flag(node, "keepdims", True))
    size = shape_of(x)[axis]
    if not flag(node, "select_last_index", False) or size < 2:
        return tracing.apply(operator, x)
    first = tracing.apply(operator, sliced(tracing, x, axis, size - 1, size, -1))
    return binary(tracing, "subtract", Numbers(array=np.array(size - 1)), first)


def _accumulate(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x = required(inputs, 0)
    axis = axis_of(tracing.integers(required(inputs, 1))[0], len(shape_of(x)))
    return tracing.apply(
        Accumulate(axis=axis, exclusive=flag(node, "exclusive", False), reverse=flag(node, "reverse", False)), x
    )


def _top_k(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike, ...]:
    x, state = required(inputs, 0), tensor_at(inputs, 1)
    (count,) = (integer(node, "k", 1),) if state is None else tracing.integers(state)
    axis = axis_of(integer(node, "axis", -1), len(shape_of(x)))
    return tracing.apply_many(TopK(axis=axis, count=count, largest=flag(node, "largest", True)), x)


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    **{("", name): _reduce for name in _REDUCTIONS},
    ("", "Softmax"): _softmax,
    ("", "LogSoftmax"): _softmax,
    ("", "Hardmax"): _hardmax,
    ("", "ArgMax"): _extreme,
    ("", "ArgMin"): _extreme,
    ("", "CumSum"): _accumulate,
    ("", "TopK"): _top_k,
}
