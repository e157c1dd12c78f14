"""Inverted residuals as timm names them: EfficientNet, MobileNetV2 and MNASNet share their names.

Which of them a file is, and with it the activation, follows from the depthwise kernels of the seven stages and from
which of them squeeze and excite.
"""

from collections.abc import Mapping

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

_STRIDES = (1, 2, 2, 2, 1, 2, 1)
_FAMILIES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("3353553", "1111111"): ("EfficientNet", "silu"),
    ("3353553", "0000000"): ("EfficientNet-Lite", "relu6"),
    ("3333333", "0000000"): ("MobileNetV2", "relu6"),
    ("3355353", "0000000"): ("MNASNet-B1", "relu"),
    ("3353353", "0010110"): ("MNASNet-A1", "relu"),
}
"""By kernels and gates of the stages: name and activation (efficientnet.py of timm 1.0)."""


def mobile_timm(listing: Listing, hints: Hints) -> Plan | str | None:
    """`conv_stem`, `blocks.0.0.conv_dw`, ..., `conv_head`."""
    if not listing.has("conv_stem.weight", "bn1.running_mean", "blocks.0.0.conv_dw.weight", "conv_head.weight"):
        return None
    stages = listing.count("blocks.#")
    kernels = "".join(str((listing.shape(f"blocks.{stage}.0.conv_dw.weight") or (0,))[-1]) for stage in range(stages))
    gates = "".join(str(int(listing.has(f"blocks.{stage}.0.se.conv_reduce.weight"))) for stage in range(stages))
    if (kernels, gates) not in _FAMILIES:
        return f"depthwise kernels {kernels} and gates {gates} of its stages are those of no family that is known"
    family, function = _FAMILIES[kernels, gates]
    stem = listing.shape("conv_stem.weight")
    if len(stem) != 4:
        return "its first weight is no convolution of images"
    parts: list[Part] = [*_unit("conv_stem", "bn1", function, stride=2)]
    for stage, stride in enumerate(_STRIDES):
        for number in range(listing.count(f"blocks.{stage}.#")):
            parts += _block(listing, f"blocks.{stage}.{number}", function, 1 if number else stride)
    head: Parts = (Linear(name="classifier"),) if listing.has("classifier.weight") else ()
    parts += (*_unit("conv_head", "bn2", function), GlobalPool(), Flatten(), *head)
    side = hints.image_size or 224
    return Plan(
        family=f"an {family} of timm" if family.startswith("E") else f"a {family} of timm",
        input_shape=(stem[1], side, side),
        parts=tuple(parts),
        assumed=(
            f"activations are {function} and strides as published",
            "padding is symmetric and norms have epsilon 1e-5 (the tf_ variants, with the same names, have others)",
            f"images of {side} by {side} pixels",
        ),
    )


def _block(listing: Listing, name: str, function: str, stride: int) -> Parts:
    gate = Gate(
        body=(
            GlobalPool(),
            Conv(name=f"{name}.se.conv_reduce"),
            Activation(function=function),
            Conv(name=f"{name}.se.conv_expand"),
            Activation(function="sigmoid"),
        )
    )
    gates: Parts = (gate,) if listing.has(f"{name}.se.conv_reduce.weight") else ()
    if listing.has(f"{name}.conv_pwl.weight"):
        first, last = f"{name}.conv_pw", f"{name}.conv_pwl"
        body: Parts = (
            *_unit(first, f"{name}.bn1", function),
            *_unit(f"{name}.conv_dw", f"{name}.bn2", function, stride=stride),
            *gates,
            *_unit(last, f"{name}.bn3", ""),
        )
    else:
        first = last = f"{name}.conv_pw"
        body = (
            *_unit(f"{name}.conv_dw", f"{name}.bn1", function, stride=stride),
            *gates,
            *_unit(last, f"{name}.bn2", ""),
        )
    same = listing.shape(f"{first}.weight")[1:2] == listing.shape(f"{last}.weight")[:1]
    return (Residual(body=body),) if stride == 1 and same else body


def _unit(convolution: str, norm: str, function: str, stride: int = 1) -> Parts:
    parts: Parts = (Conv(name=convolution, stride=stride), BatchNorm(name=norm))
    return (*parts, Activation(function=function)) if function else parts
