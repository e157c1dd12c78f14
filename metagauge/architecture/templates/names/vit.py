"""Vision transformers as timm and torchvision name them (Dosovitskiy et al. 2021)."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.vision.parts import (
    Activation,
    Attention,
    ChannelScale,
    ClassToken,
    Conv,
    LayerNorm,
    Linear,
    Part,
    Parts,
    Plan,
    PositionTable,
    Residual,
    SelectToken,
    ToTokens,
)

_EPSILON = 1e-6
_HEADS: Mapping[tuple[int, int], int] = {(192, 12): 3, (384, 12): 6, (768, 12): 12, (1024, 24): 16}
"""Of the published sizes Ti, S, B and L, by width and number of blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """How a library names a block's modules, each behind the block's own name."""

    first_norm: str
    second_norm: str
    projection: str
    bias: str
    output: str
    inner: str
    outer: str


_TIMM = _Names(
    first_norm="norm1",
    second_norm="norm2",
    projection="attn.qkv.weight",
    bias="attn.qkv.bias",
    output="attn.proj",
    inner="mlp.fc1",
    outer="mlp.fc2",
)
_TORCHVISION = _Names(
    first_norm="ln_1",
    second_norm="ln_2",
    projection="self_attention.in_proj_weight",
    bias="self_attention.in_proj_bias",
    output="self_attention.out_proj",
    inner="mlp.0",
    outer="mlp.3",
)
_TORCHVISION_OLD = _Names(
    first_norm="ln_1",
    second_norm="ln_2",
    projection="self_attention.in_proj_weight",
    bias="self_attention.in_proj_bias",
    output="self_attention.out_proj",
    inner="mlp.linear_1",
    outer="mlp.linear_2",
)


def vit_timm(listing: Listing, hints: Hints) -> Plan | str | None:
    """timm's and DeiT's: `patch_embed.proj`, `blocks.0.attn.qkv`."""
    if not listing.has("patch_embed.proj.weight", "pos_embed", "blocks.0.attn.qkv.weight", "blocks.0.mlp.fc1.weight"):
        return None
    blocks = listing.count("blocks.#")
    heads = _heads(listing, "blocks.0.attn", blocks, listing.shape("blocks.0.attn.qkv.weight"), hints)
    if isinstance(heads, str):
        return heads
    tokens = [name for name in ("cls_token", "reg_token") if listing.has(name)]
    extra = sum(listing.shape(name)[1] for name in tokens if len(listing.shape(name)) == 3)
    grid = _grid(listing.shape("pos_embed"), extra)
    if isinstance(grid, str):
        return grid
    side, apart = grid
    front: Parts = tuple(ClassToken(tensor=name) for name in reversed(tokens))
    table = PositionTable(tensor="pos_embed")
    parts: list[Part] = [*((table, *front) if apart else (*front, table))]
    if listing.has("norm_pre.weight"):
        parts.append(LayerNorm(name="norm_pre", epsilon=1e-5))
    for number in range(blocks):
        parts += _block(listing, f"blocks.{number}", _TIMM, heads)
    pooled = listing.has("fc_norm.weight") or "cls_token" not in tokens
    parts += (LayerNorm(name="norm", epsilon=_EPSILON),) if listing.has("norm.weight") else ()
    parts.append(SelectToken(skipped=extra) if pooled else SelectToken(index=0))
    parts += (LayerNorm(name="fc_norm", epsilon=_EPSILON),) if listing.has("fc_norm.weight") else ()
    parts += (Linear(name="head"),) if listing.has("head.weight") else ()
    return _plan("a vision transformer of timm", listing, "patch_embed.proj", side, heads, tuple(parts), pooled=pooled)


def vit_torchvision(listing: Listing, hints: Hints) -> Plan | str | None:
    """torchvision's: `conv_proj`, `encoder.layers.encoder_layer_0.self_attention`."""
    first = "encoder.layers.encoder_layer_0"
    if not listing.has("conv_proj.weight", "class_token", "encoder.pos_embedding", f"{first}.ln_1.weight"):
        return None
    blocks = listing.count("encoder.layers.encoder_layer_#")
    shape = listing.shape(f"{first}.self_attention.in_proj_weight")
    heads = _heads(listing, f"{first}.self_attention", blocks, shape, hints)
    if isinstance(heads, str):
        return heads
    grid = _grid(listing.shape("encoder.pos_embedding"), 1)
    if isinstance(grid, str):
        return grid
    names = _TORCHVISION if listing.has(f"{first}.mlp.0.weight") else _TORCHVISION_OLD
    parts: list[Part] = [ClassToken(tensor="class_token"), PositionTable(tensor="encoder.pos_embedding")]
    for number in range(blocks):
        parts += _block(listing, f"encoder.layers.encoder_layer_{number}", names, heads)
    parts += (LayerNorm(name="encoder.ln", epsilon=_EPSILON), SelectToken(index=0), Linear(name="heads.head"))
    return _plan(
        "a vision transformer of torchvision", listing, "conv_proj", grid[0], heads, tuple(parts), pooled=False
    )


def _block(listing: Listing, name: str, names: _Names, heads: int) -> Parts:
    normed = listing.has(f"{name}.attn.q_norm.weight")
    attention = Attention(
        projection=f"{name}.{names.projection}",
        bias=f"{name}.{names.bias}",
        output=f"{name}.{names.output}",
        heads=heads,
        query_norm=f"{name}.attn.q_norm" if normed else "",
        key_norm=f"{name}.attn.k_norm" if normed else "",
    )
    return (
        Residual(
            body=(
                LayerNorm(name=f"{name}.{names.first_norm}", epsilon=_EPSILON),
                attention,
                *_scale(listing, f"{name}.ls1.gamma"),
            )
        ),
        Residual(
            body=(
                LayerNorm(name=f"{name}.{names.second_norm}", epsilon=_EPSILON),
                Linear(name=f"{name}.{names.inner}"),
                Activation(function="gelu"),
                Linear(name=f"{name}.{names.outer}"),
                *_scale(listing, f"{name}.ls2.gamma"),
            )
        ),
    )


def _scale(listing: Listing, tensor: str) -> Parts:
    return (ChannelScale(tensor=tensor),) if listing.has(tensor) else ()


def _heads(listing: Listing, attention: str, blocks: int, shape: tuple[int, ...], hints: Hints) -> int | str:
    """The number of heads: said, told by a norm of the queries of one head, or that of a published size."""
    norm = listing.shape(f"{attention}.q_norm.weight")
    if len(shape) != 2:
        return "its projection of queries, keys and values is no matrix"
    width = shape[0] // 3
    if norm and not listing.has(f"{attention}.q_norm.bias"):
        return "its norms of queries and keys are of a kind that the file does not tell"
    if len(norm) == 1:
        return width // norm[0] if norm[0] else 0
    heads = hints.num_heads or _HEADS.get((width, blocks))
    if heads is None:
        return (
            f"the number of attention heads is in no tensor of it (width {width}, {blocks} blocks): send the JSON"
            ' {"num_heads": ...} beside the file'
        )
    return heads


def _grid(table: tuple[int, ...], extra: int) -> tuple[int, bool] | str:
    """Patches along a side, and whether the table leaves the `extra` tokens in front out."""
    rows = table[-2] if len(table) > 1 else 0
    with_extra, without = isqrt(max(rows - extra, 0)), isqrt(rows)
    fits = [side**2 == count and side > 0 for side, count in ((with_extra, rows - extra), (without, rows))]
    if not any(fits) or (all(fits) and extra):
        return f"its table of {rows} positions does not tell the grid of patches"
    return (with_extra, False) if fits[0] else (without, True)


def _plan(
    family: str, listing: Listing, patches: str, side: int, heads: int, parts: Parts, *, pooled: bool
) -> Plan | str:
    shape = listing.shape(f"{patches}.weight")
    if len(shape) != 4 or shape[2] != shape[3]:
        return "its patches are not square"
    pixels = side * shape[2]
    return Plan(
        family=family,
        input_shape=(shape[1], pixels, pixels),
        parts=(Conv(name=patches, stride=shape[2], padding=0), ToTokens(), *parts),
        assumed=(
            f"attention has {heads} heads",
            "activations are GELUs",
            "norms have epsilon 1e-6",
            "the mean of the patches is classified" if pooled else "the first token is classified",
            f"images of {pixels} by {pixels} pixels",
        ),
    )
