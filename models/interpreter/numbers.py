"""The three kinds of numbers of a dataflow as torch types, and what an operator's inputs have to be."""

from collections.abc import Sequence

import torch
from torch import Tensor

from metagauge.errors import ArchitectureMismatchError

Inputs = Sequence[Tensor | None]
"""What an operator reads; None is an input left out."""


def widen(tensor: Tensor) -> Tensor:
    """Floats of less than 32 bits as float32, integers as int64; truth values, float32 and float64 as they are."""
    if tensor.dtype in (torch.float32, torch.float64, torch.int64, torch.bool):
        return tensor
    return tensor.float() if tensor.is_floating_point() else tensor.long()


def numeric(tensor: Tensor) -> Tensor:
    """Truth values as the integers 0 and 1."""
    return tensor.long() if tensor.dtype == torch.bool else tensor


def floating(tensor: Tensor) -> Tensor:
    """Integers and truth values as float32."""
    return tensor if tensor.is_floating_point() else tensor.float()


def alike(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Numbers of one type, the widest of them."""
    dtype = torch.int64
    for tensor in tensors:
        dtype = torch.promote_types(dtype, tensor.dtype)
    return [tensor.to(dtype) for tensor in tensors]


def required(inputs: Inputs, count: int) -> list[Tensor]:
    """The first `count` inputs, which all have to be there.

    Raises:
        ArchitectureMismatchError: one is missing.
    """
    present = [tensor for tensor in inputs[:count] if tensor is not None]
    if len(present) != count:
        message = f"an operator that reads {count} values was given {len(present)}"
        raise ArchitectureMismatchError(message)
    return present


def only(inputs: Inputs) -> Tensor:
    """The one input of an operator of one value."""
    return required(inputs, 1)[0]


def optional(inputs: Inputs, place: int) -> Tensor | None:
    """An input that may be left out."""
    return inputs[place] if place < len(inputs) else None
