"""The families of a zoo: each draws a random small CIFAR-10 classifier.

The families are those of Lim et al. 2024, sec. 5.1 (2-D CNN, 1-D CNN on the raster, DeepSets, ResNet, ViT), MLPs, the
small CNN of Unterthiner et al. 2020 and CNNs that are equivariant to quarter turns (Cohen & Welling 2016).
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import TypeVar

import numpy as np

from metagauge.architecture.layers import (
    ActivationFunction,
    Flatten,
    GlobalPool,
    Pool,
    Raster,
    Reduction,
    SelectToken,
    SetPool,
    Tokens,
)
from metagauge.architecture.values import layer_parameters, values
from models.zoo.sketch import NormChoice, Plan, Sketch

Choice = TypeVar("Choice")

IMAGE = (3, 32, 32)
CLASSES = 10
NORMS: tuple[NormChoice, ...] = ("none", "batch", "batch", "group")
REDUCTIONS: tuple[Reduction, ...] = ("max", "max", "mean")
ACTIVATIONS: tuple[ActivationFunction, ...] = ("relu", "relu", "relu", "gelu", "tanh", "silu", "leaky_relu", "elu")
MAX_PARAMETERS = 64_000
"""Bound on a zoo network, so that thousands can be trained, and a metanetwork on them, with two cores."""


MAX_COST = 2_000_000
"""Bound on multiply-adds plus ELEMENT_COST for each computed element, for one image."""
ELEMENT_COST = 40
"""What an element costs besides its multiply-adds (norm, activation, memory), in multiply-adds."""


LARGE = "large_"
"""Before a family's name: only its networks of at least LARGE_PARAMETERS and LARGE_COST, worth training for long."""
LARGE_PARAMETERS = 30_000
LARGE_COST = 1_000_000


def draw(family: str, rng: np.random.Generator) -> Plan:
    """A random network of `family`, such as `cnn` or `large_cnn`, within MAX_PARAMETERS and MAX_COST."""
    least, least_cost = (LARGE_PARAMETERS, LARGE_COST) if family.startswith(LARGE) else (0, 0)
    while True:
        plan = FAMILIES[family.removeprefix(LARGE)](rng)
        parameters = sum(prod(tensor.shape) for tensor in plan.tensors.values())
        if least <= parameters <= MAX_PARAMETERS and least_cost <= cost(plan) <= MAX_COST:
            return plan


def cost(plan: Plan) -> int:
    """Roughly the multiply-adds of one image, elementwise work included."""
    known = values(plan.architecture, lambda parameter: plan.tensors[parameter.tensor].shape)
    total = 0
    for operation in plan.architecture.operations:
        value = known[operation.name]
        weights = sum(prod(plan.tensors[each.tensor].shape) for each in layer_parameters(operation.layer))
        total += (weights + ELEMENT_COST * value.features) * value.positions
    return total


def draw_mlp(rng: np.random.Generator) -> Plan:
    """Flatten, optionally after a mean pool, then one to three hidden layers."""
    sketch = Sketch(IMAGE)
    function: ActivationFunction = _one(rng, ACTIVATIONS)
    norm: NormChoice = _one(rng, ("none", "none", "batch", "layer"))
    _pool(sketch, "shrink", "mean", _one(rng, (1, 2, 2, 4)))
    sketch.append("flatten", Flatten())
    for number in range(int(rng.integers(1, 4))):
        sketch.linear(f"hidden{number}", _one(rng, (8, 12, 16, 24, 32, 48, 64, 96, 128)))
        sketch.norm(f"norm{number}", norm)
        sketch.activation(f"act{number}", function)
    sketch.linear("head", CLASSES)
    return sketch.finish("mlp")


def draw_cnn(rng: np.random.Generator) -> Plan:
    """Two to five convolutions; downsampling by stride or pooling; a mean or flatten head."""
    sketch = Sketch(IMAGE)
    function: ActivationFunction = _one(rng, ACTIVATIONS)
    norm: NormChoice = _one(rng, NORMS)
    groups = _one(rng, (1, 2, 4))
    kernel = _one(rng, (3, 3, 5))
    reduction: Reduction = _one(rng, REDUCTIONS)
    by_stride = bool(rng.integers(2))
    width, growth = _one(rng, (8, 12, 16, 20, 24, 32)), _one(rng, (1.0, 1.5, 2.0))
    for number in range(int(rng.integers(2, 6))):
        shrink = 2 if number < 3 and (number == 0 or rng.random() < 0.7) else 1
        channels = 4 * round(min(width * growth**number, 64) / 4)
        stride = shrink if by_stride or number == 0 else 1
        sketch.conv(f"conv{number}", channels, kernel, stride, padding=kernel // 2, bias=norm == "none")
        sketch.norm(f"norm{number}", norm, groups)
        sketch.activation(f"act{number}", function)
        if stride < shrink:
            _pool(sketch, f"pool{number}", reduction, shrink)
    _head(sketch, rng, function)
    return sketch.finish("cnn")


def draw_cnn1d(rng: np.random.Generator) -> Plan:
    """One-dimensional convolutions on the raster of pixels."""
    sketch = Sketch(IMAGE)
    function: ActivationFunction = _one(rng, ACTIVATIONS)
    norm: NormChoice = _one(rng, NORMS)
    groups = _one(rng, (1, 2, 4))
    kernel, stride = _one(rng, (5, 7, 9)), _one(rng, (2, 3, 4))
    width, growth = _one(rng, (8, 12, 16, 24, 32)), _one(rng, (1.0, 1.5, 2.0))
    sketch.append("raster", Raster())
    for number in range(int(rng.integers(2, 5))):
        channels = 4 * round(min(width * growth**number, 64) / 4)
        sketch.conv(f"conv{number}", channels, kernel, stride, padding=kernel // 2, bias=norm == "none")
        sketch.norm(f"norm{number}", norm, groups)
        sketch.activation(f"act{number}", function)
    _head(sketch, rng, function)
    return sketch.finish("cnn1d")


def draw_deepsets(rng: np.random.Generator) -> Plan:
    """Set-equivariant layers `A x + B pool(x)` on pixels or patches (Zaheer et al. 2017, sec. 3)."""
    sketch = Sketch(IMAGE)
    function: ActivationFunction = _one(rng, ACTIVATIONS)
    reduction: Reduction = _one(rng, ("mean", "mean", "max"))
    norm: NormChoice = _one(rng, ("none", "none", "layer"))
    patch, width = _one(rng, (1, 2, 4, 4, 8)), _one(rng, (16, 24, 32, 48, 64))
    if patch == 1:
        _pool(sketch, "shrink", "mean", 2)
        sketch.append("tokens", Tokens())
    else:
        sketch.conv("patches", width, patch, patch, padding=0, bias=True)
        sketch.append("tokens", Tokens())
        sketch.activation("act_patches", function)
    for number in range(int(rng.integers(1, 4))):
        source = sketch.here
        own = sketch.linear(f"set{number}.own", width)
        sketch.here = source
        sketch.append(f"set{number}.pool", SetPool(reduction=reduction))
        shared = sketch.linear(f"set{number}.shared", width, bias=False)
        sketch.add(f"set{number}", own, shared)
        sketch.norm(f"norm{number}", norm)
        sketch.activation(f"act{number}", function)
    sketch.append("pool", GlobalPool(reduction="mean"))
    if rng.integers(2):
        sketch.linear("hidden", width)
        sketch.activation("act_hidden", function)
    sketch.linear("head", CLASSES)
    return sketch.finish("deepsets")


def draw_resnet(rng: np.random.Generator) -> Plan:
    """Two or three stages of basic blocks (He et al. 2016), post- or pre-activation."""
    sketch = Sketch(IMAGE)
    function: ActivationFunction = _one(rng, ACTIVATIONS)
    groups = _one(rng, (1, 2, 4))
    norm: NormChoice = _one(rng, ("batch", "batch", "group", "none"))
    width, before = _one(rng, (8, 12, 16)), rng.random() < 0.3
    sketch.conv("stem", width, 3, _one(rng, (1, 2, 2)), padding=1, bias=norm == "none")
    if not before:
        sketch.norm("stem_norm", norm, groups)
        sketch.activation("stem_act", function)
    blocks = int(rng.integers(1, 3))
    for stage in range(int(rng.integers(2, 4))):
        for block in range(blocks):
            stride = 2 if block == 0 and (stage > 0 or rng.random() < 0.3) else 1
            channels = min(width * 2**stage, 48)
            _residual_block(sketch, f"stage{stage}.{block}", channels, stride, (norm, groups, function, before))
    if before:
        sketch.norm("last_norm", norm, groups)
        sketch.activation("last_act", function)
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", CLASSES)
    return sketch.finish("resnet")


def draw_small_cnn(rng: np.random.Generator) -> Plan:
    """The network of Unterthiner et al. 2020, sec. 3: three strided convolutions of 16 channels and a mean head."""
    sketch = Sketch(IMAGE)
    function: ActivationFunction = _one(rng, ACTIVATIONS)
    for number in range(3):
        sketch.conv(f"conv{number}", 16, 3, 2, padding=1, bias=True)
        sketch.activation(f"act{number}", function)
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", CLASSES)
    return sketch.finish("small_cnn")


def draw_c4(rng: np.random.Generator) -> Plan:
    """Two to four convolutions that are equivariant to quarter turns, pooled over positions and orientations."""
    sketch = Sketch(IMAGE)
    function: ActivationFunction = _one(rng, ACTIVATIONS)
    width, growth, groups = _one(rng, (2, 4, 4, 6, 8)), _one(rng, (1.0, 1.5, 2.0)), _one(rng, (0, 1, 2))
    kernel = _one(rng, (3, 3, 5))
    reduction: Reduction = _one(rng, REDUCTIONS)
    _pool(sketch, "shrink", "mean", _one(rng, (1, 2)))
    for number in range(int(rng.integers(2, 5))):
        fields = 2 * round(min(width * growth**number, 16) / 2)
        sketch.turned_conv(f"conv{number}", fields, kernel, bias=groups == 0)
        sketch.turned_norm(f"norm{number}", groups)
        sketch.activation(f"act{number}", function)
        if min(sketch.value().shape[1:]) > 4:
            _pool(sketch, f"pool{number}", reduction, 2)
    sketch.append("pool", GlobalPool(reduction=_one(rng, ("mean", "mean", "max"))))
    sketch.turned_head("head", CLASSES)
    return sketch.finish("c4")


def draw_vit(rng: np.random.Generator) -> Plan:
    """A small vision transformer (Dosovitskiy et al. 2021), pre- or post-norm, class token or mean head."""
    sketch = Sketch(IMAGE)
    width, patch = _one(rng, (16, 24, 32, 48)), _one(rng, (4, 4, 8))
    heads, ratio = _one(rng, (1, 2, 4)), _one(rng, (1, 2, 4))
    function: ActivationFunction = _one(rng, ("gelu", "gelu", "relu", "silu"))
    before = rng.random() < 0.75
    has_class_token = bool(rng.integers(2))
    sketch.conv("patches", width, patch, patch, padding=0, bias=True)
    sketch.append("tokens", Tokens())
    if has_class_token:
        sketch.class_token("class_token")
    if rng.random() < 0.9:
        sketch.position_table("positions")
    for number in range(int(rng.integers(1, 5))):
        name = f"block{number}"
        stream = sketch.here
        if before:
            sketch.norm(f"{name}.norm1", "layer")
        mixed = sketch.attention(f"{name}.attention", heads)
        sketch.add(f"{name}.add1", stream, mixed)
        stream = sketch.here if before else sketch.norm(f"{name}.norm1", "layer")
        if before:
            sketch.norm(f"{name}.norm2", "layer")
        sketch.linear(f"{name}.up", width * ratio)
        sketch.activation(f"{name}.act", function)
        sketch.linear(f"{name}.down", width)
        sketch.add(f"{name}.add2", stream, sketch.here)
        if not before:
            sketch.norm(f"{name}.norm2", "layer")
    if before:
        sketch.norm("last_norm", "layer")
    sketch.append("pool", SelectToken(index=0) if has_class_token else GlobalPool(reduction="mean"))
    sketch.linear("head", CLASSES)
    return sketch.finish("vit")


FAMILIES: Mapping[str, Callable[[np.random.Generator], Plan]] = {
    "mlp": draw_mlp,
    "small_cnn": draw_small_cnn,
    "c4": draw_c4,
    "cnn": draw_cnn,
    "cnn1d": draw_cnn1d,
    "deepsets": draw_deepsets,
    "resnet": draw_resnet,
    "vit": draw_vit,
}


def _residual_block(
    sketch: Sketch, name: str, channels: int, stride: int, style: tuple[NormChoice, int, ActivationFunction, bool]
) -> None:
    norm, groups, function, before = style
    stream, needs_shortcut = sketch.here, stride > 1 or sketch.value().features != channels
    for half, step in (("1", stride), ("2", 1)):
        if before:
            sketch.norm(f"{name}.norm{half}", norm, groups)
            sketch.activation(f"{name}.act{half}", function)
        sketch.conv(f"{name}.conv{half}", channels, 3, step, padding=1, bias=norm == "none")
        if not before:
            sketch.norm(f"{name}.norm{half}", norm, groups)
            if half == "1":
                sketch.activation(f"{name}.act1", function)
    branch = sketch.here
    if needs_shortcut:
        sketch.here = stream
        stream = sketch.conv(f"{name}.shortcut", channels, 1, stride, padding=0, bias=norm == "none")
        if not before:
            stream = sketch.norm(f"{name}.shortcut_norm", norm, groups)
    sketch.add(f"{name}.add", branch, stream)
    if not before:
        sketch.activation(f"{name}.act2", function)


def _head(sketch: Sketch, rng: np.random.Generator, function: ActivationFunction) -> None:
    if rng.random() < 0.65:
        sketch.append("pool", GlobalPool(reduction=_one(rng, ("mean", "mean", "max"))))
    else:
        sketch.append("flatten", Flatten())
    if rng.random() < 0.3:
        sketch.linear("hidden", _one(rng, (16, 32)))
        sketch.activation("act_hidden", function)
    sketch.linear("head", CLASSES)


def _pool(sketch: Sketch, name: str, reduction: Reduction, size: int) -> None:
    if size > 1:
        axes = len(sketch.value().shape) - 1
        window = (size,) * axes
        sketch.append(name, Pool(reduction=reduction, kernel=window, stride=window, padding=((0, 0),) * axes))


def _one(rng: np.random.Generator, choices: tuple[Choice, ...]) -> Choice:
    return choices[int(rng.integers(len(choices)))]
