"""Networks of torchvision that are lists of layers: VGG, AlexNet and SqueezeNet."""

from collections.abc import Mapping
from math import isqrt

from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.vision.parts import (
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Flatten,
    GlobalPool,
    Linear,
    Part,
    Parts,
    Plan,
    Pool,
)

_RELU = Activation(function="relu")
_HALF = Pool(reduction="max", kernel=2, stride=2)
_THIRD = Pool(reduction="max", kernel=3, stride=2)
_THIRD_UP = Pool(reduction="max", kernel=3, stride=2, ceil=True)

_POOLS: Mapping[tuple[int, ...], tuple[int, ...]] = {
    (3, 4, 5, 7, 8, 9, 10, 12): (2, 6, 11),
    (3, 4, 6, 7, 9, 10, 11, 12): (2, 5, 8),
}
"""Where SqueezeNet 1.0 and 1.1 have their pools, by where they have their fire modules."""


def vgg(listing: Listing, hints: Hints) -> Plan | str | None:
    """VGG (Simonyan and Zisserman 2015): where a number is skipped, there is a pool."""
    numbers = listing.numbers("features.#")
    shapes = {number: listing.shape(f"features.{number}.weight") for number in numbers}
    first = shapes.get(0, ())
    convolutions = [number for number in numbers if len(shapes[number]) == 4]
    if len(first) != 4 or len(convolutions) < 6 or any(shapes[number][2:] != (3, 3) for number in convolutions):
        return None
    heads = [
        name
        for name in ("classifier", "classifier.0", "classifier.3", "classifier.6", "classifier.2", "classifier.4")
        if len(listing.shape(f"{name}.weight")) == 2
    ]
    if not heads or any(
        not name.startswith("classifier") for name in listing.shapes if not name.startswith("features.")
    ):
        return None
    parts: list[Part] = []
    at = 0
    for number in convolutions:
        if number == at + 1 and parts:
            parts.append(_HALF)
        elif number != at:
            return f"features.{number} is not where a VGG has a convolution"
        normed = listing.has(f"features.{number + 1}.running_mean")
        norm: Parts = (BatchNorm(name=f"features.{number + 1}"),) if normed else ()
        parts += (Conv(name=f"features.{number}"), *norm, _RELU)
        at = number + 2 + normed
    parts.append(_HALF)
    pools = sum(part is _HALF for part in parts)
    positions, left = divmod(listing.shape(f"{heads[0]}.weight")[1], shapes[convolutions[-1]][0])
    side = isqrt(positions)
    if left or side**2 != positions:
        return f"{heads[0]} does not read a square map"
    pixels = side * 2**pools
    if len(heads) > 1 and heads[1:] not in (["classifier.3", "classifier.6"], ["classifier.2", "classifier.4"]):
        return "its classifier has other layers"
    parts += (Flatten(), Linear(name=heads[0]))
    for name in heads[1:]:
        parts += (_RELU, Linear(name=name))
    return Plan(
        family="a VGG of torchvision or its like",
        input_shape=(first[1], pixels, pixels),
        parts=tuple(parts),
        assumed=(
            "activations are ReLUs",
            "there is a max pool where a number is skipped, and behind the last convolution",
            f"images of {pixels} by {pixels} pixels, so that the adaptive pool changes nothing",
        ),
    )


def alexnet(listing: Listing, hints: Hints) -> Plan | str | None:
    """AlexNet in torchvision's version (Krizhevsky 2014)."""
    kernels = {0: 11, 3: 5, 6: 3, 8: 3, 10: 3}
    if listing.numbers("features.#") != tuple(kernels) or listing.numbers("classifier.#") != (1, 4, 6):
        return None
    if any(listing.shape(f"features.{number}.weight")[2:] != (size, size) for number, size in kernels.items()):
        return None
    parts: list[Part] = []
    for number in kernels:
        stem = Conv(name="features.0", stride=4, padding=2)
        parts += (Conv(name=f"features.{number}") if number else stem, _RELU)
        parts += (_THIRD,) if number in (0, 3, 10) else ()
    parts += (
        Flatten(),
        Linear(name="classifier.1"),
        _RELU,
        Linear(name="classifier.4"),
        _RELU,
        Linear(name="classifier.6"),
    )
    return Plan(
        family="an AlexNet of torchvision",
        input_shape=(listing.shape("features.0.weight")[1], 224, 224),
        parts=tuple(parts),
        assumed=("activations are ReLUs", "images of 224 by 224 pixels, so that the adaptive pool changes nothing"),
    )


def squeezenet(listing: Listing, hints: Hints) -> Plan | str | None:
    """SqueezeNet 1.0 and 1.1 in torchvision's version (Iandola et al. 2016): the places of the pools tell which."""
    fires = tuple(
        number for number in listing.numbers("features.#") if listing.has(f"features.{number}.squeeze.weight")
    )
    pools = _POOLS.get(fires)
    if pools is None or not listing.has("features.0.weight", "classifier.1.weight"):
        return None
    parts: list[Part] = [Conv(name="features.0", stride=2, padding=0), _RELU]
    for number in range(2, 13):
        if number in pools:
            parts.append(_THIRD_UP)
        else:
            name = f"features.{number}"
            wide: tuple[Parts, ...] = tuple((Conv(name=f"{name}.{way}"), _RELU) for way in ("expand1x1", "expand3x3"))
            parts += (Conv(name=f"{name}.squeeze"), _RELU, Branches(branches=wide))
    side = hints.image_size or 224
    parts += (Conv(name="classifier.1"), _RELU, GlobalPool(), Flatten())
    return Plan(
        family="a SqueezeNet of torchvision",
        input_shape=(listing.shape("features.0.weight")[1], side, side),
        parts=tuple(parts),
        assumed=("activations are ReLUs", f"images of {side} by {side} pixels"),
    )
