"""Operators on each element apart; inputs broadcast as numpy's do."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from metagauge.architecture.operators.source import NumberKind
from metagauge.architecture.parameter import FORBID_EXTRA

UnaryFunction = Literal[
    "affine",
    "power",
    "clip",
    "relu",
    "leaky_relu",
    "elu",
    "celu",
    "selu",
    "gelu",
    "gelu_tanh",
    "silu",
    "mish",
    "softplus",
    "softsign",
    "hardswish",
    "hardsigmoid",
    "thresholded_relu",
    "shrink",
    "tanh",
    "sigmoid",
    "erf",
    "exp",
    "log",
    "sqrt",
    "reciprocal",
    "negate",
    "absolute",
    "sign",
    "floor",
    "ceil",
    "round",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "asinh",
    "acosh",
    "atanh",
    "not",
    "is_nan",
    "is_infinite",
    "unknown",
]
BinaryFunction = Literal[
    "add",
    "subtract",
    "multiply",
    "divide",
    "power",
    "minimum",
    "maximum",
    "modulo",
    "remainder",
    "prelu",
    "equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "and",
    "or",
    "xor",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary:
    """`function(x)`, with up to two numbers.

    affine: `alpha x + beta`. power: `x ** alpha`. clip: between alpha and beta. leaky_relu, elu, celu,
    thresholded_relu: alpha as ONNX has it. hardsigmoid: `clip(alpha x + beta, 0, 1)`. shrink: lambd alpha, bias beta.
    unknown: an elementwise function that the file does not tell; it can be wired and not run. Other functions take
    none.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["unary"] = "unary"
    function: UnaryFunction
    alpha: float = 0.0
    beta: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """`function(left, right)`. prelu: left where it is positive, else left times right.

    modulo has the sign of the divisor (Python's), remainder that of the dividend (C's fmod). divide of integers
    truncates.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["binary"] = "binary"
    function: BinaryFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Of (condition, yes, no): yes where the condition holds."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["where"] = "where"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Other numbers: to integers by truncation, to bool as not zero. Float to float is no operator."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["cast"] = "cast"
    numbers: NumberKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Requantise:
    """Of (x, scale, zero point): `clip(round(x / scale) + zero, low, high)`, and dequantised again: fake quantisation.

    scale and zero point have the rank of x, or are scalars. Rounding is half to even.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["requantise"] = "requantise"
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpack:
    """Of (codes): integers of `bits` bits, packed into bytes along the last axis, lowest first; as unsigned numbers."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["unpack"] = "unpack"
    bits: Literal[1, 2, 4, 8]
