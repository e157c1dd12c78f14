"""Networks that transforms are tried on: one of every zoo family, and what the families lack."""

import numpy as np
import torch

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.layers import Activation, BatchNorm, Conv, Flatten, LayerNorm, Linear, Pool
from metagauge.architecture.parameter import Parameter
from models.interpreter.layers import run
from tests.zoo_networks import FAMILY_NAMES, drawn

Tensors = dict[str, np.ndarray]
Example = tuple[Architecture, Tensors]

EXAMPLES = (*(f"{family}-{seed}" for family in FAMILY_NAMES for seed in range(4)), "depthwise", "flattened_norm")


def example(name: str) -> Example:
    """The network called `name`."""
    if name == "depthwise":
        return depthwise()
    if name == "flattened_norm":
        return flattened_norm()
    family, _, seed = name.rpartition("-")
    return drawn(family, int(seed), 40_000)


def depthwise() -> Example:
    """A convolution of each channel by itself between two of all channels, and a flattened head."""
    shapes = {"a.w": (8, 3, 3, 3), "a.b": (8,), "b.w": (8, 1, 3, 3), "b.b": (8,), "c.w": (6, 8, 1, 1), "c.b": (6,)}
    same = ((1, 1), (1, 1))
    layers = (
        conv("a", stride=(2, 2), padding=same),
        Activation(function="relu"),
        conv("b", padding=same, groups=8),
        Activation(function="leaky_relu", slope=0.2),
        conv("c"),
        Activation(function="relu"),
        Pool(reduction="max", kernel=(4, 4), stride=(4, 4), padding=((0, 0), (0, 0))),
        Flatten(),
        linear("d"),
    )
    return chain((3, 16, 16), layers), filled({**shapes, "d.w": (10, 24), "d.b": (10,)})


def flattened_norm() -> Example:
    """Norms of flattened features: a batch norm that a ReLU follows, then a layer norm."""
    shapes = {"a.w": (4, 3, 3, 3), "a.b": (4,), "d.w": (9, 64), "d.b": (9,), "e.w": (10, 9), "e.b": (10,)}
    shapes |= {f"n.{part}": (64,) for part in ("mean", "variance", "scale", "shift")}
    shapes |= {f"m.{part}": (9,) for part in ("scale", "shift")}
    mean, variance, scale, shift = (Parameter(tensor=f"n.{part}") for part in ("mean", "variance", "scale", "shift"))
    layers = (
        conv("a", stride=(2, 2)),
        Flatten(),
        BatchNorm(mean=mean, variance=variance, scale=scale, shift=shift),
        Activation(function="relu"),
        linear("d"),
        LayerNorm(scale=Parameter(tensor="m.scale"), shift=Parameter(tensor="m.shift")),
        Activation(function="relu"),
        linear("e"),
    )
    return chain((3, 9, 9), layers), filled(shapes)


def chain(shape: tuple[int, ...], layers) -> Architecture:
    """Layers one after the other."""
    names = ("input", *(f"layer{number}" for number in range(len(layers))))
    operations = tuple(
        Operation(name=name, inputs=(source,), layer=layer)
        for source, name, layer in zip(names, names[1:], layers, strict=False)
    )
    return Architecture(input_shape=shape, operations=operations)


def conv(name: str, *, stride=(1, 1), padding=((0, 0), (0, 0)), groups: int = 1) -> Conv:
    """A convolution with tensors NAME.w and NAME.b."""
    weight, bias = Parameter(tensor=f"{name}.w"), Parameter(tensor=f"{name}.b")
    return Conv(weight=weight, bias=bias, stride=stride, padding=padding, dilation=(1, 1), groups=groups)


def linear(name: str) -> Linear:
    """A linear layer with tensors NAME.w and NAME.b."""
    return Linear(weight=Parameter(tensor=f"{name}.w"), bias=Parameter(tensor=f"{name}.b"))


def filled(shapes: dict[str, tuple[int, ...]]) -> Tensors:
    """Random tensors; variances and scales are positive."""
    rng = np.random.default_rng(0)
    positive = ("variance", "scale")
    return {
        name: (rng.uniform(0.5, 1.5, shape) if name.endswith(positive) else rng.normal(0, 0.4, shape)).astype(
            np.float32
        )
        for name, shape in shapes.items()
    }


def outputs(architecture: Architecture, tensors: Tensors, images: int = 6) -> np.ndarray:
    """What the network computes of random images, in float64: (images, outputs)."""
    inputs = np.random.default_rng(5).normal(size=(images, *architecture.input_shape))
    doubled = {name: torch.from_numpy(array.astype(np.float64)) for name, array in tensors.items()}
    with torch.inference_mode():
        return run(architecture, doubled, torch.from_numpy(inputs)).numpy()


def distance(one: Example, other: Example) -> float:
    """How far apart two networks' outputs are, in units of the first one's deviation."""
    before, after = outputs(*one), outputs(*other)
    return float(np.abs(before - after).max() / before.std())
