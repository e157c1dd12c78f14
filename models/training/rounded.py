"""What is learned, as it is stored."""

from typing import TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)


@torch.no_grad()
def rounded(module: Module) -> Module:
    """The module with its learned numbers rounded to float16, so that what is measured is what is published."""
    for parameter in module.parameters():
        parameter.copy_(parameter.half().float())
    return module
