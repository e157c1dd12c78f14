"""Concat: of sizes, and of learned tokens before a sequence."""

from dataclasses import replace

import numpy as np

from metagauge.architecture.attributes import integer
from metagauge.architecture.layers import ClassToken
from metagauge.architecture.onnx import weight as weights
from metagauge.architecture.onnx.affine import vector
from metagauge.architecture.onnx.arrange import features
from metagauge.architecture.onnx.lifting import READ_LIMIT, Lifting
from metagauge.architecture.onnx.movement import Inputs, position
from metagauge.architecture.onnx.repeated import of_one_sample
from metagauge.architecture.onnx.states import Numbers, Repeated, State, Weight
from metagauge.architecture.onnx.view import BATCH, View, full
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError


def concat(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Concat along one axis."""
    numbers = [state.array for state in inputs if isinstance(state, Numbers)]
    if sum(array.size for array in numbers) > READ_LIMIT:
        raise StructureNotInferableError("joins constants into a large one")
    if len(numbers) == len(inputs):
        return Numbers(array=np.concatenate(numbers, axis=integer(node, "axis", 0)))
    *before, state = inputs
    tokens = [token for token in before if isinstance(token, Weight | Repeated)]
    if not isinstance(state, View) or len(tokens) != len(before):
        raise StructureNotInferableError("joins values other than learned tokens and a sequence")
    axis = position(integer(node, "axis", 0), len(state.runs))
    for token in reversed(tokens):
        state = _with_tokens(lifting, state, token, axis)
    return state


def _with_tokens(lifting: Lifting, view: View, token: Weight | Repeated, axis: int) -> View:
    """The sequence behind one learned token or several, which hold all features of the view's other axes."""
    view = features(lifting, lifting.settled(view), _features_axis(view, axis))
    value = lifting.draft.value(view.source)
    if value.layout != "sequence" or view.runs[axis] != full(0, value.positions) or any(view.offsets):
        raise StructureNotInferableError("joins along an axis that is not the tokens")
    if len(token.shape) != len(view.runs):
        raise StructureNotInferableError(f"puts {len(token.shape)} axes before a {value} of {len(view.runs)}")
    token = of_one_sample(lifting, token, view)
    for number in reversed(range(token.shape[axis])):
        parameter = vector(weights.narrowed(token, axis, number, number + 1), value.features)
        if parameter is None:
            name = token.parameter.tensor
            raise StructureNotInferableError(f"puts tensor {name!r} before a {value}, which is no token")
        source = lifting.draft.add(ClassToken(token=parameter), view.source)
        runs = list(view.runs)
        runs[axis] = full(0, lifting.draft.value(source).positions)
        view = replace(view, source=source, runs=tuple(runs))
    return view


def _features_axis(view: View, tokens: int) -> int:
    """The axis besides that of the tokens which holds more than samples; the last, where all features are one."""
    last = len(view.runs) - 1
    wide = [n for n, run in enumerate(view.runs) if n != tokens and any(step.axis != BATCH for step in run)]
    if len(wide) > 1 or (not wide and tokens == last):
        raise StructureNotInferableError("joins along an axis that is not the tokens")
    return wide[0] if wide else last
