"""How much of a checkpoint an architecture uses."""

import numpy as np

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.parameter import Parameter, Scale, Slice
from metagauge.architecture.resolve import apply_view
from metagauge.architecture.values import layer_parameters
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.digest import parameter_count


def parameters_of(architecture: Architecture) -> tuple[Parameter, ...]:
    """Every parameter once, in the order of the layers; a tied one appears where it is used first."""
    found = (parameter for operation in architecture.operations for parameter in layer_parameters(operation.layer))
    return tuple(dict.fromkeys(found))


def coverage(architecture: Architecture, checkpoint: Checkpoint) -> float:
    """The share of the checkpoint's parameters that `architecture` uses, between 0 and 1.

    Parameters are the elements of the tensors which `Tensor.is_parameter` tells and which are not the architecture's
    constants. Of a tensor that is used in slices those elements count that are in a slice, each once. A checkpoint
    without parameters is covered by anything.

    Raises:
        ArchitectureMismatchError: the architecture does not fit the checkpoint.
    """
    used: dict[str, list[Parameter]] = {}
    for parameter in parameters_of(architecture):
        if checkpoint.tensor(parameter.tensor).is_parameter:
            used.setdefault(parameter.tensor, []).append(parameter)
    # A copy of a checkpoint that holds what the layers use need not have the constants.
    names = (name for name in architecture.constants if name not in used and name in checkpoint.tensors)
    constants = (checkpoint.tensors[name] for name in names)
    total = parameter_count(checkpoint) - sum(tensor.size for tensor in constants if tensor.is_parameter)
    return sum(_elements(parameters, checkpoint) for parameters in used.values()) / total if total else 1.0


def _elements(parameters: list[Parameter], checkpoint: Checkpoint) -> int:
    """How many elements of one tensor its parameters show."""
    tensor = checkpoint.tensor(parameters[0].tensor)
    if any(not any(isinstance(view, Slice) for view in parameter.views) for parameter in parameters):
        return tensor.size
    places = np.arange(tensor.size, dtype=np.int64).reshape(tensor.shape)
    is_shown = np.zeros(tensor.size, dtype=bool)
    for parameter in parameters:
        shown = places
        for view in parameter.views:
            if not isinstance(view, Scale):
                shown = apply_view(shown, view, tensor.name)
        is_shown[shown.ravel()] = True
    return int(is_shown.sum())


def unused_tensors(architecture: Architecture, checkpoint: Checkpoint) -> tuple[str, ...]:
    """Names of the checkpoint's parameters that `architecture` never mentions, in the order of the checkpoint."""
    used = {parameter.tensor for parameter in parameters_of(architecture)}
    return tuple(name for name, tensor in checkpoint.tensors.items() if tensor.is_parameter and name not in used)
