"""MLP-Mixers as timm names them (Tolstikhin et al. 2021)."""

from math import isqrt

from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.vision.parts import (
    AcrossTokens,
    Activation,
    Conv,
    LayerNorm,
    Linear,
    Part,
    Parts,
    Plan,
    Residual,
    SelectToken,
    ToTokens,
)

_EPSILON = 1e-6


def mixer(listing: Listing, hints: Hints) -> Plan | str | None:
    """The number of tokens, and with it the size of the image, is a width of the layers that mix them."""
    stem = listing.shape("stem.proj.weight")
    if not stem or not listing.has("blocks.0.mlp_tokens.fc1.weight", "blocks.0.mlp_channels.fc1.weight"):
        return None
    tokens = listing.shape("blocks.0.mlp_tokens.fc1.weight")
    side = isqrt(tokens[1]) if len(tokens) == 2 else 0
    if len(stem) != 4 or stem[2] != stem[3] or not side or side**2 != tokens[1]:
        return "its patches or their grid are not square"
    parts: list[Part] = [Conv(name="stem.proj", stride=stem[2], padding=0), ToTokens()]
    for number in range(listing.count("blocks.#")):
        name = f"blocks.{number}"
        across = AcrossTokens(body=_mix(f"{name}.mlp_tokens"))
        parts += (
            Residual(body=(LayerNorm(name=f"{name}.norm1", epsilon=_EPSILON), across)),
            Residual(body=(LayerNorm(name=f"{name}.norm2", epsilon=_EPSILON), *_mix(f"{name}.mlp_channels"))),
        )
    head: Parts = (Linear(name="head"),) if listing.has("head.weight") else ()
    parts += (LayerNorm(name="norm", epsilon=_EPSILON), SelectToken(), *head)
    pixels = side * stem[2]
    return Plan(
        family="an MLP-Mixer of timm",
        input_shape=(stem[1], pixels, pixels),
        parts=tuple(parts),
        assumed=("activations are GELUs", "norms have epsilon 1e-6", f"images of {pixels} by {pixels} pixels"),
    )


def _mix(name: str) -> Parts:
    return (Linear(name=f"{name}.fc1"), Activation(function="gelu"), Linear(name=f"{name}.fc2"))
