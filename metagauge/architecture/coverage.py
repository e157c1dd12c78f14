"""How much of a checkpoint an architecture uses."""

import numpy as np

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.network import Network
from metagauge.architecture.operators.control import Opaque
from metagauge.architecture.operators.source import Weight
from metagauge.architecture.parameter import Parameter, Scale, Slice
from metagauge.architecture.quantised_weights import QuantisedWeights, quantised_weights
from metagauge.architecture.resolve import apply_view
from metagauge.architecture.values import layer_parameters
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.digest import parameter_count


def parameters_of(architecture: Architecture) -> tuple[Parameter, ...]:
    """Every parameter once, in the order of the layers; a tied one appears where it is used first."""
    found = (parameter for operation in architecture.operations for parameter in layer_parameters(operation.layer))
    return tuple(dict.fromkeys(found))


def tensors_of(dataflow: Dataflow) -> tuple[str, ...]:
    """Names of the tensors that a dataflow reads, each once, in the order of its steps."""
    return tuple(dict.fromkeys(step.operator.tensor for step in dataflow.steps if isinstance(step.operator, Weight)))


def understood_tensors(dataflow: Dataflow) -> tuple[str, ...]:
    """Those of its tensors that something else than an opaque operator reads."""
    known: dict[str, str] = {}
    opaque: dict[str, None] = {}
    found: dict[str, None] = {}
    for step in dataflow.steps:
        if isinstance(step.operator, Weight):
            known[step.outputs[0]] = step.operator.tensor
        for name in step.inputs:
            if name in known:
                (opaque if isinstance(step.operator, Opaque) else found)[known[name]] = None
    returned = (known[name] for name in dataflow.outputs if name in known)
    return tuple(dict.fromkeys((*found, *returned)))


def coverage(network: Network, checkpoint: Checkpoint) -> float:
    """The share of the checkpoint's parameters that the network's structure accounts for, between 0 and 1.

    Parameters are what `count_parameters` counts. Of a tensor that layers use in slices those elements count that are
    in a slice, each once. What only opaque operators read does not count. A checkpoint without parameters is covered
    by anything.

    Raises:
        ArchitectureMismatchError: the network does not fit the checkpoint.
    """
    if isinstance(network, Dataflow):
        integers = quantised_weights(network, checkpoint)
        names = {name for name in understood_tensors(network) if checkpoint.tensor(name).is_parameter}
        used = sum(checkpoint.tensor(name).size for name in names - integers.scales) + sum(integers.known.values())
        total = _total(names, network, checkpoint, integers)
    else:
        shown = _shown(network, checkpoint)
        used = sum(_elements(parameters, checkpoint) for parameters in shown.values())
        total = _total(set(shown), network, checkpoint, QuantisedWeights())
    return used / total if total else 1.0


def count_parameters(network: Network, checkpoint: Checkpoint) -> int:
    """How many parameters the checkpoint holds, by what its network does with it.

    The elements of its float tensors which `Tensor.is_parameter` tells, the network's constants aside, and those of
    integer tensors that are weights, unpacked where several are in a byte; of these not the scales and zero points.
    """
    if isinstance(network, Dataflow):
        integers = quantised_weights(network, checkpoint)
        names = {name for name in understood_tensors(network) if checkpoint.tensor(name).is_parameter}
        return _total(names, network, checkpoint, integers)
    return _total(set(_shown(network, checkpoint)), network, checkpoint, QuantisedWeights())


def _shown(architecture: Architecture, checkpoint: Checkpoint) -> dict[str, list[Parameter]]:
    """The parameters of the layers by their tensors."""
    used: dict[str, list[Parameter]] = {}
    for parameter in parameters_of(architecture):
        if checkpoint.tensor(parameter.tensor).is_parameter:
            used.setdefault(parameter.tensor, []).append(parameter)
    return used


def _total(used: set[str], network: Network, checkpoint: Checkpoint, integers: QuantisedWeights) -> int:
    """All parameters that are not constants, nor scales of integers."""
    # A copy of a checkpoint that holds what the layers use need not have the constants.
    constants = {name for name in network.constants if name not in used and name in checkpoint.tensors}
    aside = (checkpoint.tensors[name] for name in constants | integers.scales)
    floats = parameter_count(checkpoint) - sum(tensor.size for tensor in aside if tensor.is_parameter)
    return floats + sum(integers.known.values()) + sum(integers.opaque.values())


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


def unused_tensors(network: Network, checkpoint: Checkpoint) -> tuple[str, ...]:
    """Names of the checkpoint's parameters that the network never mentions, in the order of the checkpoint."""
    used = set(
        tensors_of(network)
        if isinstance(network, Dataflow)
        else (parameter.tensor for parameter in parameters_of(network))
    )
    return tuple(name for name, tensor in checkpoint.tensors.items() if tensor.is_parameter and name not in used)
