"""Operators without inputs: where the values of a dataflow come from."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from metagauge.architecture.parameter import FORBID_EXTRA

NumberKind = Literal["float", "int", "bool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the caller gives: one sample, batch axis of one included where the network has one."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["given"] = "given"
    shape: tuple[int, ...]
    numbers: NumberKind = "float"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """A tensor of the checkpoint, as it is stored."""

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["weight"] = "weight"
    tensor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """Numbers that belong to the wiring, such as a mask: `data` is base64 of the zlib-compressed little-endian array.

    `literal.py` packs and unpacks it.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["constant"] = "constant"
    dtype: Literal["float32", "float64", "int64", "bool"]
    shape: tuple[int, ...]
    data: str
