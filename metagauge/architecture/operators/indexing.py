"""Operators whose second input says which elements; negative indices count from the end, as ONNX's do."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from metagauge.architecture.parameter import FORBID_EXTRA

ScatterReduction = Literal["replace", "add", "multiply", "maximum", "minimum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Of (data, indices): the indices' shape takes the place of one axis. Embeddings are gathers of a table's rows."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["gather"] = "gather"
    axis: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherElements:
    """Of (data, indices), of one rank: `out[i, j] = data[indices[i, j], j]` for axis 0."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["gather_elements"] = "gather_elements"
    axis: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherND:
    """Of (data, indices): the last axis of the indices is a place in data, behind `batch_axes` shared axes."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["gather_nd"] = "gather_nd"
    batch_axes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScatterElements:
    """Of (data, indices, updates): data with `data[indices[i, j], j]` set to `updates[i, j]`, for axis 0."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["scatter_elements"] = "scatter_elements"
    axis: int
    reduction: ScatterReduction = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScatterND:
    """Of (data, indices, updates): data with the places that the indices' last axis names set to the updates."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["scatter_nd"] = "scatter_nd"
    reduction: ScatterReduction = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneHot:
    """Of (indices): a new axis of size `depth`, `on` at the index and `off` elsewhere."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["one_hot"] = "one_hot"
    axis: int
    depth: int
    on: float = 1.0
    off: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Triangle:
    """The upper or lower triangle of the last two axes, zeros elsewhere."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["triangle"] = "triangle"
    upper: bool
    diagonal: int = 0
