"""What it costs to run a network on an image, told from shapes, before anything is run."""

from collections.abc import Mapping
from math import prod

from torch import Tensor

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.layers import Attention
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import layer_parameters, values
from metagauge.graph.places import hollow

MOST_MULTIPLY_ADDS = 50_000_000
"""For one image. Networks of zoos need up to two million; at this bound all probe images take a second or two."""
MOST_ELEMENTS = 1 << 22
"""Of all values of one image together."""


def is_affordable(architecture: Architecture, tensors: Mapping[str, Tensor]) -> bool:
    """Whether a network may be run while a user waits. tensors: (1, *shape) by name.

    Raises:
        ArchitectureMismatchError: the tensors do not fit the architecture.
    """
    checkpoint = hollow({name: tuple(tensor.shape[1:]) for name, tensor in tensors.items()})
    known = values(architecture, lambda parameter: parameter_shape(parameter, checkpoint))
    work = elements = 0
    for operation in architecture.operations:
        value = known[operation.name]
        weights = sum(prod(parameter_shape(each, checkpoint)) for each in layer_parameters(operation.layer))
        mixing = 2 * value.positions**2 * value.features if isinstance(operation.layer, Attention) else 0
        work += weights * value.positions + mixing
        elements += value.positions * value.features
    return work <= MOST_MULTIPLY_ADDS and elements <= MOST_ELEMENTS
