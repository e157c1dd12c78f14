"""Mixtures of experts of com.microsoft: every expert is computed, and those not chosen count zero."""

from metagauge.architecture.attributes import flag, integer, real, text
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import UnaryFunction
from metagauge.architecture.operators.indexing import OneHot
from metagauge.architecture.operators.reduction import Reduce, Softmax, TopK
from metagauge.architecture.tracing.arithmetic import FLOAT_MAX, affine, binary, clip, unary
from metagauge.architecture.tracing.quantisation import as_float
from metagauge.architecture.tracing.reshaping import reshaped, sliced
from metagauge.architecture.tracing.states import Inputs, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_ACTIVATIONS: dict[str, UnaryFunction] = {"relu": "relu", "gelu": "gelu", "silu": "silu"}
_UNBOUNDED = float("inf")


def mixture(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """MoE: of each token the `k` best experts, weighted by the softmax of the router's scores."""
    if flag(node, "use_sparse_mixer", False):
        raise StructureNotInferableError("mixes sparsely")
    x, scores = required(inputs, 0), required(inputs, 1)
    shape = shape_of(x)
    width = shape[-1]
    tokens, experts = shape_of(scores)
    x = reshaped(tracing, x, (tokens, width))
    hidden = _layer(tracing, x, required(inputs, 2), tensor_at(inputs, 3), "td")
    name = text(node, "activation_type", "relu").lower()
    third = tensor_at(inputs, 6)
    if name == "swiglu":
        if third is None:
            gate, linear = _halves(tracing, hidden, integer(node, "swiglu_fusion", 0))
        else:
            gate, linear = hidden, _layer(tracing, x, third, tensor_at(inputs, 7), "td")
        hidden = swiglu(tracing, node, gate, linear, real(node, "swiglu_limit", _UNBOUNDED))
    else:
        hidden = _activated(tracing, hidden, name)
        if third is not None:
            hidden = binary(tracing, "multiply", hidden, _layer(tracing, x, third, tensor_at(inputs, 7), "td"))
    given = _layer(tracing, hidden, required(inputs, 4), tensor_at(inputs, 5), "ted")
    weights = _weights(tracing, node, scores, experts)
    return reshaped(tracing, tracing.apply(Contract(equation="te,ted->td"), weights, given), shape)


def _layer(tracing: Tracing, x: Tensorlike, weight: Tensorlike, bias: Tensorlike | None, axes: str) -> Tensorlike:
    """A linear layer of each expert, (tokens, experts, outputs); weights are (experts, outputs, inputs) or turned."""
    experts, outputs, features = shape_of(weight)
    if features == shape_of(x)[-1]:
        letters = "eod"
    elif outputs == shape_of(x)[-1]:
        letters, outputs = "edo", features
    else:
        raise ArchitectureMismatchError(f"experts of shape {list(shape_of(weight))} read {shape_of(x)[-1]} features")
    y = tracing.apply(Contract(equation=f"{axes},{letters}->teo"), x, weight)
    return y if bias is None else binary(tracing, "add", y, reshaped(tracing, bias, (1, experts, outputs)))


def _activated(tracing: Tracing, x: Tensorlike, name: str) -> Tensorlike:
    if name == "identity":
        return x
    if name not in _ACTIVATIONS:
        raise StructureNotInferableError(f"activates by {name}")
    return unary(tracing, _ACTIVATIONS[name], x)


def _halves(tracing: Tracing, hidden: Tensorlike, fusion: int) -> tuple[Tensorlike, Tensorlike]:
    """Gate and linear part of one projection: interleaved, or one behind the other."""
    axis, size = len(shape_of(hidden)) - 1, shape_of(hidden)[-1]
    if fusion not in (1, 2) or size % 2:
        raise StructureNotInferableError(f"{size} features of a gate and a linear part in layout {fusion}")
    starts = ((0, 2), (1, 2)) if fusion == 1 else ((0, 1), (size // 2, 1))
    gate, linear = (sliced(tracing, hidden, axis, start, size // 2, step) for start, step in starts)
    return gate, linear


def swiglu(tracing: Tracing, node: Node, gate: Tensorlike, linear: Tensorlike, limit: float) -> Tensorlike:
    """`g sigmoid(alpha g) (l + beta)`, with g below `limit` and l within it on both sides."""
    if limit < _UNBOUNDED:
        gate, linear = clip(tracing, gate, -FLOAT_MAX, limit), clip(tracing, linear, -limit, limit)
    alpha, beta = real(node, "activation_alpha", 1.0), real(node, "activation_beta", 0.0)
    gated = binary(tracing, "multiply", gate, unary(tracing, "sigmoid", affine(tracing, gate, alpha)))
    return binary(tracing, "multiply", gated, affine(tracing, linear, 1.0, beta))


def _weights(tracing: Tracing, node: Node, scores: Tensorlike, experts: int) -> Tensorlike:
    """(tokens, experts): the weight of each expert, zero for those that are not among the best."""
    probabilities = tracing.apply(Softmax(axis=1), scores)
    best, places = tracing.apply_many(TopK(axis=1, count=integer(node, "k", 1)), probabilities)
    if flag(node, "normalize_routing_weights", False):
        best = binary(tracing, "divide", best, tracing.apply(Reduce(function="sum", axes=(1,)), best))
    chosen = tracing.apply(OneHot(axis=2, depth=experts), places)
    return tracing.apply(Contract(equation="tk,tke->te"), best, as_float(tracing, chosen))


OPERATORS: Registry = {("com.microsoft", "MoE"): mixture}
