"""Concat: of sizes, and of learned tokens before a sequence."""

import numpy as np

from metagauge.architecture.attributes import integer
from metagauge.architecture.layers import ClassToken
from metagauge.architecture.onnx import weight as weights
from metagauge.architecture.onnx.affine import vector
from metagauge.architecture.onnx.arrange import features
from metagauge.architecture.onnx.lifting import READ_LIMIT, Lifting
from metagauge.architecture.onnx.movement import Inputs, position
from metagauge.architecture.onnx.states import Numbers, State, Weight
from metagauge.architecture.onnx.view import View, full
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
    tokens = [token for token in before if isinstance(token, Weight)]
    if not isinstance(state, View) or len(tokens) != len(before):
        raise StructureNotInferableError("joins values other than learned tokens and a sequence")
    rank = len(state.runs)
    if rank != 3 or position(integer(node, "axis", 0), rank) != 1:
        raise StructureNotInferableError("joins along an axis that is not the tokens")
    for token in reversed(tokens):
        state = _with_token(lifting, state, token)
    return state


def _with_token(lifting: Lifting, view: View, token: Weight) -> View:
    view = features(lifting, lifting.settled(view), 2)
    value = lifting.draft.value(view.source)
    if value.layout != "sequence" or view.runs[1] != full(0, value.positions):
        raise StructureNotInferableError(f"puts a token before a {value}")
    token = _of_one_sample(lifting, token)
    parameter = vector(token, value.features)
    if parameter is None:
        raise StructureNotInferableError(f"puts tensor {token.parameter.tensor!r} before a {value}, which is no token")
    return lifting.whole(lifting.draft.add(ClassToken(token=parameter), view.source))


def _of_one_sample(lifting: Lifting, token: Weight) -> Weight:
    """A token that was stored once for each sample of a fixed batch."""
    if len(token.shape) != 3 or token.shape[0] in (1,) or token.shape[0] != lifting.batch:
        return token
    array = lifting.array(token)
    lifting.read.discard(token.parameter.tensor)
    return weights.narrowed(token, 0, 0, 1) if np.all(array == array[:1]) else token
