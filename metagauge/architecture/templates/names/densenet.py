"""DenseNets as torchvision and timm name them (Huang et al. 2017)."""

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


def densenet(listing: Listing, hints: Hints) -> Plan | str | None:
    """Each layer's channels are put behind those of all layers before it."""
    if not listing.has("features.conv0.weight", "features.norm0.weight", "features.norm5.weight"):
        return None
    # Weights that torchvision published first have a point in the names: `norm.1`.
    dot = "." if listing.has("features.denseblock1.denselayer1.norm.1.weight") else ""
    stem = listing.shape("features.conv0.weight")
    if len(stem) != 4 or stem[2:] != (7, 7):
        return "its first convolution is not 7 by 7, and its stride and pool are not known"
    parts: list[Part] = [
        Conv(name="features.conv0", stride=2),
        BatchNorm(name="features.norm0"),
        _RELU,
        Pool(reduction="max", kernel=3, stride=2, padding=1),
    ]
    blocks = listing.numbers("features.denseblock#")
    for block in blocks:
        name = f"features.denseblock{block}"
        for layer in listing.numbers(f"{name}.denselayer#"):
            parts.append(_layer(f"{name}.denselayer{layer}", dot))
        if listing.has(f"features.transition{block}.conv.weight"):
            parts += (
                BatchNorm(name=f"features.transition{block}.norm"),
                _RELU,
                Conv(name=f"features.transition{block}.conv"),
                Pool(reduction="mean", kernel=2, stride=2),
            )
    head: Parts = (Linear(name="classifier"),) if listing.has("classifier.weight") else ()
    parts += (BatchNorm(name="features.norm5"), _RELU, GlobalPool(), Flatten(), *head)
    side = hints.image_size or 224
    return Plan(
        family="a DenseNet of torchvision or timm",
        input_shape=(stem[1], side, side),
        parts=tuple(parts),
        assumed=("activations are ReLUs", "norms have epsilon 1e-5", f"images of {side} by {side} pixels"),
    )


def _layer(name: str, dot: str) -> Branches:
    body: Parts = (
        BatchNorm(name=f"{name}.norm{dot}1"),
        _RELU,
        Conv(name=f"{name}.conv{dot}1"),
        BatchNorm(name=f"{name}.norm{dot}2"),
        _RELU,
        Conv(name=f"{name}.conv{dot}2"),
    )
    return Branches(branches=((), body))
