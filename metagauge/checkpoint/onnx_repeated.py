"""Weights of which a model only says shape and one number: `ConstantOfShape` where a layer reads its weight.

Test models are published so, to be small: the weights of a VGG-19 in six kilobytes. Such a weight is a tensor here,
one number repeated, that takes no memory.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from math import prod

import numpy as np

from metagauge.checkpoint.dtypes import is_addressable
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.program import Node
from metagauge.checkpoint.tensor import Tensor
from metagauge.errors import LimitExceededError

_WEIGHT_INPUTS: Mapping[str, tuple[int, ...]] = {
    "Conv": (1,),
    "ConvTranspose": (1,),
    "Gemm": (1,),
    "BatchNormalization": (1, 2, 3, 4),
    "InstanceNormalization": (1, 2),
    "LSTM": (1, 2),
    "GRU": (1, 2),
    "RNN": (1, 2),
}
"""Where layers read what training gave them; elsewhere a repeated number is a mask, a filler or an initial state."""


def repeated_weights(nodes: Sequence[Node], tensors: Mapping[str, Tensor], limits: Limits) -> Mapping[str, Tensor]:
    """Tensors for the outputs of `ConstantOfShape` nodes, if a layer of the model has one as its weight.

    A model with one such weight has them all so; then biases and scales written this way are taken as well.

    Raises:
        LimitExceededError: they have more elements than `limits` allows.
    """
    found = {
        tensor.name: tensor
        for node in nodes
        if node.operator == "ConstantOfShape" and not node.domain
        if (tensor := _repeated(node, tensors, limits)) is not None
    }
    if not any(name in found for node in nodes for name in _weights_of(node)):
        return {}
    total = sum(tensor.size for tensor in found.values())
    if total > limits.repeated_elements:
        message = f"the model repeats single numbers to weights of {total} elements"
        raise LimitExceededError(f"{message}; the limit is {limits.repeated_elements}")
    return found


def _weights_of(node: Node) -> list[str]:
    places = () if node.domain else _WEIGHT_INPUTS.get(node.operator, ())
    return [node.inputs[place] for place in places if place < len(node.inputs)]


def _repeated(node: Node, tensors: Mapping[str, Tensor], limits: Limits) -> Tensor | None:
    """The output of a `ConstantOfShape` as a tensor, if it is one of floats in a known shape with elements."""
    fill = tensors.get(node.tensors.get("value", ""))
    sizes = tensors.get(node.inputs[0]) if len(node.inputs) == 1 else None
    if sizes is None or fill is None or len(node.outputs) != 1 or not fill.is_float or fill.size != 1:
        return None
    if sizes.dtype != "I64" or len(sizes.shape) != 1 or sizes.size > limits.rank:
        return None
    shape = tuple(int(size) for size in sizes.array())
    if min(shape, default=0) < 1 or not is_addressable(shape) or prod(shape) < 2:
        return None
    return Tensor(name=node.outputs[0], dtype=fill.dtype, shape=shape, load=partial(_broadcast, fill, shape))


def _broadcast(fill: Tensor, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(fill.array().reshape(()), shape)
