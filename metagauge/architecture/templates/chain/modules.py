"""Tensors grouped by the module they belong to, and what kind of module that is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from metagauge.architecture.templates.names.listing import Listing

Kind = Literal["linear", "convolution", "batch_norm", "layer_norm", "prelu"]

_LEAF = re.compile(
    r"(?:(?P<module>.+)\.)?(?P<leaf>weight|bias|running_mean|running_var|weight_g|weight_v|weight_orig|weight_u"
    r"|parametrizations\.weight\.(?:original[01]?|0\._u|0\._v))"
)
_SHAPED = ("weight", "weight_orig", "weight_v", "parametrizations.weight.original1", "parametrizations.weight.original")
"""Leaves that have the shape of the weight, the one that tells first."""

_NAME = 300
"""Letters of a name that is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One module: its name, its kind, and the shape of its weight."""

    name: str
    kind: Kind
    shape: tuple[int, ...]
    bias: int | None
    """Elements of its bias, which are its outputs."""

    @property
    def is_layer(self) -> bool:
        """Whether it mixes channels."""
        return self.kind in ("linear", "convolution")


def modules(listing: Listing) -> tuple[Module, ...] | str:
    """The modules in the order of the file; or what there is besides modules of the kinds that chains are made of."""
    leaves: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in listing.shapes.items():
        match = _LEAF.fullmatch(name) if len(name) < _NAME and 0 not in shape else None
        if match is None:
            return f"tensor {name[:100]!r} {list(shape)} is no weight, bias or running statistic of a plain layer"
        leaves.setdefault(match["module"] or "", {})[match["leaf"]] = shape
    found = []
    for name, shapes in leaves.items():
        kind = _kind(name, shapes)
        if kind is None:
            listed = ", ".join(f"{leaf} {list(shape)}" for leaf, shape in sorted(shapes.items()))
            return f"module {name[:100]!r} ({listed}) is no plain layer whose kind its tensors tell"
        shaped = next((leaf for leaf in _SHAPED if leaf in shapes), "running_mean")
        found.append(
            Module(name=name, kind=kind, shape=shapes[shaped], bias=shapes["bias"][0] if shapes.get("bias") else None)
        )
    return tuple(found)


def _kind(name: str, shapes: Mapping[str, tuple[int, ...]]) -> Kind | None:
    if "running_mean" in shapes and "running_var" in shapes:
        return "batch_norm" if len(shapes["running_mean"]) == 1 else None
    weight = next((shapes[leaf] for leaf in _SHAPED if leaf in shapes), None)
    if weight is None or "running_mean" in shapes or "running_var" in shapes:
        return None
    match len(weight):
        case 1 if shapes.get("bias") == weight and weight != (1,):
            return "layer_norm"
        case 1 if "bias" not in shapes and (weight == (1,) or "prelu" in name.lower()):
            return "prelu"
        case 2:
            return "linear"
        case 3 | 4 | 5:
            return "convolution"
        case _:
            return None
