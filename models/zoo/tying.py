"""Weights that are made of fewer: the filters of a network that is equivariant to quarter turns.

A group-equivariant convolution (Cohen & Welling 2016, sec. 6, for the group C4) has one filter for each pair of fields,
and uses it in four orientations. Written out it is a plain convolution with four channels for each field, channel =
4 * field + orientation, which is how such networks are exported.
"""

from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor

TURNS = 4
"""Orientations of the group C4."""

Tie = Literal["free", "lift", "turn", "repeat", "average"]
"""How a tensor is made of what is trained:

- free: it is trained itself
- lift: (fields * 4, channels, k, k) of (fields, channels, k, k), in four orientations
- turn: (fields * 4, sources * 4, k, k) of (fields, sources, 4, k, k)
- repeat: (fields * 4,) of (fields,), the same for all orientations
- average: (outputs, sources * 4) of (outputs, sources), reading the mean of the orientations
"""


def trained_shape(shape: tuple[int, ...], tie: Tie) -> tuple[int, ...]:
    """The shape of what is trained, for a tensor of this shape."""
    match tie:
        case "free":
            return shape
        case "lift" | "repeat":
            return (shape[0] // TURNS, *shape[1:])
        case "turn":
            return (shape[0] // TURNS, shape[1] // TURNS, TURNS, *shape[2:])
        case "average":
            return (shape[0], shape[1] // TURNS)
        case _:
            assert_never(tie)


def write_out(trained: Float[Tensor, "population ..."], tie: Tie) -> Float[Tensor, "population ..."]:
    """The tensors that a population of networks computes with."""
    match tie:
        case "free":
            return trained
        case "lift":
            return torch.stack([trained.rot90(turn, (-2, -1)) for turn in range(TURNS)], dim=2).flatten(1, 2)
        case "turn":
            turned = [trained.rot90(turn, (-2, -1)).roll(turn, 3) for turn in range(TURNS)]
            return torch.stack(turned, dim=2).flatten(3, 4).flatten(1, 2)
        case "repeat":
            return trained.repeat_interleave(TURNS, dim=1)
        case "average":
            return trained.repeat_interleave(TURNS, dim=2) / TURNS
        case _:
            assert_never(tie)
