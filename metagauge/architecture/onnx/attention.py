"""Attention, recognised by what is multiplied: softmax(Q K^T factor) V over heads that the reshapes made."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from math import prod, sqrt

import numpy as np

from metagauge.architecture.attributes import integer, real
from metagauge.architecture.layers import Activation, ActivationFunction
from metagauge.architecture.onnx.arrange import features, linear_part
from metagauge.architecture.onnx.draft import Context
from metagauge.architecture.onnx.lifting import READ_LIMIT, Lifting
from metagauge.architecture.onnx.movement import Inputs, position, unmovable
from metagauge.architecture.onnx.states import Known, Numbers, Scores, State, Weight
from metagauge.architecture.onnx.view import BATCH, Run, Step, View, full, reshaped, run, shown, transposed
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_MASKED = -1e4
"""Scores at and below this are taken as masked: exporters write -inf, -1e4 or the lowest float."""


def scores(lifting: Lifting, left: View, right: View) -> Scores:
    """Query (*leading, tokens, width) times key (*leading, width, tokens)."""
    left_factor, left = lifting.scaling(left)
    right_factor, right = lifting.scaling(right)
    if len(left.runs) != len(right.runs) or len(left.runs) < 3:
        raise StructureNotInferableError("multiplies two values of the network that are no query and key")
    *leading, rows, width = left.runs
    *right_leading, right_width, columns = right.runs
    tokens = _tokens(lifting, left, rows)
    if _tokens(lifting, right, columns) != tokens:
        raise StructureNotInferableError("the query and the key have different tokens")
    heads = _heads(leading)
    if _pattern(leading) != _pattern(right_leading):
        raise StructureNotInferableError("the query and the key have different heads")
    query = linear_part(lifting, left.source, (*heads, *width), left.offsets[1])
    key = linear_part(lifting, right.source, (*_heads(right_leading), *right_width), right.offsets[1])
    return Scores(
        source=_common_source(lifting, left, right.source),
        query=query,
        key=key,
        leading=tuple(leading),
        tokens=tokens,
        heads=prod(step.size for step in heads),
        width=prod(step.size for step in width),
        factor=left_factor * right_factor,
    )


def attended(lifting: Lifting, weights: Scores, right: View) -> View:
    """Normalised scores times value (*leading, tokens, width): the heads' features side by side."""
    factor, right = lifting.scaling(right)
    *leading, rows, width = right.runs
    if not weights.normalised or _tokens(lifting, right, rows) != weights.tokens:
        raise StructureNotInferableError("multiplies attention scores by something that is not their value")
    if _pattern(leading) != _pattern(weights.leading):
        raise StructureNotInferableError("the value has other heads than the query")
    if _common_source(lifting, right, None) != weights.source:
        raise StructureNotInferableError("the value comes from other features than the query: cross attention")
    value = lifting.scaled_linear(
        linear_part(lifting, right.source, (*_heads(leading), *width), right.offsets[1]), factor
    )
    extra = weights.factor * sqrt(weights.width)
    context = Context(
        source=weights.source,
        heads=weights.heads,
        query=weights.query if abs(extra - 1) < 1e-4 else lifting.scaled_linear(weights.query, extra),
        key=weights.key,
        value=value,
        causal=weights.causal,
    )
    size = prod(step.size for step in width)
    source = lifting.draft.add_context(context, weights.tokens, weights.heads * size)
    runs = (*_side_by_side(weights, size), full(0, weights.tokens), run(Step(axis=1, stride=1, size=size)))
    return View(source=source, runs=runs, offsets=(0, 0))


def with_constant(lifting: Lifting, operator: str, weights: Scores, known: Known) -> Scores:
    """Scores times or over a number, or plus a mask."""
    array = lifting.array(known)
    if operator == "Add":
        return _masked(weights, array)
    if array.size != 1 or weights.normalised:
        raise StructureNotInferableError("attention scores are multiplied by more than one number")
    number = float(array.reshape(-1)[0])
    number = 1 / number if operator == "Div" else number
    masked = weights.masked * number if weights.causal else 0.0
    return replace(weights, factor=weights.factor * number, masked=masked)


def whole(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Attention as one operator (from operator set 23), on separate heads or on features side by side."""
    query, key, value, mask = (*inputs, None)[:4]
    if len(node.outputs) > 1 or len(inputs) > 4 or real(node, "softcap", 0.0):
        raise StructureNotInferableError("keeps keys and values, or caps its scores")
    if not isinstance(query, View) or not isinstance(key, View) or not isinstance(value, View):
        raise unmovable(query)
    flat = len(query.runs) == 3
    heads = (integer(node, "q_num_heads", 1), *(integer(node, "kv_num_heads", 1),) * 2)
    query, key, value = (_split_heads(v, n) if flat else v for v, n in zip((query, key, value), heads, strict=True))
    product = scores(lifting, query, transposed(key, (0, 1, 3, 2)))
    product = replace(product, factor=product.factor * real(node, "scale", 1 / sqrt(product.width)))
    if isinstance(mask, Weight | Numbers):
        product = _masked(product, _added(lifting.array(mask)))
    elif mask is not None:
        raise unmovable(mask)
    product = _normalised(product)
    causal = product.causal or bool(integer(node, "is_causal", 0))
    result = attended(lifting, replace(product, causal=causal), value)
    if not flat:
        return result
    batch, count, tokens, width = result.shape
    joined = reshaped(transposed(result, (0, 2, 1, 3)), (batch, tokens, count * width))
    if joined is None:
        raise StructureNotInferableError("its heads do not lie side by side")
    return joined


def softmax(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Softmax and LogSoftmax: of attention scores, or of features."""
    state = inputs[0]
    if not isinstance(state, Scores | View):
        raise unmovable(state)
    rank = len(state.shape)
    axis = position(integer(node, "axis", -1 if lifting.opset >= 13 else 1), rank)
    if axis != rank - 1:
        raise StructureNotInferableError(f"over axis {axis} of {rank}")
    if isinstance(state, Scores):
        if node.operator != "Softmax" or state.normalised:
            raise StructureNotInferableError("attention scores are normalised by something other than one softmax")
        return _normalised(state)
    function: ActivationFunction = "softmax" if node.operator == "Softmax" else "log_softmax"
    view = features(lifting, lifting.settled(state), axis)
    return replace(view, source=lifting.draft.add(Activation(function=function), view.source))


def is_nan(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """IsNaN of normalised scores, as exporters guard masked attention: the masks we read leave every token itself."""
    if not isinstance(inputs[0], Scores) or not inputs[0].normalised:
        raise unmovable(inputs[0])
    return Numbers(array=np.array(False))


def _split_heads(view: View, heads: int) -> View:
    batch, tokens, features = view.shape
    split = reshaped(view, (batch, tokens, heads, features // heads))
    if split is None:
        raise StructureNotInferableError(f"{features} features in {heads} heads")
    return transposed(split, (0, 2, 1, 3))


def _added(mask: np.ndarray) -> np.ndarray:
    """What an operator's mask adds to its scores: truth values say which tokens are read."""
    return np.where(mask, 0.0, -np.inf) if mask.dtype == np.bool_ else mask


def _masked(weights: Scores, mask: np.ndarray) -> Scores:
    """Scores plus a mask, whose axes are those of the scores from the last: queries, then keys."""
    shape, square = weights.shape, (weights.tokens, weights.tokens)
    sizes = (1,) * (len(shape) - mask.ndim) + mask.shape
    if weights.normalised or len(sizes) > len(shape) or any(n not in (1, m) for n, m in zip(sizes, shape, strict=True)):
        raise StructureNotInferableError("attention scores have a bias")
    if not mask.any():
        return weights
    if prod(sizes[:-2]) * prod(square) > READ_LIMIT:
        raise StructureNotInferableError(f"a mask of shape {shown(sizes)} is too large to look at")
    mask = np.broadcast_to(mask.reshape(-1, *sizes[-2:]), (prod(sizes[:-2]), *square))
    allowed = np.tril(np.ones(square, dtype=bool))
    if mask[:, allowed].any() or not np.all(mask[:, ~allowed] < 0):
        raise StructureNotInferableError("attention scores have a bias or a mask that is not causal")
    return replace(weights, causal=True, masked=weights.masked + float(mask[:, ~allowed].max(initial=-np.inf)))


def _normalised(weights: Scores) -> Scores:
    """The scores behind their softmax, where a mask has to be far below all that it leaves."""
    if weights.causal and not weights.masked <= _MASKED:
        raise StructureNotInferableError(f"a mask adds {weights.masked:g} to attention scores, which may still be read")
    return replace(weights, normalised=True)


def _tokens(lifting: Lifting, view: View, tokens: Run) -> int:
    value = lifting.draft.value(view.source)
    if value.layout != "sequence" or tokens != full(0, value.positions):
        raise StructureNotInferableError(f"multiplies parts of a {value} that are no query, key or value of attention")
    return value.positions


def _heads(leading: list[Run]) -> Run:
    steps = tuple(step for run in leading for step in run if step.axis != BATCH)
    if any(step.axis != 1 for step in steps):
        raise StructureNotInferableError("attention within parts of the tokens")
    return steps


def _pattern(leading: Sequence[Run]) -> list[list[tuple[bool, int]]]:
    """Where the batch and the heads lie in each axis, however the heads are split."""
    return [
        [(is_batch, prod(step.size for step in steps)) for is_batch, steps in groupby(run, lambda s: s.axis == BATCH)]
        for run in leading
    ]


def _common_source(lifting: Lifting, view: View, other: str | None) -> str:
    sources = set()
    for name in (view.source, other or view.source):
        operation = lifting.draft.operation(name)
        sources.add(operation.inputs if operation else (name,))
    if len(sources) != 1:
        raise StructureNotInferableError("the query and the key come from different features: cross attention")
    return sources.pop()[0]


def _side_by_side(weights: Scores, width: int) -> tuple[Run, ...]:
    stride = weights.heads * width
    leading: list[Run] = []
    for old in weights.leading:
        steps: list[Step] = []
        for step in old:
            if step.axis != BATCH:
                stride //= step.size
                step = Step(axis=1, stride=stride, size=step.size)
            steps.append(step)
        leading.append(run(*steps))
    return tuple(leading)
