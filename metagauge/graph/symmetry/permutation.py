"""Permutations of a network's neurons that leave its function as it is."""

from collections.abc import Mapping

import numpy as np

from metagauge.graph.symmetry.axis import Axis
from metagauge.graph.symmetry.inference import Symmetry


def permutations(symmetry: Symmetry, seed: int) -> Mapping[str, tuple[np.ndarray, ...]]:
    """A random symmetry: for every tensor, an index array for each axis, to be applied as `array[np.ix_(*indices)]`.

    Tensors that share a set of neurons are permuted alike, so that the network computes what it did before.
    """
    generator = np.random.default_rng(seed)
    drawn: dict[Axis, np.ndarray] = {}
    return {
        name: tuple(_permutation(axis, drawn, generator) for axis in axes) for name, axes in symmetry.tensors.items()
    }


def freedom(symmetry: Symmetry) -> int:
    """How many sets of two or more neurons may be permuted."""
    leaves = {each for axes in symmetry.tensors.values() for axis in axes for each in axis.leaves()}
    return sum(not each.pinned for each in leaves)


def _permutation(axis: Axis, drawn: dict[Axis, np.ndarray], generator: np.random.Generator) -> np.ndarray:
    axis = axis.root()
    if axis in drawn:
        return drawn[axis]
    match axis.form:
        case "leaf":
            drawn[axis] = np.arange(axis.size) if axis.pinned else generator.permutation(axis.size)
        case "product":
            index = np.zeros((1,), dtype=np.int64)
            for part in axis.parts:
                own = _permutation(part, drawn, generator)
                index = (index[:, None] * part.size + own[None]).reshape(-1)
            drawn[axis] = index
        case "concat":
            starts = np.cumsum([0, *(part.size for part in axis.parts)])
            pieces = [
                _permutation(part, drawn, generator) + start for part, start in zip(axis.parts, starts, strict=False)
            ]
            drawn[axis] = np.concatenate(pieces)
    return drawn[axis]
