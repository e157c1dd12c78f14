"""torch's nn.TransformerEncoder, with one linear layer before and one behind it at most."""

import re

from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.vision.parts import (
    Activation,
    Attention,
    LayerNorm,
    Linear,
    Part,
    Parts,
    Plan,
    Residual,
    SelectToken,
)

_FIRST = re.compile(r"(?P<stack>(?:[^.]{1,80}\.){0,8})0\.self_attn\.in_proj_weight")
_STEPS = 5


def transformer_encoder(listing: Listing, hints: Hints) -> Plan | str | None:
    """Everything but the number of heads is in the names, or a default of torch."""
    stacks = [match["stack"] for name in listing.shapes if (match := _FIRST.fullmatch(name))]
    if not stacks:
        return None
    stack = stacks[0]
    names = [f"{stack}{number}" for number in range(listing.count(f"{stack}#"))]
    if len(stacks) > 1 or listing.has(f"{stack}0.multihead_attn.in_proj_weight") or not names:
        return "it has a decoder or several stacks, whose wiring is not in the names"
    shape = listing.shape(f"{stack}0.self_attn.in_proj_weight")
    if len(shape) != 2:
        return "its projection of queries, keys and values is no matrix"
    parts: list[Part] = [part for name in names for part in _layer(name, hints)]
    module = stack.removesuffix("layers.")
    if module != stack and listing.has(f"{module}norm.weight"):
        parts.append(LayerNorm(name=f"{module}norm"))
    around = _around(listing, stack, f"{module}norm")
    if len(around) > 1:
        return f"the order of {', '.join(repr(name[:60]) for name in around[:6])} around it is not known"
    reason = _open(shape[1], around[0] if around else "", hints)
    if reason:
        return reason
    tokens = {"first": SelectToken(index=0), "last": SelectToken(index=-1), "mean": SelectToken(), None: SelectToken()}
    parts += (tokens[hints.pooling], Linear(name=around[0])) if around else ()
    return Plan(
        family="torch's nn.TransformerEncoder",
        input_shape=(hints.steps or _STEPS, shape[1]),
        layout="last",
        parts=tuple(parts),
        assumed=(
            f"attention has {hints.num_heads} heads, as the caller says",
            "norms follow the sums (norm_first=False) and have epsilon 1e-5",
            f"activations are {hints.activation or 'relu'}",
            f"a sequence of {hints.steps or _STEPS} steps, without a mask",
        ),
    )


def _open(width: int, head: str, hints: Hints) -> str:
    """What neither tensors nor hints tell, all of it at once."""
    left: dict[str, str] = {}
    if hints.num_heads is None:
        left['"num_heads": ...'] = f"the number of attention heads is in no tensor of it (width {width})"
    if head and hints.pooling is None:
        left['"pooling": "mean"'] = f"which steps {head!r} reads is not in the names (first, last, or their mean)"
    return f"{', and '.join(left.values())}: send the JSON {{{', '.join(left)}}} beside the file" if left else ""


def _layer(name: str, hints: Hints) -> Parts:
    attention = Attention(
        projection=f"{name}.self_attn.in_proj_weight",
        bias=f"{name}.self_attn.in_proj_bias",
        output=f"{name}.self_attn.out_proj",
        heads=hints.num_heads or 1,
    )
    feed = (
        Linear(name=f"{name}.linear1"),
        Activation(function=hints.activation or "relu"),
        Linear(name=f"{name}.linear2"),
    )
    return (
        Residual(body=(attention,)),
        LayerNorm(name=f"{name}.norm1"),
        Residual(body=feed),
        LayerNorm(name=f"{name}.norm2"),
    )


def _around(listing: Listing, stack: str, norm: str) -> list[str]:
    """Modules that are none of the stack's."""
    modules = {name.rpartition(".")[0] for name in listing.shapes if not name.startswith(stack)}
    return sorted(modules - {norm})
