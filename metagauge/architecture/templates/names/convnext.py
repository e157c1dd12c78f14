"""ConvNeXts as timm and torchvision name them (Liu et al. 2022; Woo et al. 2023)."""

from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.vision.parts import (
    Activation,
    ChannelScale,
    Conv,
    Flatten,
    GlobalPool,
    LayerNorm,
    Linear,
    Part,
    Parts,
    Plan,
    Residual,
    ResponseNorm,
)

_EPSILON = 1e-6
_GELU = Activation(function="gelu")
_ASSUMED = ("activations are GELUs", "norms have epsilon 1e-6")


def convnext_timm(listing: Listing, hints: Hints) -> Plan | str | None:
    """timm's: `stem.0`, `stages.0.blocks.0.conv_dw`."""
    if not listing.has("stem.0.weight", "stem.1.weight", "stages.0.blocks.0.conv_dw.weight"):
        return None
    patch = _kernel(listing, "stem.0.weight")
    parts: list[Part] = [Conv(name="stem.0", stride=patch, padding=0), _norm("stem.1")]
    for stage in range(listing.count("stages.#")):
        if listing.has(f"stages.{stage}.downsample.1.weight"):
            size = _kernel(listing, f"stages.{stage}.downsample.1.weight")
            parts += (
                _norm(f"stages.{stage}.downsample.0"),
                Conv(name=f"stages.{stage}.downsample.1", stride=size, padding=0),
            )
        for number in range(listing.count(f"stages.{stage}.blocks.#")):
            name = f"stages.{stage}.blocks.{number}"
            response = ResponseNorm(weight=f"{name}.mlp.grn.weight", bias=f"{name}.mlp.grn.bias")
            parts.append(
                Residual(
                    body=(
                        Conv(name=f"{name}.conv_dw"),
                        _norm(f"{name}.norm"),
                        _mix(listing, f"{name}.mlp.fc1"),
                        _GELU,
                        *((response,) if listing.has(response.weight) else ()),
                        _mix(listing, f"{name}.mlp.fc2"),
                        *((ChannelScale(tensor=f"{name}.gamma"),) if listing.has(f"{name}.gamma") else ()),
                    )
                )
            )
    if listing.has("norm_pre.weight"):
        parts += (_norm("norm_pre"), GlobalPool(), Flatten())
    else:
        parts += (GlobalPool(), Flatten(), *((_norm("head.norm"),) if listing.has("head.norm.weight") else ()))
    if listing.has("head.fc.weight"):
        parts.append(Linear(name="head.fc"))
    return _plan("a ConvNeXt of timm", listing.shape("stem.0.weight"), hints, tuple(parts))


def convnext_torchvision(listing: Listing, hints: Hints) -> Plan | str | None:
    """torchvision's: `features.0.0`, `features.1.0.block.0`."""
    if not listing.has("features.0.0.weight", "features.1.0.layer_scale", "features.1.0.block.5.weight"):
        return None
    patch = _kernel(listing, "features.0.0.weight")
    parts: list[Part] = [Conv(name="features.0.0", stride=patch, padding=0), _norm("features.0.1")]
    for stage in range(1, listing.count("features.#")):
        name = f"features.{stage}"
        if stage % 2 == 0:
            parts += (_norm(f"{name}.0"), Conv(name=f"{name}.1", stride=2, padding=0))
            continue
        for number in range(listing.count(f"{name}.#")):
            block = f"{name}.{number}"
            parts.append(
                Residual(
                    body=(
                        Conv(name=f"{block}.block.0"),
                        _norm(f"{block}.block.2"),
                        Linear(name=f"{block}.block.3"),
                        _GELU,
                        Linear(name=f"{block}.block.5"),
                        ChannelScale(tensor=f"{block}.layer_scale"),
                    )
                )
            )
    parts += (GlobalPool(), Flatten(), _norm("classifier.0"), Linear(name="classifier.2"))
    return _plan("a ConvNeXt of torchvision", listing.shape("features.0.0.weight"), hints, tuple(parts))


def _kernel(listing: Listing, name: str) -> int:
    """The side of a convolution's kernel, which is its stride too."""
    shape = listing.shape(name)
    return shape[-1] if len(shape) == 4 else 0


def _norm(name: str) -> LayerNorm:
    return LayerNorm(name=name, epsilon=_EPSILON)


def _mix(listing: Listing, name: str) -> Part:
    """A linear map of the channels, which may be stored as a convolution of one position."""
    return Conv(name=name) if len(listing.shape(f"{name}.weight")) == 4 else Linear(name=name)


def _plan(family: str, stem: tuple[int, ...], hints: Hints, parts: Parts) -> Plan | str:
    if len(stem) != 4:
        return "its first weight is no convolution of images"
    side = hints.image_size or 224
    assumed = (*_ASSUMED, f"images of {side} by {side} pixels")
    return Plan(family=family, input_shape=(stem[1], side, side), parts=parts, assumed=assumed)
