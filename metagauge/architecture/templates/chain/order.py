"""The order in which the modules of a chain are applied, where their names tell it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from metagauge.architecture.templates.chain.modules import Module

_NUMBERED = re.compile(r"(?:(?P<prefix>(?:.*\.)?[A-Za-z_]\w*)\.)?(?P<numbers>\d{1,6}(?:\.\d{1,6})*)")
_NAMED = re.compile(r"(?P<word>[A-Za-z]+(?:_[A-Za-z]+)*?)_?(?P<number>\d{1,4})(?:_?(?P<role>[A-Za-z]+))?")
_FIRST = {"features", "encoder", "backbone", "body", "conv", "conv_layers", "feature_extractor", "stem"}
_SECOND = {"classifier", "decoder", "head", "fc", "fcs", "fc_layers", "mlp", "linear", "top", "output", "dense"}
_PARALLEL = {"experts", "heads", "branches", "towers", "gates", "projections", "convs", "lins", "filters", "kernels"}
"""Lists whose modules are more often beside than behind one another."""
_LAST = {"fc", "head", "classifier", "out", "output", "output_layer", "fc_out", "final", "last", "logits", "linear"}
_NORM = re.compile(r"(?:.*_)?(?:bn|norm|batch_?norm|batchnorm|ln|layernorm)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """Modules in the order of application. `adjacent` are places whose module follows the one before it directly."""

    modules: tuple[Module, ...]
    adjacent: frozenset[int]
    assumed: tuple[str, ...] = ()
    is_sequence: bool = False
    """Whether they are numbered in one list without a name, as only nn.Sequential saves itself."""


def ordered(modules: tuple[Module, ...]) -> Ordered | str:
    """The order, or why the names do not tell it."""
    if len(modules) == 1 and modules[0].is_layer and modules[0].bias:
        return Ordered(modules=modules, adjacent=frozenset())
    numbered = [_NUMBERED.fullmatch(module.name) for module in modules]
    if all(numbered):
        return _sequential(
            {module.name: match for module, match in zip(modules, numbered, strict=True) if match}, modules
        )
    return _by_words(modules)


def _sequential(matches: Mapping[str, re.Match[str]], modules: tuple[Module, ...]) -> Ordered | str:
    """`0`, `1`, ... of one container, or of two whose names say which is first."""
    prefixes = sorted({match["prefix"] or "" for match in matches.values()})
    reason = _doubt(prefixes, modules)
    if reason:
        return reason
    rank = {prefix: place for place, prefix in enumerate(prefixes)}
    assumed: tuple[str, ...] = ()
    if len(prefixes) > 1:
        first = [prefix for prefix in prefixes if prefix.split(".")[-1] in _FIRST]
        second = [prefix for prefix in prefixes if prefix.split(".")[-1] in _SECOND]
        if len(prefixes) != 2 or len(first) != 1 or len(second) != 1:
            return f"the names do not tell the order of {', '.join(repr(prefix[:60]) for prefix in prefixes[:6])}"
        rank = {first[0]: 0, second[0]: 1}
        assumed = (f"{first[0]!r} comes before {second[0]!r}, as the names suggest",)

    def place(module: Module) -> tuple[int, tuple[int, ...]]:
        match = matches[module.name]
        return rank[match["prefix"] or ""], tuple(int(number) for number in match["numbers"].split("."))

    placed = sorted(modules, key=place)
    adjacent = set()
    for number, (before, after) in enumerate(pairwise(placed), start=1):
        (left, numbers), (right, following) = place(before), place(after)
        if left == right and numbers[:-1] == following[:-1] and following[-1] == numbers[-1] + 1:
            adjacent.add(number)
    return Ordered(modules=tuple(placed), adjacent=frozenset(adjacent), assumed=assumed, is_sequence=prefixes == [""])


def _doubt(prefixes: list[str], modules: tuple[Module, ...]) -> str:
    """Why a list of modules may be no sequence: only a sequence has numbers and no name."""
    named = [prefix for prefix in prefixes if prefix]
    if any(prefix.split(".")[-1] in _PARALLEL for prefix in named):
        return f"the modules of {named[0][:60]!r} may be beside one another"
    layers = [module for module in modules if module.is_layer]
    if named and len(layers) > 1 and all(layer.shape[0] == layer.shape[1] for layer in layers):
        return f"all layers of {named[0][:60]!r} have one width, which would hide whatever else connects them"
    return ""


def _by_words(modules: tuple[Module, ...]) -> Ordered | str:
    """`conv1`, `bn1`, `conv2`, ..., `fc1`, and at most one last layer without a number."""
    last = [module for module in modules if module.name in _LAST and module.kind == "linear"]
    keys: dict[str, tuple[int, int, int]] = {}
    words: dict[str, set[str]] = {"linear": set(), "convolution": set()}
    for module in modules:
        if module in last:
            continue
        match = _NAMED.fullmatch(module.name)
        if match is None:
            return f"the name {module.name[:100]!r} does not tell the place of its module"
        role = 0 if module.is_layer else 1 if module.kind != "prelu" else 2
        norm = _NORM.fullmatch(match["word"]) or (match["role"] and _NORM.fullmatch(match["role"]))
        if module.is_layer:
            if norm or match["role"]:
                return f"the name {module.name[:100]!r} does not tell the place of its module"
            words[module.kind].add(match["word"])
        keys[module.name] = (0, int(match["number"]), role)
    if len(last) > 1 or any(len(found) > 1 for found in words.values()) or not any(words.values()):
        return f"the layers {', '.join(repr(module.name[:60]) for module in modules[:8])} are not one numbered chain"
    layers_with: dict[int, list[Module]] = {}
    for module in modules:
        if module.is_layer and module not in last:
            layers_with.setdefault(keys[module.name][1], []).append(module)
    # Linear layers follow the convolutions; a norm or PReLU goes with the layer that has its number and width.
    for module in modules:
        if module in last or module.kind == "convolution":
            continue
        _, number, role = keys[module.name]
        layers = [module] if module.is_layer else layers_with.get(number, [])
        kinds = {layer.kind for layer in layers if module.shape == (1,) or module.shape[0] in layer.shape[:2]}
        if len(kinds) != 1:
            return f"the layer that {module.name[:100]!r} belongs to is not known"
        keys[module.name] = (int("linear" in kinds), number, role)
    if len(set(keys.values())) < len(keys):
        return f"two modules have the same place in {', '.join(repr(module.name[:60]) for module in modules[:8])}"
    placed = sorted((module for module in modules if module not in last), key=lambda module: keys[module.name])
    assumed = ("the layers follow one another in the order of their numbers, and nothing goes around them",)
    return Ordered(modules=(*placed, *last), adjacent=frozenset(), assumed=assumed)
