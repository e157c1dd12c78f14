"""What is drawn of a parameter graph: boxes for groups of neurons, arrows for blocks, and frames for what repeats."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from metagauge.cli.inspection.picture.repeats import Place, Repeat, repeats
from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph

_COUNTED = re.compile(r"[a-z]+(_[a-z]+)*_\d+")
"""Names that a dataflow gives to its values, such as contract_12."""
MAX_BOXES = 1200
"""Boxes of one picture; a layout of this many takes some seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A group, with the parameters that act on its neurons alone: biases, norm parameters, tables.

    `title` is the group's name; where that only counts operators, the module whose tensor makes the neurons.
    """

    number: int
    title: str
    group: NodeGroup
    parameters: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A block between two boxes, by their numbers; or `times` blocks that look the same."""

    source: int
    target: int
    block: Block
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Boxes that stand for `times` copies of themselves, one behind the other."""

    boxes: tuple[int, ...]
    times: int
    last: str
    """Name of the group with which the last copy begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything that is drawn."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    frames: tuple[Frame, ...]
    left_out: int
    """Groups at the end for which there is no room."""


def picture(graph: ParameterGraph) -> Picture:
    """The boxes and arrows of `graph`; of a run of equal parts the first is drawn, in a frame that says how many."""
    folded = _folded(graph)
    shown = [number for number in range(len(graph.groups)) if number not in folded]
    place = {number: at for at, number in enumerate(shown)}
    incoming: dict[int, list[Block]] = defaultdict(list)
    parameters: dict[int, list[Block]] = defaultdict(list)
    for block in graph.blocks:
        (parameters if block.source in folded else incoming)[block.target].append(block)
    places = [
        Place(
            looks=_looks(graph.groups[number], parameters[number], incoming[number]),
            sources=tuple(place[block.source] for block in incoming[number]),
        )
        for number in shown
    ]
    runs = repeats(places)
    first = {at: run.first(at) for run in runs for at in range(run.start, run.end)}
    drawn = [at for at in range(len(shown)) if first.get(at, at) == at]
    kept = set(drawn[:MAX_BOXES])
    return Picture(
        boxes=tuple(
            Box(
                number=at,
                title=_title(graph.groups[shown[at]], [*incoming[shown[at]], *parameters[shown[at]]]),
                group=graph.groups[shown[at]],
                parameters=tuple(parameters[shown[at]]),
            )
            for at in sorted(kept)
        ),
        arrows=_arrows(
            (first.get(place[block.source], place[block.source]), at, block)
            for at in sorted(kept)
            for block in incoming[shown[at]]
            if first.get(place[block.source], place[block.source]) in kept
        ),
        frames=tuple(
            _frame(run, graph.groups[shown[run.end - run.period]]) for run in runs if run.start + run.period - 1 in kept
        ),
        left_out=len(drawn) - len(kept),
    )


def _title(group: NodeGroup, blocks: list[Block]) -> str:
    if not _COUNTED.fullmatch(group.name):
        return group.name
    modules = (block.name.rpartition(".")[0] for block in blocks if not block.is_wiring)
    return next((module for module in modules if module and not _COUNTED.fullmatch(module)), group.name)


def _arrows(found: Iterable[tuple[int, int, Block]]) -> tuple[Arrow, ...]:
    """Blocks that look the same and join the same two boxes, as one arrow."""
    alike: dict[tuple[object, ...], Arrow] = {}
    for source, target, block in found:
        key = (source, target, _block_looks(block))
        times = alike[key].times + 1 if key in alike else 1
        alike[key] = Arrow(source=source, target=target, block=block, times=times)
    return tuple(alike.values())


def _frame(run: Repeat, last: NodeGroup) -> Frame:
    return Frame(boxes=tuple(range(run.start, run.start + run.period)), times=run.times, last=last.name)


def _folded(graph: ParameterGraph) -> set[int]:
    """Parameter groups that are told in the box of the one group they act on."""
    targets: dict[int, set[int]] = defaultdict(set)
    reached: set[int] = set()
    for block in graph.blocks:
        targets[block.source].add(block.target)
        reached.add(block.target)
    groups = enumerate(graph.groups)
    return {
        number
        for number, group in groups
        if group.kind == "parameter" and number not in reached and len(targets[number]) == 1
    }


def _looks(group: NodeGroup, parameters: list[Block], incoming: list[Block]) -> tuple[object, ...]:
    """All that is drawn of a group, but its name and where its blocks come from."""
    alone = () if incoming else (group.name,)  # inputs and tables are drawn one by one
    own = (group.kind, group.size, group.positions, group.norm, group.norm_groups, group.activation, group.slope)
    more = (group.operation, group.detail, group.is_causal)
    return (own, more, alone, tuple(map(_block_looks, parameters)), tuple(map(_block_looks, incoming)))


def _block_looks(block: Block) -> tuple[object, ...]:
    return (block.role, block.weight.shape, block.groups, block.kernel, block.stride, block.dilation, block.reading)
