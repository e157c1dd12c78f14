"""ResNets as torchvision and timm name them, and as the CIFAR repositories do."""

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
    Pool,
    Residual,
)

_RELU = Activation(function="relu")
_IMAGE, _SMALL_IMAGE = 224, 32
_STAGES = 16


def resnet(listing: Listing, hints: Hints) -> Plan | str | None:
    """Basic blocks or bottlenecks (He et al. 2016), also wide, grouped (ResNeXt), with squeeze and excitation, or D.

    The stride of a bottleneck is in its second convolution, as in all weights that torchvision and timm publish.
    """
    if not listing.has("bn1.weight", "layer1.0.conv1.weight", "layer1.0.bn1.weight"):
        return None
    stem, small, assumed = _stem(listing)
    if not stem:
        return "its first layers are no stem of a ResNet"
    if not listing.has("layer1.0.conv2.weight", "layer1.0.bn2.weight"):
        return "its blocks are not those of a ResNet"
    stages = 0
    parts: list[Part] = [*stem]
    while (depth := listing.count(f"layer{stages + 1}.#")) and stages < _STAGES:
        for number in range(depth):
            stride = 2 if stages and not number else 1
            parts += (*_block(listing, f"layer{stages + 1}.{number}", stride), _RELU)
        stages += 1
    head = next((name for name in ("fc", "linear", "classifier") if listing.has(f"{name}.weight")), "")
    parts += (GlobalPool(), Flatten(), *((Linear(name=head),) if head else ()))
    side = hints.image_size or (_SMALL_IMAGE if small else _IMAGE)
    return Plan(
        family="a ResNet of torchvision, timm or their like",
        input_shape=(_channels(listing), side, side),
        parts=tuple(parts),
        assumed=(
            *assumed,
            "activations are ReLUs",
            "every stage but the first halves the map, by strides alone (blurred variants have the same names)",
            f"images of {side} by {side} pixels",
            "norms have epsilon 1e-5",
        ),
    )


def _channels(listing: Listing) -> int:
    shape = listing.shape("conv1.weight") or listing.shape("conv1.0.weight")
    return shape[1] if len(shape) == 4 else 0


def _stem(listing: Listing) -> tuple[Parts, bool, tuple[str, ...]]:
    """The parts before the first block, whether they are made for small images, and what is assumed of them."""
    pool = Pool(reduction="max", kernel=3, stride=2, padding=1)
    if listing.has("conv1.0.weight", "conv1.1.weight", "conv1.3.weight", "conv1.4.weight", "conv1.6.weight"):
        deep: Parts = (
            Conv(name="conv1.0", stride=2),
            BatchNorm(name="conv1.1"),
            _RELU,
            Conv(name="conv1.3"),
            BatchNorm(name="conv1.4"),
            _RELU,
            Conv(name="conv1.6"),
        )
        return (*deep, BatchNorm(name="bn1"), _RELU, pool), False, ("the stem has stride 2 and a max pool of stride 2",)
    shape = listing.shape("conv1.weight")
    if len(shape) != 4:
        return (), False, ()
    if shape[2:] == (3, 3):
        told = "the first convolution, 3 by 3, has stride 1 and no pool behind it, as ResNets for small images"
        return (Conv(name="conv1"), BatchNorm(name="bn1"), _RELU), True, (told,)
    stem = (Conv(name="conv1", stride=2), BatchNorm(name="bn1"), _RELU, pool)
    return stem, False, ("the stem has stride 2 and a max pool of stride 2",)


def _block(listing: Listing, name: str, stride: int) -> Parts:
    deep = listing.has(f"{name}.conv3.weight")
    strides = (1, stride, 1) if deep else (stride, 1)
    body: list[Part] = []
    for number, step in enumerate(strides, start=1):
        body += (Conv(name=f"{name}.conv{number}", stride=step), BatchNorm(name=f"{name}.bn{number}"), _RELU)
    body.pop()
    if listing.has(f"{name}.se.fc1.weight"):
        body.append(
            Gate(
                body=(
                    GlobalPool(),
                    Conv(name=f"{name}.se.fc1"),
                    _RELU,
                    Conv(name=f"{name}.se.fc2"),
                    Activation(function="sigmoid"),
                )
            )
        )
    return (Residual(body=tuple(body), shortcut=_shortcut(listing, name, stride)),)


def _shortcut(listing: Listing, name: str, stride: int) -> Parts:
    for way in ("downsample", "shortcut"):
        if listing.has(f"{name}.{way}.0.weight", f"{name}.{way}.1.weight"):
            return Conv(name=f"{name}.{way}.0", stride=stride), BatchNorm(name=f"{name}.{way}.1")
    if listing.has(f"{name}.downsample.1.weight", f"{name}.downsample.2.weight"):
        # ResNet-D (He et al. 2019): the pool comes first; it has no tensors, but its place in the numbers.
        pool = Pool(reduction="mean", kernel=2, stride=stride, ceil=True, count_padding=False)
        return (
            *((pool,) if stride > 1 else ()),
            Conv(name=f"{name}.downsample.1"),
            BatchNorm(name=f"{name}.downsample.2"),
        )
    return ()
