"""Swin transformers as timm names them (Liu et al. 2021)."""

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
    side = hints.image_size or 224
    return Plan(
        family="a Swin transformer of timm",
        input_shape=(patch[1], side, side),
        parts=tuple(parts),
        assumed=(
            f"images of {side} by {side} pixels, on which depends which windows are shifted",
            "every second block of a stage shifts its windows",
            "activations are GELUs",
            "norms have epsilon 1e-5",
        ),
    )


def _block(name: str, *, shifted: bool) -> tuple[Part, ...]:
    attention = WindowAttention(
        projection=f"{name}.attn.qkv",
        output=f"{name}.attn.proj",
        table=f"{name}.attn.relative_position_bias_table",
        shifted=shifted,
    )
    mix = (
        LayerNorm(name=f"{name}.norm2"),
        Linear(name=f"{name}.mlp.fc1"),
        Activation(function="gelu"),
        Linear(name=f"{name}.mlp.fc2"),
    )
    return (
        Residual(body=(LayerNorm(name=f"{name}.norm1"), attention)),
        Tokenwise(body=(Residual(body=mix),)),
    )
