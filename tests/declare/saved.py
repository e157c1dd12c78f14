"""Modules through a file: saved, read and inferred."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.infer import infer
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.declare.save import save
from tests.declare.modules import MODULES
from tests.networks import IMAGE_SHAPE, built, networks

EVERY_NAME = (*networks(), *MODULES)


def module(name: str) -> nn.Module:
    """The module called `name`, always with the same weights."""
    if name in MODULES:
        torch.manual_seed(0)
        return MODULES[name]().eval()
    return built(name)


@cache
def through_file(name: str) -> tuple[Checkpoint, Architecture]:
    """The module called `name` as the service gets to know it."""
    return saved(module(name))


def saved(network: nn.Module) -> tuple[Checkpoint, Architecture]:
    """A module that reads images, as the service gets to know it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        save(network, IMAGE_SHAPE, path)
        checkpoint = read(path, Limits())
    return checkpoint, infer(checkpoint, None)
