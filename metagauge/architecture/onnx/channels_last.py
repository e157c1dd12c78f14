"""Programs whose input has its channels last, as those from TensorFlow do: before anything else, they are put first."""

from metagauge.architecture.attributes import integers
from metagauge.checkpoint.program import Program

_POINTWISE = frozenset({"Add", "Cast", "Div", "Identity", "Mul", "Sub"})
"""What may happen to single pixels before."""
_LEAST_RANK = 4
"""A batch of images. Two axes behind the batch are tokens and features as well."""


def has_channels_last(program: Program, name: str, rank: int) -> bool:
    """Whether every reader of the input called `name` first puts its last axis behind the batch."""
    channels_first, seen, is_turned = (0, rank - 1, *range(1, rank - 1)), {name}, False
    for node in program.nodes if rank >= _LEAST_RANK else ():
        if seen.isdisjoint(node.inputs):
            continue
        if node.operator == "Transpose" and integers(node, "perm") == channels_first:
            is_turned = True
        elif node.operator in _POINTWISE:
            seen.update(node.outputs)
        else:
            return False
    return is_turned
