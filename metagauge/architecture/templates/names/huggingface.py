"""Image networks of transformers without their config.json: the sizes of the configuration, read off the tensors."""

from collections.abc import Callable
from dataclasses import replace

from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.sample import Sample
from metagauge.architecture.templates.settings import Settings
from metagauge.architecture.templates.vision.huggingface import MODELS
from metagauge.architecture.templates.vision.parts import Plan

Configuration = dict[str, object]

_MULTIPLIERS = (0.25, 0.35, 0.5, 0.75, 1.0, 1.25, 1.3, 1.4, 1.5, 2.0)
_STAGES = 16


def image_model(listing: Listing, hints: Hints) -> Plan | str | None:
    """One of the families that `vision/huggingface.py` knows, with what no tensor tells left at its default."""
    for model_type, read in _READERS.items():
        model = MODELS[model_type]
        prefix = f"{model.base}." if any(name.startswith(f"{model.base}.") for name in listing.shapes) else ""
        config = read(listing, prefix)
        if config is None or isinstance(config, str):
            if config is not None:
                return config
            continue
        if hints.image_size:
            config["image_size"] = hints.image_size
        settings = Settings(values=config, defaults=model.defaults)
        plan = model.plan(settings, Sample(image=hints.image_size or Sample().image), prefix)
        return replace(plan, assumed=(*settings.assumed.values(), *plan.assumed))
    return None


def _width(listing: Listing, name: str, axis: int = 0) -> int:
    shape = listing.shape(f"{name}.weight")
    return shape[axis] if len(shape) > axis else 0


def _residual_net(listing: Listing, prefix: str, *, kernel: int) -> Configuration | None:
    """What ResNets and RegNets share; the kernel of the first convolution tells them apart."""
    stem = listing.shape(f"{prefix}embedder.embedder.convolution.weight")
    first = f"{prefix}encoder.stages.0.layers.0"
    if len(stem) != 4 or stem[2] != kernel or not listing.has(f"{first}.layer.0.convolution.weight"):
        return None
    stages = min(listing.count(f"{prefix}encoder.stages.#"), _STAGES)
    widths = []
    for stage in range(stages):
        layers = listing.numbers(f"{prefix}encoder.stages.{stage}.layers.0.layer.#")
        last = layers[-1] if layers else 0
        widths.append(_width(listing, f"{prefix}encoder.stages.{stage}.layers.0.layer.{last}.convolution"))
    config: Configuration = {
        "num_channels": stem[1],
        "embedding_size": stem[0],
        "hidden_sizes": widths,
        "depths": [listing.count(f"{prefix}encoder.stages.{stage}.layers.#") for stage in range(stages)],
    }
    if widths[:1] == [stem[0]]:
        config["downsample_in_first_stage"] = listing.has(f"{first}.shortcut.convolution.weight")
    return config


def _resnet(listing: Listing, prefix: str) -> Configuration | None:
    config = _residual_net(listing, prefix, kernel=7)
    if config is None:
        return None
    deep = listing.has(f"{prefix}encoder.stages.0.layers.0.layer.2.convolution.weight")
    return {**config, "layer_type": "bottleneck" if deep else "basic"}


def _regnet(listing: Listing, prefix: str) -> Configuration | None:
    config = _residual_net(listing, prefix, kernel=3)
    if config is None:
        return None
    gated = listing.has(f"{prefix}encoder.stages.0.layers.0.layer.2.attention.0.weight")
    return {**config, "layer_type": "y" if gated else "x"}


def _convnext(listing: Listing, prefix: str, *, version: int = 1) -> Configuration | None:
    stem = listing.shape(f"{prefix}embeddings.patch_embeddings.weight")
    first = f"{prefix}encoder.stages.0.layers.0"
    second = listing.has(f"{first}.grn.weight")
    if len(stem) != 4 or not listing.has(f"{first}.pwconv1.weight") or second != (version == 2):
        return None
    stages = range(min(listing.count(f"{prefix}encoder.stages.#"), _STAGES))
    return {
        "num_channels": stem[1],
        "patch_size": stem[2],
        "hidden_sizes": [_width(listing, f"{prefix}encoder.stages.{stage}.layers.0.dwconv") for stage in stages],
        "depths": [listing.count(f"{prefix}encoder.stages.{stage}.layers.#") for stage in stages],
        "layer_scale_init_value": 1.0 if listing.has(f"{first}.layer_scale_parameter") else 0.0,
    }


def _convnext_v2(listing: Listing, prefix: str) -> Configuration | None:
    return _convnext(listing, prefix, version=2)


def _mobilenet_v1(listing: Listing, prefix: str) -> Configuration | None:
    stem = listing.shape(f"{prefix}conv_stem.convolution.weight")
    if len(stem) != 4 or listing.count(f"{prefix}layer.#") != 26:
        return None
    return {"num_channels": stem[1]}


def _mobilenet_v2(listing: Listing, prefix: str) -> Configuration | str | None:
    stem = listing.shape(f"{prefix}conv_stem.first_conv.convolution.weight")
    if len(stem) != 4 or listing.count(f"{prefix}layer.#") != 16:
        return None
    widths = [_width(listing, f"{prefix}layer.{block}.reduce_1x1.convolution") for block in range(16)]
    published = (24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
    for multiplier in _MULTIPLIERS:
        scaled = [max(8, int(round(width * multiplier) + 4) // 8 * 8) for width in published]
        scaled = [
            size + 8 if size < 0.9 * round(width * multiplier) else size
            for size, width in zip(scaled, published, strict=True)
        ]
        if scaled == widths:
            first = listing.has(f"{prefix}conv_stem.expand_1x1.convolution.weight")
            return {"num_channels": stem[1], "depth_multiplier": multiplier, "first_layer_is_expansion": not first}
    return f"its widths {widths} are those of no multiplier that is known"


def _efficientnet(listing: Listing, prefix: str) -> Configuration | str | None:
    stem = listing.shape(f"{prefix}embeddings.convolution.weight")
    first = f"{prefix}encoder.blocks.0"
    if len(stem) != 4 or not listing.has(f"{first}.depthwise_conv.depthwise_conv.weight"):
        return None
    repeats: list[int] = []
    kernels: list[int] = []
    ratios: list[int] = []
    width = stem[0]
    for block in range(listing.count(f"{prefix}encoder.blocks.#")):
        name = f"{prefix}encoder.blocks.{block}"
        outputs = _width(listing, f"{name}.projection.project_conv")
        if outputs != width or not repeats:
            repeats.append(0)
            kernels.append(_width(listing, f"{name}.depthwise_conv.depthwise_conv", 2))
            ratios.append(2 if listing.has(f"{name}.expansion.expand_conv.weight") else 1)
        repeats[-1] += 1
        width = outputs
    if len(repeats) != 7:
        return f"its widths change {len(repeats)} times, and the strides of seven stages are known"
    return {
        "num_channels": stem[1],
        "depth_coefficient": 1.0,
        "num_block_repeats": repeats,
        "kernel_sizes": kernels,
        "expand_ratios": ratios,
    }


_READERS: dict[str, Callable[[Listing, str], Configuration | str | None]] = {
    "resnet": _resnet,
    "regnet": _regnet,
    "convnext": _convnext,
    "convnextv2": _convnext_v2,
    "mobilenet_v1": _mobilenet_v1,
    "mobilenet_v2": _mobilenet_v2,
    "efficientnet": _efficientnet,
}
