"""WeightWatcher's alpha: how heavy the tails of the layers' spectra are. Nothing is trained."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import WIRING
from models import features
from models.graph_tensors import BlockTensors
from models.training.networks import JobNetworks

LEAST_EIGENVALUES = 10
"""Layers with fewer are left out. WeightWatcher asks for 50, which few layers of small networks have."""
LEAST_TAIL = 5
"""Eigenvalues that a power law is fitted to, at least."""
_VECTORS = frozenset(
    features.ROLES.index(role) for role in (*WIRING, "bias", "norm_scale", "norm_shift") if role in features.ROLES
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alpha:
    """Ranks networks by the mean exponent of their layers' spectra (Martin, Peng & Mahoney 2021): less is better.

    With `weighted`, each exponent is multiplied by the logarithm to base ten of the layer's largest eigenvalue, which
    is their metric for models of different depth and size. As there, the eigenvalues of a convolution are those of
    the matrices at its kernel's positions, taken together.
    """

    weighted: bool = False

    def fit(self, train: Sequence[JobNetworks], seed: int) -> "Alpha":
        """Nothing is fitted."""
        del train, seed
        return self

    def predict(self, networks: Sequence[JobNetworks]) -> Float[np.ndarray, " snapshots"]:
        """The metric with its sign turned. Networks without a layer that is large enough get the others' median."""
        found = np.concatenate([self._metric(job) for job in networks])
        known = np.isfinite(found)
        return np.where(known, found, np.median(found[known]) if known.any() else 0.0)

    def _metric(self, job: JobNetworks) -> Float[np.ndarray, " networks"]:
        layers = [spectra for block in job.written.blocks if (spectra := eigenvalues(block)) is not None]
        if not layers:
            return np.full(len(job.entries), np.nan)
        return -np.mean([[self._of_layer(spectrum) for spectrum in layer] for layer in layers], axis=0)

    def _of_layer(self, spectrum: Float[np.ndarray, " eigenvalues"]) -> float:
        alpha = exponent(spectrum)
        return alpha * float(np.log10(spectrum[-1])) if self.weighted else alpha


def eigenvalues(block: BlockTensors) -> Float[np.ndarray, "networks eigenvalues"] | None:
    """Squared singular values of a layer's matrices, from least to largest; None for vectors and layers too small."""
    role = int(block.static[: len(features.ROLES)].argmax())
    _, groups, outputs, inputs, positions = block.weight.shape
    if role in _VECTORS or groups * positions * min(outputs, inputs) < LEAST_EIGENVALUES or min(outputs, inputs) < 2:
        return None
    matrices: Tensor = block.weight.movedim(4, 2).double()  # (networks, groups, positions, outputs, inputs)
    return torch.linalg.svdvals(matrices).square().flatten(1).sort(dim=1).values.clamp_min(1e-12).numpy()


def exponent(spectrum: Float[np.ndarray, " eigenvalues"]) -> float:
    """The exponent of the power law that the largest values follow (Clauset, Shalizi & Newman 2009, sec. 3).

    For every start of the tail the exponent is the one of most likelihood, 1 + n / sum(log(value / start)); that start
    is taken where the tail and its law are the closest in Kolmogorov's and Smirnov's distance.

    Args:
        spectrum: Positive numbers from least to largest, more than LEAST_TAIL.
    """
    logs = np.log(spectrum)
    starts = np.arange(len(logs) - LEAST_TAIL + 1)
    counts = len(logs) - starts
    above = np.cumsum(logs[::-1])[::-1][starts] - counts * logs[starts]  # the sum of log(value / start)
    alphas = 1 + counts / np.maximum(above, 1e-9)
    ranks = np.arange(len(logs)) - starts[:, None]  # (starts, values): how many of the tail are smaller
    laws = 1 - np.exp(-(alphas[:, None] - 1) * (logs - logs[starts][:, None]).clip(min=0))
    gaps = np.maximum(abs(ranks / counts[:, None] - laws), abs((ranks + 1) / counts[:, None] - laws))
    return float(alphas[np.where(ranks >= 0, gaps, 0).max(axis=1).argmin()])
