"""Hidden neurons of a dataflow in another order: the same function."""

from collections.abc import Mapping

import numpy as np

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.shapes import shapes
from metagauge.graph.symmetry.inference import infer_symmetry
from metagauge.graph.symmetry.permutation import freedom, permutations
from models.transforms.transform import NotApplicableError, Tensors


def permute_flow(dataflow: Dataflow, tensors: Mapping[str, np.ndarray], rng: np.random.Generator) -> Tensors:
    """The tensors after a random element of the dataflow's symmetry.

    Raises:
        NotApplicableError: no neuron may be moved.
    """
    symmetry = infer_symmetry(dataflow, shapes(dataflow, lambda name: tensors[name].shape))
    if not freedom(symmetry):
        raise NotApplicableError("no hidden neuron can be moved")
    moved = permutations(symmetry, int(rng.integers(2**31)))
    return {name: array[np.ix_(*moved[name])] if name in moved else array for name, array in tensors.items()}
