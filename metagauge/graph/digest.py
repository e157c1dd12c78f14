"""The name of a canonical graph: equal for equal functions, whichever file they came in.

A digest has three parts, `structure-coarse-fine`, each sixteen hexadecimal digits:

- *structure*: groups, blocks and wiring, their attributes and sizes, without weights and names;
- *coarse*: the weights rounded to bfloat16, as a whole: equal for a network saved as float32 and as bfloat16;
- *fine*: every weight to about six decimal digits, which is what folding a batch norm leaves of float32.

`differences` says in words what two graphs do not share, and compares weights to a tolerance of the caller's.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from hashlib import blake2b
from math import log

import numpy as np

from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph
from metagauge.graph.sketch import sketch

_BIN = 5e-4
"""Width of the bins into which the fine products of a block fall."""
_COARSE_BIN = 0.05
_SHOWN = 20

BlockWords = Callable[[Block], str]


def digest(graph: ParameterGraph) -> str:
    """The digest of a graph."""
    structure = _combined(_hashes(graph, lambda _: ""))
    fine = _combined(_hashes(graph, _fine))
    return f"{structure}-{_coarse(graph)}-{fine}"


def differences(left: ParameterGraph, right: ParameterGraph, tolerance: float = 1e-4) -> tuple[str, ...]:
    """What two graphs do not share, in words; empty if nothing: weights may differ by `tolerance` times the largest."""
    above = _structures(left), _structures(right)
    ours, theirs = (_by_hash(structures) for structures in above)
    found = [f"only the first has {_shown(left, n)}" for key in ours for n in ours[key][len(theirs.get(key, ())) :]]
    found += [
        f"only the second has {_shown(right, n)}" for key in theirs for n in theirs[key][len(ours.get(key, ())) :]
    ]
    if not found:
        for key in ours:
            for one, other in zip(ours[key], theirs[key], strict=True):
                blocks = _incoming(left, one, above[0]), _incoming(right, other, above[1])
                found += _weights_apart(*blocks, tolerance)
    return tuple(found[:_SHOWN])


def _coarse(graph: ParameterGraph) -> str:
    """All weights together: sizes, and products in an order that does not depend on the blocks'."""
    sizes, products, count = 0.0, 0.0, 0
    for block in graph.blocks:
        if not block.is_wiring:
            size, one, other = sketch(block.weight, precision="bfloat16")
            sizes += log(max(size, 1e-12))
            products += one * one + other
            count += 1
    return _hash(f"{count} {sizes / max(count, 1) / _COARSE_BIN:.0f} {products / max(count, 1) / _COARSE_BIN:.0f}")


def _fine(block: Block) -> str:
    size, one, other = sketch(block.weight)
    return f"{log(max(size, 1e-12)) / _BIN:.0f} {one / _BIN:.0f} {other / _BIN:.0f}"


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


def _structures(graph: ParameterGraph) -> dict[int, str]:
    """The structure above each group that is no parameter node."""
    numbers = [number for number, group in enumerate(graph.groups) if group.kind != "parameter"]
    return dict(zip(numbers, _hashes(graph, lambda _: ""), strict=True))


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
        apart = float(np.abs(first - second).max(initial=0))
        size = float(np.abs(first).max(initial=0))
        if apart > tolerance * max(size, 1e-12):
            yield f"{ours.name!r} and {theirs.name!r} differ by up to {apart:.3g}, of weights up to {size:.3g}"


def _incoming(graph: ParameterGraph, number: int, structures: dict[int, str]) -> list[Block]:
    """The blocks that end in a group, in an order that depends on them and on what they read alone."""
    blocks = [block for block in graph.blocks if block.target == number]
    return sorted(blocks, key=lambda block: (_block_words(block), structures.get(block.source, "")))
