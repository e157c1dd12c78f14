"""Operators that ONNX Runtime makes of several (com.microsoft), except attention."""

from math import prod

import numpy as np

from metagauge.architecture.attributes import flag, integer, real, reals, text
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.reduction import Reduce
from metagauge.architecture.tracing.activation import swish
from metagauge.architecture.tracing.arithmetic import affine, binary, unary
from metagauge.architecture.tracing.call import call
from metagauge.architecture.tracing.normalisation import layer_norm, rms_norm
from metagauge.architecture.tracing.reshaping import expanded, reshaped, sliced, transposed
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Attribute, Node
from metagauge.errors import StructureNotInferableError

_MICROSOFT = "com.microsoft"
_ACTIVATION = {"activation", "activation_alpha", "activation_beta", "activation_gamma", "activation_params"}
"""Attributes of a fused activation."""
_ACTIVATION_NUMBERS = {
    "LeakyRelu": ("alpha",),
    "Elu": ("alpha",),
    "ThresholdedRelu": ("alpha",),
    "HardSigmoid": ("alpha", "beta"),
    "Clip": ("min", "max"),
}
"""What the numbers of a fused activation are called in the operator of its own."""


def _sum(tracing: Tracing, *states: Tensorlike | None) -> Tensorlike:
    first, *rest = (state for state in states if state is not None)
    for state in rest:
        first = binary(tracing, "add", first, state)
    return first


def skip_layer_norm(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    """SkipLayerNormalization: the layer norm of a sum; the sum is the fourth output."""
    total = _sum(tracing, required(inputs, 0), required(inputs, 1), tensor_at(inputs, 4))
    epsilon = real(node, "epsilon", 1e-12)
    return layer_norm(tracing, total, tensor_at(inputs, 2), tensor_at(inputs, 3), epsilon), None, None, total


def skip_rms_norm(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    """SkipSimplifiedLayerNormalization: likewise without centring and without shift."""
    total = _sum(tracing, required(inputs, 0), required(inputs, 1), tensor_at(inputs, 3))
    return rms_norm(tracing, total, tensor_at(inputs, 2), real(node, "epsilon", 1e-12)), None, None, total


def simple_layer_norm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """SimplifiedLayerNormalization, which is RMS norm."""
    x, scale = required(inputs, 0), tensor_at(inputs, 1)
    return rms_norm(tracing, x, scale, real(node, "epsilon", 1e-5), integer(node, "axis", -1))


def embed_layer_norm(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    """EmbedLayerNormalization: words, positions and segments looked up, added and normalised."""
    words, segments, positions = required(inputs, 0), tensor_at(inputs, 1), tensor_at(inputs, 8)
    tokens = shape_of(words)[1]
    table = required(inputs, 3)
    if positions is None:
        places = sliced(tracing, table, 0, 0, tokens)
    else:
        places = tracing.apply(Gather(axis=0), table, positions)
    found = [tracing.apply(Gather(axis=0), required(inputs, 2), words), places]
    if segments is not None:
        found.append(tracing.apply(Gather(axis=0), required(inputs, 4), segments))
    total = _sum(tracing, *found)
    y = layer_norm(tracing, total, tensor_at(inputs, 5), tensor_at(inputs, 6), real(node, "epsilon", 1e-12))
    mask = tensor_at(inputs, 7)
    count = Reduce(function="sum", axes=(1,), keep=False)
    lengths = Numbers(array=np.zeros(1, dtype=np.int64)) if mask is None else tracing.apply(count, mask)
    return y, lengths, total


def gelu(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Gelu, BiasGelu and FastGelu: the bias comes first, FastGelu takes the hyperbolic tangent."""
    x = _sum(tracing, required(inputs, 0), tensor_at(inputs, 1))
    return unary(tracing, "gelu_tanh" if node.operator == "FastGelu" else "gelu", x)


def quick_gelu(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """QuickGelu."""
    return swish(tracing, required(inputs, 0), real(node, "alpha", 1.702))


def bias_add(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """BiasAdd: a bias and a residual."""
    return _sum(tracing, required(inputs, 0), tensor_at(inputs, 1), tensor_at(inputs, 2))


def bias_split_gelu(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """BiasSplitGelu: one half of the features times the GELU of the other."""
    x = _sum(tracing, required(inputs, 0), tensor_at(inputs, 1))
    half = shape_of(x)[-1] // 2
    left, right = (sliced(tracing, x, len(shape_of(x)) - 1, start, half) for start in (0, half))
    return binary(tracing, "multiply", left, unary(tracing, "gelu", right))


def fused_matmul(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """FusedMatMul, TransposeMatMul and FusedMatMulActivation: sides transposed, the product times a number."""
    sides = [_turned(tracing, required(inputs, place), node, side) for place, side in enumerate("AB")]
    product = affine(tracing, call(tracing, "MatMul", *sides), real(node, "alpha", 1.0))
    return _activated(tracing, node, product)


def _turned(tracing: Tracing, x: Tensorlike, node: Node, side: str) -> Tensorlike:
    axes = list(range(len(shape_of(x))))
    if len(axes) < 2:
        return x
    if flag(node, f"transBatch{side}", False):
        axes = [*axes[1:-1], axes[0], axes[-1]]
    if flag(node, f"trans{side}", False):
        axes[-2:] = axes[-1], axes[-2]
    return transposed(tracing, x, tuple(axes))


def fused_conv(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """FusedConv."""
    return with_activation(
        tracing, node, required(inputs, 0), required(inputs, 1), tensor_at(inputs, 2), tensor_at(inputs, 3)
    )


def with_activation(
    tracing: Tracing, node: Node, x: Tensorlike, weight: Tensorlike, bias: Tensorlike | None, addend: Tensorlike | None
) -> Tensorlike:
    """A convolution, a residual and an activation, by the attributes of `node`."""
    y = call(tracing, "Conv", x, weight, bias, attributes=_rest(node))
    return _activated(tracing, node, _sum(tracing, y, addend))


def fused_gemm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """FusedGemm."""
    y = call(tracing, "Gemm", required(inputs, 0), required(inputs, 1), tensor_at(inputs, 2), attributes=_rest(node))
    return _activated(tracing, node, y)


def gemm_fast_gelu(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """GemmFastGelu."""
    y = call(tracing, "MatMul", required(inputs, 0), required(inputs, 1))
    return unary(tracing, "gelu_tanh", _sum(tracing, y, tensor_at(inputs, 2)))


def _rest(node: Node) -> dict[str, Attribute]:
    return {name: value for name, value in node.attributes.items() if name not in _ACTIVATION}


def _activated(tracing: Tracing, node: Node, x: Tensorlike) -> Tensorlike:
    name = text(node, "activation", "")
    if not name:
        return x
    numbers = reals(node, "activation_params")
    if numbers is None:
        given = [f"activation_{each}" for each in ("alpha", "beta", "gamma")]
        numbers = tuple(real(node, each, 0.0) for each in given if each in node.attributes)
    named = dict(zip(_ACTIVATION_NUMBERS.get(name, ()), numbers, strict=False))
    if name == "Clip":
        low, high = named.get("min"), named.get("max")
        if low is None or high is None:
            raise StructureNotInferableError("clips without bounds")
        return unary(tracing, "clip", x, low, high)
    return call(tracing, name, x, attributes=named)


def group_norm(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Tensorlike | None, ...]:
    """GroupNorm and SkipGroupNorm, of channels-last maps unless told otherwise."""
    x = required(inputs, 0)
    total = x if node.operator == "GroupNorm" else _sum(tracing, x, _skip(tracing, inputs, x), tensor_at(inputs, 4))
    is_last = flag(node, "channels_last", True)
    rank = len(shape_of(total))
    inner = transposed(tracing, total, (0, rank - 1, *range(1, rank - 1))) if is_last else total
    batch, channels, *positions = shape_of(inner)
    groups = integer(node, "groups", 1)
    grouped = reshaped(tracing, inner, (batch, groups, channels // groups * prod(positions)))
    y = layer_norm(tracing, grouped, None, None, real(node, "epsilon", 1e-5))
    y = reshaped(tracing, y, (batch, channels, *positions))
    scale, shift = (
        reshaped(tracing, tracing.parameter(required(inputs, place)), (channels, *(1,) * (rank - 2)))
        for place in (1, 2)
    )
    y = binary(tracing, "add", binary(tracing, "multiply", y, scale), shift)
    if integer(node, "activation", 0) == 1:
        y = unary(tracing, "silu", y)
    return transposed(tracing, y, (0, *range(2, rank), 1)) if is_last else y, total


def _skip(tracing: Tracing, inputs: Inputs, x: Tensorlike) -> Tensorlike:
    """What SkipGroupNorm adds: a map, or one number for each channel."""
    skip = required(inputs, 3)
    if len(shape_of(skip)) == 2:
        skip = reshaped(tracing, skip, (shape_of(skip)[0], 1, 1, shape_of(skip)[1]))
    return expanded(tracing, skip, shape_of(x))


OPERATORS: Registry = {
    (_MICROSOFT, "SkipLayerNormalization"): skip_layer_norm,
    (_MICROSOFT, "SkipSimplifiedLayerNormalization"): skip_rms_norm,
    (_MICROSOFT, "SimplifiedLayerNormalization"): simple_layer_norm,
    ("", "SimplifiedLayerNormalization"): simple_layer_norm,
    (_MICROSOFT, "EmbedLayerNormalization"): embed_layer_norm,
    **{(_MICROSOFT, name): gelu for name in ("Gelu", "BiasGelu", "FastGelu")},
    (_MICROSOFT, "QuickGelu"): quick_gelu,
    (_MICROSOFT, "BiasAdd"): bias_add,
    (_MICROSOFT, "BiasSplitGelu"): bias_split_gelu,
    **{(_MICROSOFT, name): fused_matmul for name in ("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation")},
    (_MICROSOFT, "FusedConv"): fused_conv,
    (_MICROSOFT, "FusedGemm"): fused_gemm,
    (_MICROSOFT, "GemmFastGelu"): gemm_fast_gelu,
    (_MICROSOFT, "GroupNorm"): group_norm,
    (_MICROSOFT, "SkipGroupNorm"): group_norm,
}
