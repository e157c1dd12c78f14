"""The layer kinds an architecture is made of.

A value has no batch axis here. A *map* is (channels, *positions), a *sequence* is (tokens, features), a *vector* is
(features,). Layers say which of them they read; `values.py` checks it. Weight layouts are PyTorch's.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from metagauge.architecture.parameter import FORBID_EXTRA, Parameter

ActivationFunction = Literal[
    "identity",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "gelu_tanh",
    "silu",
    "hardswish",
    "hardsigmoid",
    "mish",
    "tanh",
    "sigmoid",
    "softplus",
    "softmax",
    "log_softmax",
]
Reduction = Literal["max", "mean"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """`y = W x + b` on the last axis of a sequence or vector. weight (outputs, inputs), bias (outputs,)."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["linear"] = "linear"
    weight: Parameter
    bias: Parameter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv:
    """Convolution of a map. weight (outputs, inputs / groups, *kernel); `padding` is (before, after) for each axis."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["conv"] = "conv"
    weight: Parameter
    bias: Parameter | None = None
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm:
    """`scale (x - mean) / sqrt(variance + epsilon) + shift` per channel of a map, per feature of a vector.

    All parameters are (channels,). An absent scale is one, an absent shift zero.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["batch_norm"] = "batch_norm"
    mean: Parameter
    variance: Parameter
    scale: Parameter | None = None
    shift: Parameter | None = None
    epsilon: float = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNorm:
    """Normalises each of `groups` runs of channels of a map over channels and positions, then scales and shifts.

    `groups` equal to the channels is instance norm. scale and shift are (channels,).
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["group_norm"] = "group_norm"
    groups: int
    scale: Parameter | None = None
    shift: Parameter | None = None
    epsilon: float = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNorm:
    """Normalises over the last axis of a sequence or vector, then scales and shifts by (features,)."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["layer_norm"] = "layer_norm"
    scale: Parameter | None = None
    shift: Parameter | None = None
    epsilon: float = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """An elementwise function; softmax and log_softmax act over features. `slope` is leaky_relu's and elu's alpha."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["activation"] = "activation"
    function: ActivationFunction
    slope: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Max or mean over windows of a map's positions. `padding` is (before, after) per position axis.

    `count_padding` says whether a mean counts padded positions, as PyTorch does by default.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["pool"] = "pool"
    reduction: Reduction
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    count_padding: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalPool:
    """Max or mean over all positions of a map, or all tokens of a sequence: a vector."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["global_pool"] = "global_pool"
    reduction: Reduction


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPool:
    """Max or mean over the tokens of a sequence, kept as one token that is added to every token: (1, features)."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["set_pool"] = "set_pool"
    reduction: Reduction


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """Map to vector, row-major: feature = channel * positions + position. A sequence flattens token-major."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["flatten"] = "flatten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Map (channels, *positions) to sequence (positions in raster order, channels)."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["tokens"] = "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """Map (channels, *positions) to a map with one position axis, in raster order: the input of 1-D convolutions."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["raster"] = "raster"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectToken:
    """One token of a sequence, as a vector. `index` counts from the front."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["select_token"] = "select_token"
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassToken:
    """Puts one learned token (features,) before a sequence."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["class_token"] = "class_token"
    token: Parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionTable:
    """Adds a learned table (tokens, features) to a sequence."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["position_table"] = "position_table"
    table: Parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """The sum of its inputs, all of one shape (a one-token sequence is repeated): residual connections."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["add"] = "add"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Multi-head self-attention over the tokens of a sequence (Vaswani et al. 2017, sec. 3.2).

    Each of query, key, value and output is a Linear; heads are consecutive runs of features. Scores are scaled by
    1 / sqrt(features per head).
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["attention"] = "attention"
    heads: int
    query: Linear
    key: Linear
    value: Linear
    output: Linear
    causal: bool = False


Layer = Annotated[
    Linear
    | Conv
    | BatchNorm
    | GroupNorm
    | LayerNorm
    | Activation
    | Pool
    | GlobalPool
    | SetPool
    | Flatten
    | Tokens
    | Raster
    | SelectToken
    | ClassToken
    | PositionTable
    | Add
    | Attention,
    Field(discriminator="kind"),
]
