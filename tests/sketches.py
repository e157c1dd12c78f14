"""Small networks written down layer by layer, to be changed in one place."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.layers import Flatten, GlobalPool, Layer, Pool, Tokens
from models.zoo.sketch import Sketch
from tests.permutation import Tensors
from tests.zoo_networks import filled

Network = tuple[Architecture, Tensors]
IMAGE = (3, 32, 32)


def finished(sketch: Sketch, seed: int = 0) -> Network:
    plan = sketch.finish("")
    return plan.architecture, filled(plan, np.random.default_rng(seed))


def convolutional() -> Network:
    """Group norm, batch norm, a pool."""
    sketch = Sketch(IMAGE)
    sketch.conv("conv0", 8, 3, 2, padding=1, bias=False)
    sketch.norm("norm0", "group", 2)
    sketch.activation("act0", "leaky_relu")
    sketch.append("pool0", Pool(reduction="max", kernel=(2, 2), stride=(2, 2), padding=((0, 0), (0, 0))))
    sketch.conv("conv1", 8, 3, 1, padding=1, bias=True)
    sketch.norm("norm1", "batch")
    sketch.activation("act1", "relu")
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", 10)
    return finished(sketch)


def residual() -> Network:
    """A stem and one residual block."""
    sketch = Sketch(IMAGE)
    sketch.conv("stem", 8, 3, 4, padding=1, bias=True)
    stream = sketch.activation("stem_act", "relu")
    sketch.conv("conv1", 8, 3, 1, padding=1, bias=True)
    sketch.activation("act1", "relu")
    branch = sketch.conv("conv2", 8, 3, 1, padding=1, bias=True)
    sketch.add("add", branch, stream)
    sketch.activation("act2", "relu")
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", 10)
    return finished(sketch)


def transformer() -> Network:
    """One pre-norm block with two heads."""
    sketch = Sketch(IMAGE)
    sketch.conv("patches", 8, 8, 8, padding=0, bias=True)
    sketch.append("tokens", Tokens())
    stream = sketch.position_table("positions")
    sketch.norm("norm", "layer")
    mixed = sketch.attention("attention", 2)
    sketch.add("add", stream, mixed)
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", 10)
    return finished(sketch)


def perceptron() -> Network:
    """Flattened positions, one hidden layer."""
    sketch = Sketch(IMAGE)
    sketch.append("shrink", Pool(reduction="mean", kernel=(8, 8), stride=(8, 8), padding=((0, 0), (0, 0))))
    sketch.append("flatten", Flatten())
    sketch.linear("hidden", 8)
    sketch.activation("act", "relu")
    sketch.linear("head", 10)
    return finished(sketch)


def with_layer(network: Network, name: str, change: Callable[[Layer], Layer]) -> Network:
    """The network with the layer called `name` changed."""
    architecture, tensors = network
    operations = tuple(
        replace(each, layer=change(each.layer)) if each.name == name else each for each in architecture.operations
    )
    return replace(architecture, operations=operations), tensors


def with_tensor(network: Network, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Network:
    """The network with the tensor called `name` changed."""
    architecture, tensors = network
    return architecture, {**tensors, name: np.ascontiguousarray(change(tensors[name].copy()))}


def without(network: Network, name: str, instead: str) -> Network:
    """The network without operation `name`; whoever read it reads `instead`."""
    architecture, tensors = network
    operations = tuple(
        replace(each, inputs=tuple(instead if given == name else given for given in each.inputs))
        for each in architecture.operations
        if each.name != name
    )
    return replace(architecture, operations=operations), tensors
