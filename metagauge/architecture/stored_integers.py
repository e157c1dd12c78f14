"""What the values of a dataflow are made of that nothing given goes into: stored integers, floats, and both.

That tells a quantised weight from its scale and its zero point.
"""

from dataclasses import dataclass

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.control import Carry, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Unary, Unpack
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Slice, Transpose
from metagauge.architecture.operators.source import Constant, Weight
from metagauge.checkpoint.checkpoint import Checkpoint

BYTES = frozenset({"I8", "U8", "I4", "U4", "I2", "U2", "F4", "F6_E2M3", "F6_E3M2"})
"""What unknown operators may read as a weight; wider integers are as likely sizes and places."""
_CODES = BYTES | {"F8_E8M0", "I16", "U16", "I32", "U32"}
"""How quantised weights, and biases, are stored. Integers of 64 bits are counted, gathered and compared by."""
_BIAS = frozenset({"I32"})
"""How biases are stored whose scale is that of the products they are added to: as many numbers as the bias has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a value is made of if nothing that the caller gives is in it."""

    codes: int = 0
    """Numbers of the largest integer tensor in it."""
    floats: int = 0
    """Elements of the largest float tensor in it."""
    is_raw: bool = False
    """Whether it is stored integers as they are, moved and unpacked at most."""
    is_whole: bool = False
    """Whether it is that, less zero points at most."""
    is_unpacked: bool = False
    is_bias: bool = False


def sizes_of(dataflow: Dataflow, checkpoint: Checkpoint) -> dict[str, int]:
    """How many numbers each integer tensor holds, once it is unpacked."""
    codes: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for step in dataflow.steps:
        match step.operator:
            case Weight(tensor=name):
                tensor = checkpoint.tensor(name)
                if tensor.dtype in _CODES and tensor.shape and tensor.size > 1:
                    codes[step.outputs[0]] = name
                    sizes[name] = tensor.size
            case Reshape() | Transpose() if step.inputs[0] in codes:
                codes[step.outputs[0]] = codes[step.inputs[0]]
            case Unpack(bits=bits) if step.inputs[0] in codes:
                name = codes[step.inputs[0]]
                sizes[name] = checkpoint.tensor(name).size * (8 // bits)
            case _:
                pass
    return sizes


def made_of(dataflow: Dataflow, checkpoint: Checkpoint, sizes: dict[str, int]) -> dict[str, Made]:
    """What the values are made of that nothing given is in."""
    made: dict[str, Made] = {}
    for step in dataflow.steps:
        match step.operator:
            case Weight(tensor=name):
                tensor = checkpoint.tensor(name)
                size = tensor.size if tensor.is_float else 0
                codes = sizes.get(name, 0)
                found = Made(
                    codes=codes,
                    floats=size,
                    is_raw=codes > 0,
                    is_whole=codes > 0,
                    is_bias=tensor.dtype in _BIAS,
                )
            case Constant():
                found = Made()
            case Carry() | Opaque():
                continue
            case _:
                inputs = [made.get(name) for name in step.inputs if name]
                known = [each for each in inputs if each is not None]
                if not inputs or len(known) < len(inputs):
                    continue
                found = _put_together(step, known)
        made.update(dict.fromkeys(step.outputs, found))
    return made


def products_of(dataflow: Dataflow, made: dict[str, Made]) -> set[str]:
    """Values that are sums of products with integers, on which no scale is yet but numbers."""
    products: set[str] = set()
    for step in dataflow.steps:
        match step.operator:
            case Contract() | Convolve():
                if any(name in made and made[name].is_whole for name in step.inputs):
                    products.add(step.outputs[0])
            case Reshape() | Transpose() | Unary(function="affine", beta=0.0):
                if step.inputs[0] in products:
                    products.add(step.outputs[0])
            case _:
                pass
    return products


def _put_together(step: Step, inputs: list[Made]) -> Made:
    match step.operator:
        case Reshape() | Transpose() | Slice() | Expand() | Concat() | Pad() | Cast() | Unpack():
            moves = shifts = True
        case Unary(function="affine", alpha=1.0) | Binary(function="subtract" | "add"):
            moves, shifts = False, True
        case _:
            moves = shifts = False
    return Made(
        codes=max(each.codes for each in inputs),
        floats=max(each.floats for each in inputs),
        is_raw=moves and all(each.is_raw for each in inputs),
        is_whole=shifts and all(each.is_whole for each in inputs),
        is_unpacked=isinstance(step.operator, Unpack) or any(each.is_unpacked for each in inputs),
        is_bias=any(each.is_bias for each in inputs),
    )
