"""A small specified network and its tensors, for tests of the ladder."""

from dataclasses import replace

import numpy as np
from safetensors.numpy import save

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.layers import Activation, Flatten, Layer, Linear
from metagauge.architecture.parameter import Parameter
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.safetensors_file import read_safetensors

TENSORS = {
    "fc1.weight": np.ones((5, 12), np.float32),
    "fc1.bias": np.zeros(5, np.float32),
    "fc2.weight": np.ones((3, 5), np.float32),
}


def operation(name: str, source: str, layer: Layer) -> Operation:
    return Operation(name=name, inputs=(source,), layer=layer)


def linear(name: str, *, bias: bool) -> Linear:
    return Linear(weight=Parameter(tensor=f"{name}.weight"), bias=Parameter(tensor=f"{name}.bias") if bias else None)


SPECIFICATION = Architecture(
    input_shape=(3, 2, 2),
    operations=(
        operation("flatten", "input", Flatten()),
        operation("fc1", "flatten", linear("fc1", bias=True)),
        operation("relu", "fc1", Activation(function="relu")),
        operation("fc2", "relu", linear("fc2", bias=False)),
    ),
)


def checkpoint(tensors: dict = TENSORS, metadata: dict | None = None) -> Checkpoint:
    return read_safetensors(memoryview(save(tensors, metadata=metadata)), Limits())


def with_weight(parameter: Parameter) -> Architecture:
    """The specification with `parameter` as the weight of its last layer."""
    last = operation("fc2", "relu", Linear(weight=parameter))
    return replace(SPECIFICATION, operations=(*SPECIFICATION.operations[:-1], last))
