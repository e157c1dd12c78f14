"""MatMul and Gemm."""

from dataclasses import replace

from metagauge.architecture.attributes import integer, real
from metagauge.architecture.layers import Linear
from metagauge.architecture.onnx import attention
from metagauge.architecture.onnx import weight as weights
from metagauge.architecture.onnx.affine import bias_of
from metagauge.architecture.onnx.arrange import features
from metagauge.architecture.onnx.lifting import Lifting
from metagauge.architecture.onnx.movement import Inputs, unmovable
from metagauge.architecture.onnx.states import Scores, State, Weight
from metagauge.architecture.onnx.view import View, full
from metagauge.architecture.parameter import Parameter
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError


def matmul(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """MatMul: features by a weight from either side, or one of the two products of attention."""
    match inputs:
        case (View() as view, Weight() as weight):
            outputs_first = weights.transposed(_matrix(weight), (1, 0))
            return project(lifting, view, len(view.runs) - 1, outputs_first, None)
        case (Weight() as weight, View() as view):
            return project(lifting, view, len(view.runs) - 2, _matrix(weight), None)
        case (View() as left, View() as right):
            return attention.scores(lifting, left, right)
        case (Scores() as scores, View() as view):
            return attention.attended(lifting, scores, view)
        case (first, second):
            raise unmovable(second if isinstance(first, View) else first)
        case _:
            raise unmovable(None)


def gemm(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Gemm: `alpha A B + beta C`, B and C being constants."""
    view, weight, *added = inputs
    if not isinstance(view, View) or integer(node, "transA", 0):
        raise StructureNotInferableError("the first factor is not the features, one row per sample")
    if not isinstance(weight, Weight) or len(weight.shape) != 2:
        raise StructureNotInferableError("the second factor is not a weight")
    if not integer(node, "transB", 0):
        weight = weights.transposed(weight, (1, 0))
    weight = weights.scaled(weight, real(node, "alpha", 1.0))
    bias = bias_of(lifting, added[0] if added else None, weight.shape[0])
    bias = lifting.scaled_parameter(bias, real(node, "beta", 1.0))
    return project(lifting, view, 1, weight, bias)


def project(lifting: Lifting, view: View, axis: int, weight: Weight, bias: Parameter | None) -> View:
    """A linear layer on one axis of the view; `weight` is (outputs, inputs)."""
    factor, view = lifting.scaling(view)
    view = features(lifting, view, axis)
    layer = Linear(weight=weights.scaled(weight, factor).parameter, bias=bias)
    source = lifting.draft.project(view.source, layer)
    value = lifting.draft.value(source)
    runs = list(view.runs)
    runs[axis] = full(len(value.shape) - 1, value.features)
    return replace(view, source=source, runs=tuple(runs))


def _matrix(weight: Weight) -> Weight:
    """The weight without leading axes of size one."""
    if len(weight.shape) < 2 or any(size != 1 for size in weight.shape[:-2]):
        raise StructureNotInferableError(
            f"multiplies by tensor {weight.parameter.tensor!r} of {len(weight.shape)} axes"
        )
    return weights.reshaped(weight, weight.shape[-2:])
