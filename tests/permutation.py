"""Networks with their hidden neurons in another order, and such that are only half way there."""

from collections.abc import Mapping
from math import prod

import numpy as np

from metagauge.architecture.architecture import Architecture
from models.transforms import permute as whole
from models.transforms.orbits import Orbits
from models.transforms.transform import Tensors

__all__ = ["Tensors", "moved", "permute"]


def permute(
    architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator, *, one_side: bool = False
) -> Tensors:
    """The same function with its hidden neurons in another order; another function if only `one_side` is permuted.

    One side are the tensors that do not read hidden neurons.
    """
    _, permuted = whole.permute(architecture, tensors, rng)
    orbits = Orbits(architecture, tensors)
    reading = {use.tensor for use in orbits.uses if use.reads and not orbits.of(use.orbit).is_fixed}
    return {name: tensors[name] if one_side and name in reading else permuted[name] for name in tensors}


def moved(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]) -> float:
    """The share of elements that a permutation put elsewhere."""
    changed = sum(int((before[name] != after[name]).sum()) for name in before)
    return changed / sum(prod(tensor.shape) for tensor in before.values())
