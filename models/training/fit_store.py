"""Fitted metanetworks on disk, so that what the evaluation fitted is what is published, and nothing is fitted twice.

FOLDER/images-KEY.safetensors   learned probe images
FOLDER/METHOD-KEY.safetensors   a metanetwork's tensors

A key names the training networks, the settings and the seed. It does not name the code: empty the folder when what
metanetworks read or compute has changed.
"""

import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file
from torch import nn

from models.probes.images import ProbeSet
from models.training.fingerprint import fingerprint
from models.training.networks import JobNetworks

Module = TypeVar("Module", bound=nn.Module)


class FitStore:
    """A folder of fits; without a folder, everything is fitted."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def images(
        self, networks: Sequence[JobNetworks], settings: object, seed: int, learn: Callable[[], ProbeSet]
    ) -> ProbeSet:
        """Probe images that were learned of these networks, or are learned now."""
        path = self._path("images", networks, settings, seed)
        if path is None:
            return learn()
        if not path.exists():
            _whole(path, lambda partial: save_arrays(dict(learn().tensors()), partial))
        return ProbeSet.from_tensors(load_arrays(path))

    def module(
        self,
        name: str,
        networks: Sequence[JobNetworks],
        settings: object,
        seed: int,
        make: Callable[[], Module],
        fit: Callable[[], Module],
    ) -> Module:
        """What `fit` makes of these networks, in evaluation mode: from the file, or fitted now.

        Args:
            name: Of the kind of module, for people who look at the folder.
            networks: What it is fitted to.
            settings: Everything else that decides what `fit` makes.
            seed: Of the fit.
            make: The module, not fitted.
            fit: Fits it.
        """
        path = self._path(name, networks, settings, seed)
        if path is None:
            return fit()
        if not path.exists():
            _whole(path, lambda partial: save_file(_tensors(fit()), partial))
        with torch.random.fork_rng(devices=()):
            module = make()
        module.load_state_dict(load_file(path))
        return module.eval()

    def _path(self, name: str, networks: Sequence[JobNetworks], settings: object, seed: int) -> Path | None:
        if self._folder is None:
            return None
        key = sha256(repr((fingerprint(networks), settings, seed)).encode()).hexdigest()[:16]
        return self._folder / f"{name}-{key}.safetensors"


def _tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.contiguous() for name, tensor in module.state_dict().items()}


def _whole(path: Path, write: Callable[[Path], None]) -> None:
    """Writes a file that is there only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    write(partial)
    partial.rename(path)
