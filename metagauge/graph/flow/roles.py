"""Which linear maps are the queries, keys, values and outputs of an attention."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from metagauge.graph.parameter_graph import Block, NodeGroup, Role

_REACH = 12
"""Most wirings between a projection and the products it enters: rotations, norms, repeats of heads."""

Incoming = Mapping[int, list[Block]]


def with_roles(groups: tuple[NodeGroup, ...], blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks with the roles of attention; `heads` is the number of score neurons.

    An attention is a contraction whose values pass a softmax and then meet others in a second contraction
    (Vaswani et al. 2017, sec. 3.2.1).
    """
    incoming: dict[int, list[Block]] = defaultdict(list)
    for block in blocks:
        incoming[block.target].append(block)
    found: dict[int, tuple[Role, int]] = {}
    mixed: dict[int, int] = {}
    for number, group in enumerate(groups):
        if group.operation != "contract":
            continue
        operands = [block for block in incoming[number] if block.is_wiring]
        scores = {block.operand: _scores(groups, incoming, block.source) for block in operands}
        for block in operands:
            at = scores[block.operand]
            others = [other for other in operands if other.operand != block.operand]
            if at is None or not others:
                continue
            heads = groups[at].size
            mixed[number] = heads
            for other in others:
                _mark(found, incoming, other.source, "value", heads)
            for part in incoming[at]:
                if part.is_wiring:
                    _mark(found, incoming, part.source, "query" if part.operand == 0 else "key", heads)
    for block in blocks:
        if block.role == "linear":
            heads = _mixture(incoming, mixed, block.source)
            if heads is not None:
                found[id(block)] = ("attention_output", heads)
    return tuple(
        replace(block, role=found[id(block)][0], heads=found[id(block)][1]) if id(block) in found else block
        for block in blocks
    )


def _scores(groups: tuple[NodeGroup, ...], incoming: Incoming, number: int) -> int | None:
    """The contraction whose softmax a group is, if it is one; masks and wirings may lie between."""
    waiting = [(number, groups[number].activation == "softmax")]
    seen = {number}
    for _ in range(_REACH * 2):
        if not waiting:
            return None
        at, has_softmax = waiting.pop(0)
        if groups[at].operation == "contract":
            if has_softmax:
                return at
            continue
        for block in incoming[at]:
            if block.is_wiring and block.source not in seen:
                seen.add(block.source)
                waiting.append((block.source, has_softmax or groups[block.source].activation == "softmax"))
    return None


def _mark(found: dict[int, tuple[Role, int]], incoming: Incoming, number: int, role: Role, heads: int) -> None:
    """Gives a role to the linear maps that make a group, wirings aside."""
    seen, waiting = {number}, [number]
    for _ in range(_REACH):
        following: list[int] = []
        for each in waiting:
            made = [block for block in incoming[each] if block.role == "linear"]
            for block in made:
                found.setdefault(id(block), (role, heads))
            if not made:
                following += [block.source for block in incoming[each] if block.is_wiring and block.source not in seen]
        seen.update(following)
        waiting = following


def _mixture(incoming: Incoming, mixed: Mapping[int, int], number: int) -> int | None:
    """The heads of the attention that a group shows."""
    for _ in range(2):
        if number in mixed:
            return mixed[number]
        wired = [block for block in incoming[number] if block.role == "residual"]
        if len(wired) != 1:
            return None
        number = wired[0].source
    return None
