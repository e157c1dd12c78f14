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

import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file

from models.metanetworks.config import AnyConfig, OneMetanetwork, make
from models.probes.images import ProbeSet
from models.training.fingerprint import fingerprint
from models.training.networks import JobNetworks


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

    def metanetwork(
        self,
        model: AnyConfig,
        networks: Sequence[JobNetworks],
        settings: object,
        seed: int,
        fit: Callable[[], OneMetanetwork],
    ) -> OneMetanetwork:
        """A metanetwork in evaluation mode that was fitted to these networks, or is fitted now."""
        path = self._path(model.messages, networks, (model, settings), seed)
        if path is None:
            return fit()
        if not path.exists():
            _whole(path, lambda partial: save_file(_tensors(fit()), partial))
        with torch.random.fork_rng(devices=()):
            metanetwork = make(model)
        metanetwork.load_state_dict(load_file(path))
        return metanetwork.eval()

    def _path(self, name: str, networks: Sequence[JobNetworks], settings: object, seed: int) -> Path | None:
        if self._folder is None:
            return None
        key = sha256(repr((fingerprint(networks), settings, seed)).encode()).hexdigest()[:16]
        return self._folder / f"{name}-{key}.safetensors"


def _tensors(metanetwork: OneMetanetwork) -> dict[str, torch.Tensor]:
    return {name: tensor.contiguous() for name, tensor in metanetwork.state_dict().items()}


def _whole(path: Path, write: Callable[[Path], None]) -> None:
    """Writes a file that is there only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    write(partial)
    partial.rename(path)
