"""A parameter graph of layers as a network again, so that what it computes can be run."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.layers import Attention, BatchNorm, Conv, GroupNorm, LayerNorm
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.values import layer_parameters
from metagauge.graph.parameter_graph import Block, ParameterGraph
from models.transforms.fold import fold
from models.transforms.transform import NotApplicableError
from tests.models.transforms.examples import Example, Tensors
from tests.zoo_networks import graph_of


def foldless(example: Example) -> Example:
    """The network with batch norms where its graph has them: in the weights, or by themselves."""
    try:
        return fold(*example, np.random.default_rng(0))
    except NotApplicableError:
        return example


def written_back(architecture: Architecture, graph: ParameterGraph) -> Example:
    """The network that `graph` says: `architecture` with its numbers, sizes and heads."""
    by_name = {block.name: block for block in graph.blocks if block.name and not block.is_wiring}
    tensors: Tensors = {}
    operations = tuple(_written(operation, by_name, tensors) for operation in architecture.operations)
    return replace(architecture, operations=operations), tensors


def rebuilt(example: Example) -> tuple[Architecture, ParameterGraph]:
    """An architecture without foldable batch norms, and its graph."""
    architecture, tensors = foldless(example)
    return architecture, graph_of(architecture, tensors)


def _written(operation: Operation, blocks: Mapping[str, Block], tensors: Tensors) -> Operation:
    layer = operation.layer
    match layer:
        case BatchNorm() | GroupNorm() | LayerNorm():
            for parameter, part in ((layer.scale, "scale"), (layer.shift, "shift")):
                if parameter is not None:
                    tensors[parameter.tensor] = _numbers(blocks[f"{operation.name}.{part}"]).reshape(-1)
            if isinstance(layer, BatchNorm):
                assert layer.scale is not None
                size = len(tensors[layer.scale.tensor])
                tensors[layer.mean.tensor] = np.zeros(size, np.float32)
                tensors[layer.variance.tensor] = np.full(size, 1 - layer.epsilon, np.float32)
            return operation
        case Attention():
            layer = replace(layer, heads=blocks[layer.query.weight.tensor].heads)
        case Conv():
            layer = replace(layer, groups=blocks[layer.weight.tensor].groups)
        case _:
            pass
    sizes = [_write(parameter, blocks, tensors) for parameter in layer_parameters(layer) if parameter.tensor in blocks]
    for parameter in layer_parameters(layer):
        tensors.setdefault(parameter.tensor, np.zeros(sizes[0], np.float32))  # a bias that is part of another one
    return replace(operation, layer=layer)


def _write(parameter: Parameter, blocks: Mapping[str, Block], tensors: Tensors) -> int:
    block = blocks[parameter.tensor]
    weight = _numbers(block)
    match block.role:
        case "conv":
            weight = weight.reshape(*weight.shape[:2], *block.kernel)
        case "position":
            weight = weight[:, 0].T
        case "bias" | "token":
            weight = weight.reshape(-1)
        case _:
            weight = weight.reshape(len(weight), -1)
    tensors[parameter.tensor] = weight
    return len(weight)


def _numbers(block: Block) -> np.ndarray:
    return np.array(block.weight, np.float32)
