"""Hidden neurons that say more and are listened to less: the same function, by other weights."""

from collections.abc import Mapping

import numpy as np

from metagauge.architecture.architecture import Architecture
from models.transforms.orbits import Orbits
from models.transforms.transform import Changed, NotApplicableError

LEAST, MOST = 0.1, 10.0
"""Range of the factors."""


def rescale(architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator) -> Changed:
    """Multiplies each neuron by a factor, log-uniform in LEAST to MOST, and divides the weights that read it by that.

    It acts where what lies between two layers is positively homogeneous: ReLU, leaky ReLU, nothing, pooling and
    flattening (Neyshabur et al. 2015, sec. 2). Neurons that a sum adds up have one factor; a norm's scale and shift
    are what makes the neurons after it.

    Raises:
        NotApplicableError: no neuron may be scaled, or a tensor is shared.
    """
    orbits = Orbits(architecture, tensors, "scale")
    changed = dict(tensors)
    drawn: dict[str, np.ndarray] = {}
    for use in orbits.uses:
        name, orbit = orbits.name(use.orbit), orbits.of(use.orbit)
        if orbit.is_fixed:
            continue
        if name not in drawn:
            drawn[name] = np.exp(rng.uniform(np.log(LEAST), np.log(MOST), orbit.size))
        factors = drawn[name][use.neurons(orbit.size)]
        shape = [-1 if axis == use.axis else 1 for axis in range(changed[use.tensor].ndim)]
        power = -1 if use.reads else 1
        changed[use.tensor] = (changed[use.tensor] * (factors**power).reshape(shape)).astype(np.float32)
    if not drawn:
        raise NotApplicableError("no hidden neuron can be scaled")
    return architecture, changed
