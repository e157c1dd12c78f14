"""Calling one operator from another: what a fused operator does is said in ONNX's own ones."""

from collections.abc import Mapping

from metagauge.architecture.tracing.states import Sequence, State, Tensorlike
from metagauge.architecture.tracing.tracing import Tracing
from metagauge.checkpoint.program import Attribute, Node
from metagauge.errors import StructureNotInferableError


def call(
    tracing: Tracing, operator: str, *inputs: State | None, attributes: Mapping[str, Attribute] | None = None
) -> Tensorlike:
    """The first output of one of ONNX's own operators, as the tracer for it gives it.

    Raises:
        StructureNotInferableError: it is not known, or its output is no tensor.
    """
    function = tracing.registry.get(("", operator))
    if function is None:
        raise StructureNotInferableError(f"{operator}, which is a part of it, is not known")
    node = Node(
        name="",
        operator=operator,
        domain="",
        inputs=tuple("" if state is None else f"input_{place}" for place, state in enumerate(inputs)),
        outputs=("output",),
        attributes={} if attributes is None else attributes,
    )
    result = function(tracing, node, inputs)
    first = result[0] if isinstance(result, tuple) else result
    if first is None or isinstance(first, Sequence):
        raise StructureNotInferableError(f"{operator}, which is a part of it, gives no tensor")
    return first
