"""Operators of com.microsoft that are ONNX's own under another domain, and small ones beside them."""

from metagauge.architecture.attributes import flag, integer, real
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.reduction import Reduce, Softmax
from metagauge.architecture.tracing.arithmetic import affine, binary, unary
from metagauge.architecture.tracing.attending import split_heads
from metagauge.architecture.tracing.buckets import relative_buckets
from metagauge.architecture.tracing.call import call
from metagauge.architecture.tracing.mixture import swiglu
from metagauge.architecture.tracing.reshaping import reshaped, sliced, transposed
from metagauge.architecture.tracing.states import Inputs, Numbers, State, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_MICROSOFT = "com.microsoft"
_SAME = ("Trilu", "Pad", "Range", "GridSample", "GatherND", "ScatterND", "Einsum", "LayerNormalization", "Softmax")
"""Operators that ONNX took over later, or that an optimiser copies, with the same inputs and attributes."""


def as_onnx(tracing: Tracing, node: Node, inputs: Inputs) -> State | tuple[State | None, ...]:
    """What ONNX's operator of this name does."""
    function = tracing.registry.get(("", node.operator))
    if function is None:
        raise StructureNotInferableError("the operator is not known")
    return function(tracing, node, inputs)


def expand_dims(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """ExpandDims: one new axis."""
    x = required(inputs, 0)
    (axis,) = tracing.integers(required(inputs, 1))
    axis += len(shape_of(x)) + 1 if axis < 0 else 0
    return reshaped(tracing, x, (*shape_of(x)[:axis], 1, *shape_of(x)[axis:]))


def relative_position_bias(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """RelativePositionBias: T5's (Raffel et al. 2020), (1, heads, queries, keys), from a table by distance."""
    table = required(inputs, 0)
    queries, keys = (int(tracing.number(required(inputs, place))) for place in (1, 2))
    buckets, _ = shape_of(table)
    is_bidirectional = flag(node, "is_bidirectional", False)
    places = relative_buckets(queries, keys, buckets, integer(node, "max_distance", 128), is_bidirectional)
    rows = tracing.apply(Gather(axis=0), table, Numbers(array=places))
    return reshaped(tracing, transposed(tracing, rows, (2, 0, 1)), (1, shape_of(table)[1], queries, keys))


def bias_softmax(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """BiasSoftmax: over all axes from `axis` on; a bias of fewer elements repeats over the axes before or between."""
    x, bias = required(inputs, 0), required(inputs, 1)
    rank, axis = len(shape_of(x)), integer(node, "axis", 1)
    axis += rank if axis < 0 else 0
    if axis != rank - 1 or len(shape_of(bias)) != rank:
        raise StructureNotInferableError(f"a softmax over axes from {axis} on with a bias of {list(shape_of(bias))}")
    return tracing.apply(Softmax(axis=axis), binary(tracing, "add", x, bias))


def unchanged(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Dropout, which does nothing when a network is used."""
    return required(inputs, 0)


def bias_dropout(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """BiasDropout and BitmaskBiasDropout: a bias, and a residual behind what does nothing."""
    y = binary(tracing, "add", required(inputs, 0), required(inputs, 1))
    residual = tensor_at(inputs, 2)
    return y if residual is None else binary(tracing, "add", y, residual)


def embedding(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """TorchEmbedding: rows of a table."""
    return tracing.apply(Gather(axis=0), required(inputs, 0), required(inputs, 1))


def swiglu_of(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """SwiGLU: of two inputs, or of both halves of one."""
    gate, linear = required(inputs, 0), tensor_at(inputs, 1)
    if linear is None:
        axis, half = len(shape_of(gate)) - 1, shape_of(gate)[-1] // 2
        gate, linear = (sliced(tracing, gate, axis, start, half) for start in (0, half))
    limit = real(node, "limit", 0.0)
    return swiglu(tracing, node, gate, linear, limit if limit > 0 else float("inf"))


def gated_position_bias(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """GatedRelativePositionBias: WavLM's (Chen et al. 2022), two gates for each query on what its distances add."""
    if tensor_at(inputs, 6) is not None:
        raise StructureNotInferableError("its tokens are packed")
    query = binary(tracing, "add", required(inputs, 0), required(inputs, 1))
    heads = split_heads(tracing, query, integer(node, "num_heads", 0))
    batch, count, tokens, _ = shape_of(heads)
    projected = binary(tracing, "add", call(tracing, "MatMul", heads, required(inputs, 3)), required(inputs, 4))
    pairs = reshaped(tracing, projected, (batch, count, tokens, 2, shape_of(projected)[3] // 2))
    sums = unary(tracing, "sigmoid", tracing.apply(Reduce(function="sum", axes=(4,), keep=False), pairs))
    update, reset = (sliced(tracing, sums, 3, place, 1) for place in (0, 1))
    inner = affine(tracing, binary(tracing, "multiply", reset, required(inputs, 5)), 1.0, -1.0)
    gate = affine(tracing, binary(tracing, "multiply", update, inner), 1.0, 2.0)
    return binary(tracing, "multiply", gate, required(inputs, 2))


OPERATORS: Registry = {
    **{(_MICROSOFT, name): as_onnx for name in _SAME},
    (_MICROSOFT, "ExpandDims"): expand_dims,
    (_MICROSOFT, "RelativePositionBias"): relative_position_bias,
    (_MICROSOFT, "GatedRelativePositionBias"): gated_position_bias,
    (_MICROSOFT, "BiasSoftmax"): bias_softmax,
    (_MICROSOFT, "BitmaskDropout"): unchanged,
    (_MICROSOFT, "BiasDropout"): bias_dropout,
    (_MICROSOFT, "BitmaskBiasDropout"): bias_dropout,
    (_MICROSOFT, "TorchEmbedding"): embedding,
    (_MICROSOFT, "SwiGLU"): swiglu_of,
}
