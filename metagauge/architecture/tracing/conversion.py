"""Operators that change the type of numbers, or nothing at all in a network that is used and not trained."""

from collections.abc import Mapping

import numpy as np

from metagauge.architecture.attributes import integer
from metagauge.architecture.operators.elementwise import Binary, Cast
from metagauge.architecture.operators.source import NumberKind
from metagauge.architecture.tracing.bounds import RANGES, fits, stored_type
from metagauge.architecture.tracing.constants import READ_LIMIT
from metagauge.architecture.tracing.states import Inputs, Numbers, State, Tensorlike, required
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.onnx_tensor import DTYPES
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_OLD_NAMES = {"FLOAT": 1, "INT32": 6, "INT64": 7, "BOOL": 9, "FLOAT16": 10, "DOUBLE": 11}
"""How operator sets before 6 spell a type."""


def converted(tracing: Tracing, x: Tensorlike, kind: NumberKind) -> Tensorlike:
    """x as numbers of this kind."""
    return x if x.numbers == kind else tracing.apply(Cast(numbers=kind), x)


def number_kind(dtype: str) -> NumberKind:
    """The kind of numbers of a tensor's dtype."""
    return "bool" if dtype == "BOOL" else "float" if dtype[:1] in ("F", "B") else "int"


def _cast(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, target = required(inputs, 0), node.attributes.get("to", 0)
    number = _OLD_NAMES.get(target, 0) if isinstance(target, str) else target
    dtype = DTYPES.get(number) if isinstance(number, int) else None
    if dtype is None or dtype.startswith("C"):
        raise StructureNotInferableError(f"casts to data type {target}, which is no plain number")
    if isinstance(x, Numbers) and dtype in ("F32", "F64", "F16", "BF16") and x.numbers == "float":
        return _rounded(x, dtype)
    return _narrowed(tracing, x, dtype)


def _narrowed(tracing: Tracing, x: Tensorlike, dtype: str) -> Tensorlike:
    """x as this type; what does not fit a narrow integer goes round, as onnxruntime has it.

    Integers of 32 bits are taken for wide enough: as them, exporters write indices and shapes.
    """
    kind = number_kind(dtype)
    if kind != "int" or dtype not in RANGES or fits(tracing, x, *RANGES[dtype]):
        return converted(tracing, x, kind)
    low, high = RANGES[dtype]
    size = Numbers(array=np.array(high - low + 1, dtype=np.int64))
    least = Numbers(array=np.array(low, dtype=np.int64))
    wide = tracing.apply(Binary(function="subtract"), converted(tracing, x, kind), least)
    return tracing.apply(Binary(function="add"), tracing.apply(Binary(function="modulo"), wide, size), least)


def _rounded(x: Numbers, dtype: str) -> Numbers:
    """Known numbers in another float type; only to double does the array change, as it is float32 at least."""
    wanted = np.float64 if dtype == "F64" else np.float32
    return x if x.array.dtype == wanted or x.array.size > READ_LIMIT else Numbers(array=x.array.astype(wanted))


def _cast_like(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, like = required(inputs, 0), required(inputs, 1)
    dtype = stored_type(tracing, like)
    return _narrowed(tracing, x, dtype) if dtype in RANGES else converted(tracing, x, like.numbers)


def _same(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State | None, ...]:
    return inputs[:1]


def _dropout(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State | None, ...]:
    x = required(inputs, 0)
    is_masked = integer(node, "is_test", 1) and len(node.outputs) > 1 and x.shape is not None
    mask = Numbers(array=np.broadcast_to(np.True_, x.shape)) if is_masked and x.shape is not None else None
    return x, mask


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "Cast"): _cast,
    ("", "CastLike"): _cast_like,
    ("", "Identity"): _same,
    ("", "Dropout"): _dropout,
    ("", "Optional"): _same,
    ("", "OptionalGetElement"): _same,
}
