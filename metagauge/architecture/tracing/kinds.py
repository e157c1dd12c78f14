"""What kind of numbers an operator gives, from the kinds of what it reads."""

from collections.abc import Sequence
from typing import assert_never

from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Requantise, Unary, Unpack, Where
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
    Triangle,
)
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Resize, Slice, Transpose
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import (
    Accumulate,
    Extreme,
    LocalNorm,
    Reduce,
    Softmax,
    Standardise,
    TopK,
    WindowPool,
)
from metagauge.architecture.operators.sampling import Sample
from metagauge.architecture.operators.source import Constant, Given, NumberKind, Weight

TRUTHS = frozenset({"equal", "less", "less_equal", "greater", "greater_equal", "and", "or", "xor"})
"""Functions of two values that hold or not."""


def output_kinds(operator: Operator, kinds: Sequence[NumberKind], count: int) -> tuple[NumberKind, ...]:
    """The kind of each of `count` outputs; `kinds` are those of the inputs that are there."""
    match operator:
        case TopK():
            return kinds[0], "int"
        case Choose():
            return tuple(kinds[1 : 1 + count])
        case _:
            return (_kind(operator, kinds),) * count


def _kind(operator: Operator, kinds: Sequence[NumberKind]) -> NumberKind:
    match operator:
        case Given():
            return operator.numbers
        case Cast():
            return operator.numbers
        case Constant():
            return "bool" if operator.dtype == "bool" else "int" if operator.dtype == "int64" else "float"
        case Unary():
            return "bool" if operator.function in ("not", "is_nan", "is_infinite") else kinds[0]
        case Binary():
            return "bool" if operator.function in TRUTHS else _widest(kinds)
        case Where():
            return _widest(kinds[1:])
        case OneHot():
            is_whole = operator.on.is_integer() and operator.off.is_integer()
            return "int" if is_whole else "float"
        case Unpack() | Extreme():
            return "int"
        case Contract() | Concat() | ScatterElements() | ScatterND():
            return _widest(kinds)
        case Weight() | Convolve() | Requantise() | Softmax() | Standardise() | LocalNorm() | Recurrent() | Opaque():
            return "float"
        case Sample():
            return "float"
        case Reduce() | WindowPool() | Accumulate() | Reshape() | Transpose() | Slice() | Expand() | Pad() | Resize():
            return kinds[0]
        case Gather() | GatherElements() | GatherND() | Triangle() | Carry():
            return kinds[0]
        case TopK() | Choose():
            raise TypeError(f"{operator.kind} has several outputs")
        case _:
            assert_never(operator)


def _widest(kinds: Sequence[NumberKind]) -> NumberKind:
    return "float" if "float" in kinds else "int" if "int" in kinds else "bool"
