"""Inverted residuals (Sandler et al. 2018; Howard et al. 2019; Tan and Le 2019) as torchvision names them."""

from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.vision.parts import (
    Activation,
    BatchNorm,
    Conv,
    Flatten,
    Gate,
    GlobalPool,
    Linear,
    Part,
    Parts,
    Plan,
    Residual,
)

_HALVING_V2 = (2, 4, 7, 14)
"""Numbers of MobileNetV2's blocks that have stride 2, of 17."""
_HALVING_V3 = {15: (2, 4, 7, 13), 11: (1, 2, 4, 9)}
"""Of MobileNetV3's, by how many blocks there are: large and small."""
_SOFT_V3 = {15: 7, 11: 4}
"""The first block with hard-swish instead of ReLU."""
_STRIDES = (1, 2, 2, 2, 1, 2, 1)
"""Of EfficientNet's stages."""


def mobilenet_v2(listing: Listing, hints: Hints) -> Plan | str | None:
    """torchvision's MobileNetV2: `features.1.conv.0.0`."""
    if not listing.has(
        "features.0.0.weight", "features.0.1.weight", "features.1.conv.0.0.weight", "features.2.conv.2.weight"
    ):
        return None
    if listing.count("features.#") != 19:
        return "it has not the 17 blocks by which its strides are known"
    parts: list[Part] = [*_unit("features.0", "relu6", 1e-5, stride=2)]
    for number in range(1, 18):
        name = f"features.{number}.conv"
        stride = 2 if number in _HALVING_V2 else 1
        wide = listing.has(f"{name}.3.weight")
        last = 2 if wide else 1
        body = (
            *(_unit(f"{name}.0", "relu6", 1e-5) if wide else ()),
            *_unit(f"{name}.{last - 1}", "relu6", 1e-5, stride=stride),
            Conv(name=f"{name}.{last}"),
            BatchNorm(name=f"{name}.{last + 1}"),
        )
        parts += _around(listing, body, f"{name}.0.0" if wide else "", f"{name}.{last}", stride)
    parts += (*_unit("features.18", "relu6", 1e-5), GlobalPool(), Flatten(), Linear(name="classifier.1"))
    return _plan("a MobileNetV2 of torchvision", listing, hints, tuple(parts), "activations are ReLU6")


def mobilenet_v3(listing: Listing, hints: Hints) -> Plan | str | None:
    """torchvision's MobileNetV3, large or small: `features.1.block.0.0`."""
    if not listing.has("features.1.block.0.0.weight", "classifier.0.weight", "classifier.3.weight"):
        return None
    blocks = listing.count("features.#") - 2
    if blocks not in _HALVING_V3:
        return "it has neither the 15 nor the 11 blocks by which its strides and activations are known"
    parts: list[Part] = [*_unit("features.0", "hardswish", 1e-3, stride=2)]
    for number in range(1, blocks + 1):
        function = "hardswish" if number >= _SOFT_V3[blocks] else "relu"
        stride = 2 if number in _HALVING_V3[blocks] else 1
        parts += _block(listing, f"features.{number}.block", function, "relu", "hardsigmoid", 1e-3, stride)
    parts += (*_unit(f"features.{blocks + 1}", "hardswish", 1e-3), GlobalPool(), Flatten(), Linear(name="classifier.0"))
    parts += (Activation(function="hardswish"), Linear(name="classifier.3"))
    return _plan("a MobileNetV3 of torchvision", listing, hints, tuple(parts), "activations and strides as published")


def efficientnet(listing: Listing, hints: Hints) -> Plan | str | None:
    """torchvision's EfficientNet B0 to B7: `features.1.0.block.0.0`."""
    if not listing.has("features.1.0.block.0.0.weight", "features.1.0.block.1.fc1.weight", "classifier.1.weight"):
        return None
    if listing.count("features.#") != 9:
        return "it has not the seven stages by which its strides are known"
    # B5 to B7, the wide ones, were trained with another epsilon (efficientnet.py of torchvision 0.29).
    epsilon = 1e-3 if listing.shape("classifier.1.weight")[1:] >= (2048,) else 1e-5
    parts: list[Part] = [*_unit("features.0", "silu", epsilon, stride=2)]
    for stage, first in enumerate(_STRIDES, start=1):
        for number in range(listing.count(f"features.{stage}.#")):
            stride = 1 if number else first
            parts += _block(listing, f"features.{stage}.{number}.block", "silu", "silu", "sigmoid", epsilon, stride)
    parts += (*_unit("features.8", "silu", epsilon), GlobalPool(), Flatten(), Linear(name="classifier.1"))
    return _plan("an EfficientNet of torchvision", listing, hints, tuple(parts), f"norms have epsilon {epsilon}")


def _unit(name: str, function: str, epsilon: float, stride: int = 1) -> Parts:
    """torchvision's Conv2dNormActivation."""
    parts: Parts = (Conv(name=f"{name}.0", stride=stride), BatchNorm(name=f"{name}.1", epsilon=epsilon))
    return (*parts, Activation(function=function)) if function else parts


def _block(listing: Listing, name: str, function: str, inner: str, gate: str, epsilon: float, stride: int) -> Parts:
    """Expansion if there is one, depthwise convolution, squeeze and excitation if there is, projection."""
    units = listing.count(f"{name}.#")
    gated = next((number for number in range(units) if listing.has(f"{name}.{number}.fc1.weight")), 0)
    depthwise = gated - 1 if gated else units - 2
    parts: list[Part] = []
    for number in range(units):
        if number == gated and gated:
            parts.append(
                Gate(
                    body=(
                        GlobalPool(),
                        Conv(name=f"{name}.{number}.fc1"),
                        Activation(function=inner),
                        Conv(name=f"{name}.{number}.fc2"),
                        Activation(function=gate),
                    )
                )
            )
        else:
            last = number == units - 1
            step = stride if number == depthwise else 1
            parts += _unit(f"{name}.{number}", "" if last else function, epsilon, stride=step)
    first = f"{name}.0.0" if depthwise else ""
    return _around(listing, tuple(parts), first, f"{name}.{units - 1}.0", stride)


def _around(listing: Listing, body: Parts, first: str, last: str, stride: int) -> Parts:
    """The block as a residual where it changes neither size nor width.

    A block without expansion reads as many channels as its last convolution, whose inputs are those of the depthwise.
    """
    shape = listing.shape(f"{last}.weight")
    inputs = listing.shape(f"{first}.weight")[1:2] if first else shape[1:2]
    return (Residual(body=body),) if stride == 1 and shape[:1] == inputs else body


def _plan(family: str, listing: Listing, hints: Hints, parts: Parts, assumed: str) -> Plan | str:
    stem = listing.shape("features.0.0.weight")
    if len(stem) != 4:
        return "its first weight is no convolution of images"
    side = hints.image_size or 224
    return Plan(
        family=family,
        input_shape=(stem[1], side, side),
        parts=parts,
        assumed=(assumed, "strides as published", f"images of {side} by {side} pixels"),
    )
