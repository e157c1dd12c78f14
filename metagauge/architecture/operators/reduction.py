"""Operators that combine the elements of an axis, or of windows."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from metagauge.architecture.parameter import FORBID_EXTRA

ReduceFunction = Literal["sum", "mean", "max", "min", "product", "l1", "l2", "sum_square", "log_sum", "log_sum_exp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce:
    """One number for all elements along the axes, which are kept with size one if `keep`."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["reduce"] = "reduce"
    function: ReduceFunction
    axes: tuple[int, ...]
    keep: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax:
    """`exp(x) / sum(exp(x))` along an axis, or its logarithm."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["softmax"] = "softmax"
    axis: int
    logarithm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardise:
    """`(x - mean) / sqrt(variance + epsilon)` over the axes; without `centred`, `x / sqrt(mean(x ** 2) + epsilon)`.

    The core of layer, group and instance norm (Ba et al. 2016; Wu and He 2018) and of RMS norm (Zhang and Sennrich
    2019). Scale and shift are operators of their own.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["standardise"] = "standardise"
    axes: tuple[int, ...]
    epsilon: float
    centred: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalNorm:
    """Local response normalisation over neighbouring channels (Krizhevsky et al. 2012), as ONNX's LRN."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["local_norm"] = "local_norm"
    size: int
    alpha: float
    beta: float
    bias: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPool:
    """Windows of the positions of x (batch, channels, *positions): max, mean or l2 norm.

    `padding` is (before, after). With `ceil` a last window may begin inside and end outside. `count_padding`: whether a
    mean counts padded positions.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["window_pool"] = "window_pool"
    reduction: Literal["max", "mean", "l2"]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    ceil: bool = False
    count_padding: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulate:
    """Running sum along an axis."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["accumulate"] = "accumulate"
    axis: int
    exclusive: bool = False
    reverse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme:
    """Index of the largest or smallest element along an axis; the first one if several."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["extreme"] = "extreme"
    axis: int
    largest: bool = True
    keep: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TopK:
    """The `count` largest (or smallest) elements along an axis, sorted, and their indices: two outputs."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["top_k"] = "top_k"
    axis: int
    count: int
    largest: bool = True
