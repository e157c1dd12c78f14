"""A parameter: a tensor of the checkpoint, seen through a chain of views."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

FORBID_EXTRA = {"extra": "forbid", "allow_inf_nan": False}
"""How a specification is read: no unknown fields, no NaN and no infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transpose:
    """Permutes the axes; `axes[i]` is the old axis that becomes axis i."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["transpose"] = "transpose"
    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape:
    """Gives the elements, in row-major order, another shape."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["reshape"] = "reshape"
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Keeps the positions `start <= i < stop` of one axis."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["slice"] = "slice"
    axis: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Multiplies every element by one number (`Gemm`'s alpha and beta)."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["scale"] = "scale"
    factor: float


View = Annotated[Transpose | Reshape | Slice | Scale, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a layer computes with: tensor `tensor` of the checkpoint after the views, first view first."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    tensor: str
    views: tuple[View, ...] = ()
