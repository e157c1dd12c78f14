"""Which tensors of a network are weights: matrices and kernels, rather than biases, norms and tables."""

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.layers import Attention, Conv, Linear


def weight_names(architecture: Architecture) -> tuple[str, ...]:
    """The tensors that linear layers, convolutions and attention multiply by, each once, in execution order."""
    found: list[str] = []
    for operation in architecture.operations:
        match operation.layer:
            case Linear() | Conv() as layer:
                found.append(layer.weight.tensor)
            case Attention() as layer:
                found += [part.weight.tensor for part in (layer.query, layer.key, layer.value, layer.output)]
            case _:
                pass
    return tuple(dict.fromkeys(found))
