"""How much of a checkpoint an architecture uses."""

from math import prod

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import layer_parameters
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.digest import parameter_count


def parameters_of(architecture: Architecture) -> tuple[Parameter, ...]:
    """Every parameter once, in the order of the layers; a tied one appears where it is used first."""
    found = (parameter for operation in architecture.operations for parameter in layer_parameters(operation.layer))
    return tuple(dict.fromkeys(found))


def coverage(architecture: Architecture, checkpoint: Checkpoint) -> float:
    """The share of the checkpoint's parameters that `architecture` uses, between 0 and 1.

    Parameters are the elements of the tensors which `Tensor.is_parameter` tells. A tensor that is used in slices counts
    by the sizes of its slices, and never for more than it has. A checkpoint without parameters is covered by anything.

    Raises:
        ArchitectureMismatchError: the architecture does not fit the checkpoint.
    """
    used: dict[str, int] = {}
    for parameter in parameters_of(architecture):
        if checkpoint.tensor(parameter.tensor).is_parameter:
            size = prod(parameter_shape(parameter, checkpoint))
            used[parameter.tensor] = used.get(parameter.tensor, 0) + size
    total = parameter_count(checkpoint)
    return sum(min(size, checkpoint.tensor(name).size) for name, size in used.items()) / total if total else 1.0


def unused_tensors(architecture: Architecture, checkpoint: Checkpoint) -> tuple[str, ...]:
    """Names of the checkpoint's parameters that `architecture` never mentions, in the order of the checkpoint."""
    used = {parameter.tensor for parameter in parameters_of(architecture)}
    return tuple(name for name, tensor in checkpoint.tensors.items() if tensor.is_parameter and name not in used)
