"""Operators that only move elements. Sizes are final numbers: a dataflow computes one sample."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from metagauge.architecture.parameter import FORBID_EXTRA


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape:
    """The elements, in row-major order, in another shape."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["reshape"] = "reshape"
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transpose:
    """`axes[i]` is the old axis that becomes axis i."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["transpose"] = "transpose"
    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """`count` elements of one axis: start, start + step, ...; a negative step goes backwards."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["slice"] = "slice"
    axis: int
    start: int
    count: int
    step: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Expand:
    """Axes of size one repeated, and new ones in front: numpy's broadcast_to."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["expand"] = "expand"
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat:
    """The inputs one behind the other along an axis."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["concat"] = "concat"
    axis: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pad:
    """`widths` is (before, after) for every axis; negative ones crop. `value` is the constant."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["pad"] = "pad"
    widths: tuple[tuple[int, int], ...]
    mode: Literal["constant", "reflect", "edge", "wrap"] = "constant"
    value: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """Resamples axes to `shape`; fields as ONNX's Resize, `scales` one for every axis."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["resize"] = "resize"
    shape: tuple[int, ...]
    scales: tuple[float, ...]
    mode: Literal["nearest", "linear", "cubic"] = "nearest"
    coordinates: Literal[
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"
    ] = "half_pixel"
    rounding: Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] = "round_prefer_floor"
    cubic: float = -0.75
