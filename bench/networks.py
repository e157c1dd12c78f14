"""The networks that benchmarks judge, with random weights."""

from math import sqrt

import numpy as np

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.layers import GlobalPool
from models.zoo.sketch import Plan, Sketch, TensorPlan

IMAGE = (3, 32, 32)
CLASSES = 10
Network = tuple[Architecture, dict[str, np.ndarray]]


def small_cnn(rng: np.random.Generator) -> Network:
    """Three convolutions with batch norm: 24 thousand parameters, as in the zoo."""
    sketch = Sketch(IMAGE)
    for number, channels in enumerate((16, 32, 64)):
        sketch.conv(f"conv{number}", channels, 3, 2, padding=1, bias=False)
        sketch.norm(f"norm{number}", "batch")
        sketch.activation(f"act{number}", "relu")
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", CLASSES)
    return filled(sketch.finish("cnn"), rng)


def resnet20(rng: np.random.Generator) -> Network:
    """The CIFAR-10 network of He et al. 2016, sec. 4.2, with n = 3: 16, 32, 64 channels, 0.27 million parameters.

    Shortcuts that change the shape are 1 x 1 convolutions.
    """
    sketch = Sketch(IMAGE)
    sketch.conv("stem", 16, 3, 1, padding=1, bias=False)
    sketch.norm("stem_norm", "batch")
    sketch.activation("stem_act", "relu")
    for stage, channels in enumerate((16, 32, 64)):
        for block in range(3):
            _basic_block(sketch, f"stage{stage}.{block}", channels, 2 if stage > 0 and block == 0 else 1)
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", CLASSES)
    return filled(sketch.finish("resnet"), rng)


def _basic_block(sketch: Sketch, name: str, channels: int, stride: int) -> None:
    stream = sketch.here
    sketch.conv(f"{name}.conv1", channels, 3, stride, padding=1, bias=False)
    sketch.norm(f"{name}.norm1", "batch")
    sketch.activation(f"{name}.act1", "relu")
    sketch.conv(f"{name}.conv2", channels, 3, 1, padding=1, bias=False)
    branch = sketch.norm(f"{name}.norm2", "batch")
    if stride > 1:
        sketch.here = stream
        sketch.conv(f"{name}.shortcut", channels, 1, stride, padding=0, bias=False)
        stream = sketch.norm(f"{name}.shortcut_norm", "batch")
    sketch.add(f"{name}.add", branch, stream)
    sketch.activation(f"{name}.act2", "relu")


def filled(plan: Plan, rng: np.random.Generator) -> Network:
    """A network of the plan, its weights drawn as at the start of training."""
    return plan.architecture, {name: _start(tensor, rng).astype(np.float32) for name, tensor in plan.tensors.items()}


def _start(tensor: TensorPlan, rng: np.random.Generator) -> np.ndarray:
    match tensor.start:
        case "one":
            return np.ones(tensor.shape)
        case "zero":
            return np.zeros(tensor.shape)
        case "table":
            return rng.normal(0, 0.02, tensor.shape)
        case "weight" | "bias":
            return rng.normal(0, 1 / sqrt(tensor.fan_in), tensor.shape)
