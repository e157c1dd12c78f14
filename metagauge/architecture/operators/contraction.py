"""Sums of products: everything from a linear layer to attention."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from metagauge.architecture.parameter import FORBID_EXTRA


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """Einstein summation of one or more inputs, times `factor`.

    `equation` is numpy's: lower- and upper-case letters, one for each axis, no ellipsis, `->` and the output's letters.
    No letter occurs twice in one operand. An axis of size one is never broadcast.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["contract"] = "contract"
    equation: str
    factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolve:
    """Of (x, weight) or (x, weight, bias): convolution of x (batch, channels, *positions).

    weight is PyTorch's: (outputs, inputs / groups, *kernel), and (inputs, outputs / groups, *kernel) if `transposed`.
    `padding` is (before, after) for each position axis; for a transposed one it is cut off, and `extra` added after.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    kind: Literal["convolve"] = "convolve"
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1
    transposed: bool = False
    extra: tuple[int, ...] = ()
