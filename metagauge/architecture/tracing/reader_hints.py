"""What the nodes that read an input tell of its shape, where the file does not state it."""

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.program import Node, Port, Program

Partial = tuple[int | None, ...]


def hinted(checkpoint: Checkpoint, program: Program, port: Port, stated: Partial | None) -> Partial | None:
    """The stated shape with channels and features filled in from the weights that first meet the input."""
    if stated is not None and None not in stated[1:]:
        return stated
    for node in program.nodes:
        if port.name in node.inputs:
            shape = _expected(checkpoint, node, port.name)
            if shape is not None and (stated is None or len(shape) == len(stated)):
                return shape if stated is None else tuple(a or b for a, b in zip(stated, shape, strict=True))
    return stated


def _expected(checkpoint: Checkpoint, node: Node, name: str) -> Partial | None:
    """The shape that a node needs its input `name` to have."""
    first, second, *_ = (*node.inputs, "", "")
    if first != name:
        return (None, None) if node.operator == "Gather" and second == name and first in checkpoint.tensors else None
    weight = checkpoint.tensors.get(second)
    if weight is None:
        return None
    groups = node.attributes.get("group", 1)
    match node.operator:
        case "Conv" if len(weight.shape) > 2 and isinstance(groups, int):
            return (None, weight.shape[1] * groups, *(None,) * (len(weight.shape) - 2))
        case "ConvTranspose" if len(weight.shape) > 2:
            return (None, weight.shape[0], *(None,) * (len(weight.shape) - 2))
        case "Gemm" if len(weight.shape) == 2:
            return (None, weight.shape[1 if node.attributes.get("transB") else 0])
        case "MatMul" if len(weight.shape) == 2:
            return (None, weight.shape[0])
        case "BatchNormalization" if len(weight.shape) == 1:
            return (None, weight.shape[0], None, None)
        case _:
            return None
