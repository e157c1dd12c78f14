"""A module's tensors by name, as a checkpoint holds them."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import nn

from metagauge.checkpoint.dtypes import ELEMENT_TYPES, view_stored
from metagauge.checkpoint.tensor import Tensor

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def tensors_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers, those that a state dict leaves out included; a shared one comes under all its names."""
    state = {name: tensor for name, tensor in module.state_dict().items() if isinstance(tensor, torch.Tensor)}
    others = (*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False))
    return {**state, **{name: tensor.detach() for name, tensor in others if name not in state}}


def shared_names(tensors: dict[str, torch.Tensor]) -> dict[str, str]:
    """Every name, and the first name of the same tensor: tied weights are stored once."""
    first: dict[tuple[object, ...], str] = {}
    names = {}
    for name, tensor in tensors.items():
        place = (tensor.device, tensor.dtype, tensor.data_ptr(), tensor.shape, tensor.stride())
        names[name] = first.setdefault(place, name) if tensor.numel() else name
    return names


def stored(name: str, tensor: torch.Tensor) -> Tensor | None:
    """The tensor as a checkpoint would give it; None for types that no network computes with."""
    dtype = _DTYPES.get(tensor.dtype)
    if dtype is None:
        return None
    return Tensor(name=name, dtype=dtype, shape=tuple(tensor.shape), load=partial(_array, tensor, dtype))


def _array(tensor: torch.Tensor, dtype: str) -> np.ndarray:
    content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return view_stored(content.data, ELEMENT_TYPES[dtype], tuple(tensor.shape))


def file_tensors(module: nn.Module, used: Mapping[str, Tensor]) -> dict[str, torch.Tensor]:
    """What a file of `module` holds: its state dict, shared tensors once, and all that is `used` besides."""
    own = tensors_of(module)
    names = shared_names(own)
    kept = {names[name] for name in module.state_dict() if name in own}
    tensors = {name: own[name] for name in own if name in kept or name in used}
    constants = {name: torch.from_numpy(used[name].array().copy()) for name in used if name not in own}
    # One memory may hold several tensors that overlap, which no file can say.
    return {
        name: tensor.detach().clone(memory_format=torch.contiguous_format)
        for name, tensor in (tensors | constants).items()
    }
