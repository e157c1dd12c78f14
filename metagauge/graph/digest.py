"""The name of a canonical graph: equal for equal functions, whichever file they came in.

A digest has three parts, `structure-coarse-fine`, each sixteen hexadecimal digits:

- *structure*: groups, blocks and wiring, their attributes and sizes, without weights and names;
- *coarse*: each block's size and its products with two fixed directions, of the weights rounded to bfloat16, in steps
  of 2 % of the block's norm: equal for a network saved as float32 and as bfloat16;
- *fine*: the same of the weights as they are, in steps of 0.05 % of the block's norm, which is far above what folding a
  batch norm leaves of float32. One weight of another sign among a million shows; one weight changed by a thousandth
  may not.

A digest is of neurons in the order of their file: permuting them makes another one. `differences` compares weight by
weight, to a tolerance of the caller's, and says in words what two graphs do not share.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from math import log
from typing import TypeVar

import numpy as np

from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph
from metagauge.graph.sketch import Precision, sketch

_BIN, _COARSE_BIN = 5e-4, 0.02
"""Widths of the bins into which a block's products, and the logarithm of its size, fall."""

BlockWords = Callable[[Block], str]
T = TypeVar("T")


def digest(graph: ParameterGraph) -> str:
    """The digest of a graph."""
    structure = _combined(_hashes(graph, lambda _: ""))
    coarse, fine = (_combined(_hashes(graph, words)) for words in (_coarse, _fine))
    return f"{structure}-{coarse}-{fine}"


def differences(left: ParameterGraph, right: ParameterGraph, tolerance: float = 1e-4) -> tuple[str, ...]:
    """What two graphs do not share, in words; empty if nothing: weights may differ by `tolerance` times the largest."""
    above = _structures(left), _structures(right)
    ours, theirs = (_by_hash(structures) for structures in above)
    found = [f"only the first has {_shown(left, n)}" for key in ours for n in ours[key][len(theirs.get(key, ())) :]]
    found += [
        f"only the second has {_shown(right, n)}" for key in theirs for n in theirs[key][len(ours.get(key, ())) :]
    ]
    if not found:
        weights = _structures(left, _fine), _structures(right, _fine)
        for key in ours:
            for one, other in _paired(ours[key], theirs[key], weights[0].__getitem__, weights[1].__getitem__):
                blocks = _incoming(left, one, above[0]), _incoming(right, other, above[1])
                found += _weights_apart(*blocks, tolerance)
    return tuple(found)


def _paired(
    left: Sequence[T], right: Sequence[T], left_name: Callable[[T], str], right_name: Callable[[T], str]
) -> Iterator[tuple[T, T]]:
    """As many of each: those of one name with each other, the rest in their order."""
    named: dict[str, list[int]] = defaultdict(list)
    for place in reversed(range(len(right))):
        named[right_name(right[place])].append(place)
    met = [named[name].pop() if named.get(name := left_name(each)) else None for each in left]
    rest = iter(sorted(place for places in named.values() for place in places))
    for each, place in zip(left, met, strict=True):
        yield each, right[next(rest) if place is None else place]


def _coarse(block: Block) -> str:
    return _sketched(block, _COARSE_BIN, "bfloat16")


def _fine(block: Block) -> str:
    return _sketched(block, _BIN, "float32")


def _sketched(block: Block, width: float, precision: Precision) -> str:
    if block.is_wiring:
        return ""
    size, one, other = sketch(block.weight, precision=precision)
    return f"{log(max(size, 1e-12)) / width:.0f} {one / width:.0f} {other / width:.0f}"


def _hashes(graph: ParameterGraph, words: BlockWords) -> list[str]:
    """One for each group, of itself and all it is computed from; parameter nodes are part of what reads them."""
    incoming: dict[int, list[Block]] = defaultdict(list)
    for block in graph.blocks:
        incoming[block.target].append(block)
    spelled = {id(block): _block_words(block) + words(block) for block in graph.blocks}
    own = [_group_words(group) for group in graph.groups]
    near = [
        _hash(own[number], *sorted(spelled[id(block)] + own[block.source] for block in incoming[number]))
        for number in range(len(graph.groups))
    ]
    found: dict[int, str] = {}
    for number in _order(graph, incoming):
        parts = (
            spelled[id(block)]
            + ("" if graph.groups[block.source].kind == "parameter" else found.get(block.source, near[block.source]))
            for block in incoming[number]
        )
        found[number] = _hash(own[number], *sorted(parts))
    return [found[number] for number, group in enumerate(graph.groups) if group.kind != "parameter"]


def _order(graph: ParameterGraph, incoming: dict[int, list[Block]]) -> Iterator[int]:
    """Sources before targets, as far as loops allow."""
    state: dict[int, int] = {}
    for first in range(len(graph.groups)):
        waiting = [(first, False)]
        while waiting:
            number, is_ready = waiting.pop()
            if is_ready:
                yield number
            elif number not in state:
                state[number] = 1
                waiting.append((number, True))
                waiting.extend((block.source, False) for block in incoming[number] if block.source not in state)


def _group_words(group: NodeGroup) -> str:
    kept = (group.kind, group.size, group.norm, group.norm_groups, f"{group.epsilon:.3g}", group.places)
    rest = (group.activation, f"{group.slope:.5g}", group.operation, group.detail, group.is_causal, group.ordered)
    return repr((kept, rest))


def _block_words(block: Block) -> str:
    kept = (block.role, block.weight.shape, block.groups, block.kernel, block.stride, block.dilation, block.padding)
    sign = float(block.weight[(0,) * block.weight.ndim]) if block.is_wiring and block.weight.size else 0.0
    return repr((kept, block.heads, block.reading, block.operand, block.transposed, sign))


def _combined(hashes: list[str]) -> str:
    return _hash(*sorted(hashes))


def _hash(*words: str) -> str:
    made = blake2b(digest_size=8)
    for word in words:
        made.update(word.encode())
        made.update(b"\0")
    return made.hexdigest()


def _by_hash(structures: dict[int, str]) -> dict[str, list[int]]:
    """Groups by the structure above them."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, key in structures.items():
        found[key].append(number)
    return found


def _structures(graph: ParameterGraph, words: BlockWords = lambda _: "") -> dict[int, str]:
    """The structure above each group that is no parameter node, with `words` for each block."""
    numbers = [number for number, group in enumerate(graph.groups) if group.kind != "parameter"]
    return dict(zip(numbers, _hashes(graph, words), strict=True))


def _shown(graph: ParameterGraph, number: int) -> str:
    group = graph.groups[number]
    roles = Counter(block.role for block in graph.blocks if block.target == number)
    read = ", ".join(f"{count} {role}" if count > 1 else role for role, count in sorted(roles.items()))
    what = f"{group.operation} of {group.size} neurons"
    extra = f", {group.norm} norm" * (group.norm != "none") + f", {group.activation}" * (group.activation != "identity")
    detail = f" ({'; '.join(group.detail)})" if group.detail else ""
    return f"{group.name!r}: {what}{extra}{detail} reading {read or 'nothing'}"


def _weights_apart(left: list[Block], right: list[Block], tolerance: float) -> Iterator[str]:
    for ours, theirs in zip(left, right, strict=True):
        first, second = (np.asarray(block.weight, np.float32) for block in (ours, theirs))
        same = (first == second) | (np.isnan(first) & np.isnan(second))
        apart = float(np.abs(np.subtract(first, second, out=np.zeros_like(first), where=~same)).max(initial=0))
        size = float(np.abs(first[np.isfinite(first)]).max(initial=0))
        if not apart <= tolerance * max(size, 1e-12):
            yield f"{ours.name!r} and {theirs.name!r} differ by up to {apart:.3g}, of weights up to {size:.3g}"


def _incoming(graph: ParameterGraph, number: int, structures: dict[int, str]) -> list[Block]:
    """The blocks that end in a group, in an order that depends on them and on what they read alone."""
    blocks = [block for block in graph.blocks if block.target == number]
    return sorted(blocks, key=lambda block: (_block_words(block), structures.get(block.source, "")))
