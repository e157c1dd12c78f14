"""Hidden neurons in another order: the same function."""

from collections.abc import Mapping

import numpy as np

from metagauge.architecture.architecture import Architecture
from models.transforms.orbits import Orbit, Orbits
from models.transforms.transform import Changed, NotApplicableError


def permute(architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator) -> Changed:
    """Draws an order for every orbit; the groups of a norm and the heads of an attention move as a whole.

    Raises:
        NotApplicableError: no neuron may be moved, or a tensor is shared.
    """
    orbits = Orbits(architecture, tensors)
    changed = dict(tensors)
    drawn: dict[str, np.ndarray] = {}
    head_orders: dict[str, np.ndarray] = {}
    for use in orbits.uses:
        name, orbit = orbits.name(use.orbit), orbits.of(use.orbit)
        if orbit.is_fixed:
            continue
        if name not in drawn:
            head_order = head_orders.setdefault(orbit.heads_of or name, rng.permutation(orbit.runs))
            drawn[name] = _neurons(orbit, head_order, rng)
        changed[use.tensor] = changed[use.tensor].take(use.spread(drawn[name], orbit.size), axis=use.axis)
    if all((order[:-1] < order[1:]).all() for order in drawn.values()):
        raise NotApplicableError("no hidden neuron can be moved")
    return architecture, changed


def _neurons(orbit: Orbit, run_order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    width = orbit.size // orbit.runs
    return np.concatenate([run * width + rng.permutation(width) for run in run_order])
