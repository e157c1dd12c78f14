"""Swin transformers as timm and torchvision name them (Liu et al. 2021)."""

from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.vision.parts import (
    Activation,
    Conv,
    GlobalPool,
    LayerNorm,
    Linear,
    MergePatches,
    Part,
    Parts,
    Plan,
    Residual,
    Tokenwise,
    WindowAttention,
)


def swin_timm(listing: Listing, hints: Hints) -> Plan | str | None:
    """Heads and windows follow from the tables of relative positions; the size of the image does not."""
    table = "layers.0.blocks.0.attn.relative_position_bias_table"
    if not listing.has("patch_embed.proj.weight", "patch_embed.norm.weight", table, "layers.0.blocks.0.mlp.fc1.weight"):
        return None
    patch = listing.shape("patch_embed.proj.weight")
    if len(patch) != 4 or patch[2] != patch[3]:
        return "its patches are not square"
    parts: list[Part] = [Conv(name="patch_embed.proj", stride=patch[2], padding=0), LayerNorm(name="patch_embed.norm")]
    for stage in range(listing.count("layers.#")):
        if listing.has(f"layers.{stage}.downsample.reduction.weight"):
            parts += (
                MergePatches(),
                LayerNorm(name=f"layers.{stage}.downsample.norm"),
                Linear(name=f"layers.{stage}.downsample.reduction"),
            )
        for number in range(listing.count(f"layers.{stage}.blocks.#")):
            parts += _block(f"layers.{stage}.blocks.{number}", shifted=number % 2 == 1)
    parts += (LayerNorm(name="norm"), GlobalPool())
    if listing.has("head.fc.weight"):
        parts.append(Linear(name="head.fc"))
    return _plan("a Swin transformer of timm", patch, hints, tuple(parts))


def swin_torchvision(listing: Listing, hints: Hints) -> Plan | str | None:
    """Stages and the merging of patches take turns in one list."""
    table = "features.1.0.attn.relative_position_bias_table"
    if not listing.has("features.0.0.weight", "features.0.2.weight", table, "features.1.0.mlp.3.weight"):
        return None
    patch = listing.shape("features.0.0.weight")
    if len(patch) != 4 or patch[2] != patch[3]:
        return "its patches are not square"
    parts: list[Part] = [Conv(name="features.0.0", stride=patch[2], padding=0), LayerNorm(name="features.0.2")]
    for stage in range(1, listing.count("features.#")):
        name = f"features.{stage}"
        if stage % 2 == 0:
            parts += (MergePatches(), LayerNorm(name=f"{name}.norm"), Linear(name=f"{name}.reduction"))
            continue
        for number in range(listing.count(f"{name}.#")):
            parts += _block(f"{name}.{number}", shifted=number % 2 == 1, mlp=("0", "3"))
    parts += (LayerNorm(name="norm"), GlobalPool(), Linear(name="head"))
    return _plan("a Swin transformer of torchvision", patch, hints, tuple(parts))


def _plan(family: str, patch: tuple[int, ...], hints: Hints, parts: Parts) -> Plan:
    side = hints.image_size or 224
    return Plan(
        family=family,
        input_shape=(patch[1], side, side),
        parts=parts,
        assumed=(
            f"images of {side} by {side} pixels, on which depends which windows are shifted",
            "every second block of a stage shifts its windows",
            "activations are GELUs",
            "norms have epsilon 1e-5",
        ),
    )


def _block(name: str, *, shifted: bool, mlp: tuple[str, str] = ("fc1", "fc2")) -> Parts:
    attention = WindowAttention(
        projection=f"{name}.attn.qkv",
        output=f"{name}.attn.proj",
        table=f"{name}.attn.relative_position_bias_table",
        shifted=shifted,
    )
    mix = (
        LayerNorm(name=f"{name}.norm2"),
        Linear(name=f"{name}.mlp.{mlp[0]}"),
        Activation(function="gelu"),
        Linear(name=f"{name}.mlp.{mlp[1]}"),
    )
    return (
        Residual(body=(LayerNorm(name=f"{name}.norm1"), attention)),
        Tokenwise(body=(Residual(body=mix),)),
    )
