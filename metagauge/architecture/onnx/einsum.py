"""Einsum of two values: a matrix product once the axes are in its order."""

import re
from dataclasses import replace

from metagauge.architecture.attributes import text
from metagauge.architecture.onnx.lifting import Lifting
from metagauge.architecture.onnx.linear import matmul
from metagauge.architecture.onnx.movement import Inputs, shape_of, transposed
from metagauge.architecture.onnx.states import State
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_TWO_OPERANDS = re.compile(r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)")


def einsum(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Sums over the one axis that both operands have and the result has not.

    Axes are *batch* where all three have them, *rows* and *columns* where only the left or the right operand has them.
    """
    equation = text(node, "equation", "").replace(" ", "")
    match = _TWO_OPERANDS.fullmatch(equation)
    if match is None or any(len(set(axes)) != len(axes) for axes in match.groups()):
        raise StructureNotInferableError(f"equation {equation!r} is not one of two operands")
    left, right, result = match.groups()
    batch = [axis for axis in result if axis in left and axis in right]
    rows = [axis for axis in result if axis in left and axis not in right]
    columns = [axis for axis in result if axis in right and axis not in left]
    summed = [axis for axis in left if axis in right and axis not in result]
    if len(summed) != 1 or len(columns) != 1 or set(left + right) != {*batch, *rows, *columns, *summed}:
        raise StructureNotInferableError(f"equation {equation!r} is no matrix product")
    if len(rows) != 1 and batch:
        raise StructureNotInferableError(f"equation {equation!r} is no matrix product of each sample")
    factors = (
        _ordered(inputs[0], left, [*batch, *rows, *summed]),
        _ordered(inputs[1], right, [*batch, *summed, *columns]),
    )
    product = matmul(lifting, replace(node, operator="MatMul"), factors)
    return _ordered(product, "".join([*batch, *rows, *columns]), list(result))


def _ordered(state: State | None, axes: str, wanted: list[str]) -> State:
    order = tuple(axes.index(axis) for axis in wanted)
    if state is not None and order == tuple(range(len(axes))):
        return state
    if len(shape_of(state)) != len(axes):
        raise StructureNotInferableError(f"axes {axes!r} of a value with {len(shape_of(state))}")
    return transposed(state, order)
