"""Reading a grid between its points: spatial parameter grids, triplanes, flow fields, deformable layers."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from metagauge.architecture.parameter import FORBID_EXTRA


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Of (x, points): x (batch, channels, *positions) where the points (batch, *where, axes) say, from -1 to 1.

    A point's numbers name the last position axis first. The result is (batch, channels, *where), as ONNX's GridSample
    defines it: with `corners`, -1 and 1 are the middles of the outermost elements, else their outer edges.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["sample"] = "sample"
    mode: Literal["linear", "nearest", "cubic"] = "linear"
    outside: Literal["zeros", "border", "reflection"] = "zeros"
    corners: bool = False
