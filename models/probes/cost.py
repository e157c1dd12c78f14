"""What it costs to run a network on an image, told from shapes, before anything is run."""

from collections.abc import Mapping, Sequence
from math import prod

from torch import Tensor

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.layers import Attention, Conv, Layer, Pool
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import Value, layer_parameters, values
from metagauge.graph.places import hollow

MOST_MULTIPLY_ADDS = 128_000_000
"""For one image. Networks of zoos need up to two million, 64 times as many when widened eightfold; at this bound
all probe images take a second or two on one core."""
MOST_ELEMENTS = 1 << 20
"""Of all values of one image together."""
READ_COST = 8
"""What a number costs, in multiply-adds, that is read by a window, by attention or by a grouped convolution: of these a
core does 1 to 6 billion a second, of the multiply-adds of matrix products 50 (8 images of 32 x 32, PyTorch 2.13)."""


def is_affordable(architecture: Architecture, tensors: Mapping[str, Tensor]) -> bool:
    """Whether a network may be run while a user waits. tensors: (1, *shape) by name.

    Raises:
        ArchitectureMismatchError: the tensors do not fit the architecture.
    """
    checkpoint = hollow({name: tuple(tensor.shape[1:]) for name, tensor in tensors.items()})
    known = values(architecture, lambda parameter: parameter_shape(parameter, checkpoint))
    work = elements = 0
    for operation in architecture.operations:
        value, sources = known[operation.name], [known[name] for name in operation.inputs]
        weights = sum(prod(parameter_shape(each, checkpoint)) for each in layer_parameters(operation.layer))
        work += _work(operation.layer, weights, value) * value.positions
        elements += value.positions * value.features + beside(operation.layer, value, sources)
    return work <= MOST_MULTIPLY_ADDS and elements <= MOST_ELEMENTS


def beside(layer: Layer, value: Value, sources: Sequence[Value]) -> int:
    """Numbers that computing `value` of `sources` takes besides both: padded maps, and what attention mixes."""
    match layer:
        case Conv() | Pool() if any(size for pair in layer.padding for size in pair):
            (source,) = sources
            around = zip(source.shape[1:], layer.padding, strict=True)
            return source.features * prod(size + before + after for size, (before, after) in around)
        case Attention():
            return 4 * value.positions * value.features
        case _:
            return 0


def _work(layer: Layer, weights: int, value: Value) -> int:
    """Multiply-adds that one position of a value takes, or what takes as long."""
    match layer:
        case Pool():
            return READ_COST * value.features * prod(layer.kernel)
        case Attention():
            return weights + READ_COST * 2 * value.positions * value.features
        case Conv() if layer.groups > 1:
            return READ_COST * weights
        case _:
            return weights
