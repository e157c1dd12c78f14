"""Operators of com.microsoft that are ONNX's own under another domain, and small ones beside them."""

from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.tracing.attributes import flag, integer
from metagauge.architecture.tracing.buckets import relative_buckets
from metagauge.architecture.tracing.reshaping import reshaped, transposed
from metagauge.architecture.tracing.states import Inputs, Numbers, State, Tensorlike, required, shape_of
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


OPERATORS: Registry = {
    **{(_MICROSOFT, name): as_onnx for name in _SAME},
    (_MICROSOFT, "ExpandDims"): expand_dims,
    (_MICROSOFT, "RelativePositionBias"): relative_position_bias,
}
