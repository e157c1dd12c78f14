"""Whether two parameter graphs are the same up to the names and the order of their groups and blocks."""

from dataclasses import replace

import numpy as np

from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph

RELATIVE = 1e-4
ABSOLUTE = 1e-5
"""Weights this close are the same: exporters fold batch norm in other orders than we do."""


def assert_same_graph(left: ParameterGraph, right: ParameterGraph) -> None:
    """Every group has one like it in the other graph, and so have all its sources."""
    found = differences(left, right)
    assert not found, "\n".join(found)


def differences(left: ParameterGraph, right: ParameterGraph) -> list[str]:
    """What only one of two graphs has, nearest to the input first."""
    comparison = _Comparison(left, right)
    rest = list(range(len(right.groups)))
    found = []
    for number in range(len(left.groups)):
        match = next((other for other in rest if comparison.same(number, other)), None)
        if match is None:
            found.append(f"only left:  {_shown(left, number)}")
        else:
            rest.remove(match)
    found += [f"only right: {_shown(right, number)}" for number in rest]
    if left.family != right.family:
        found.append(f"families {left.family} and {right.family}")
    return found


class _Comparison:
    """Groups are alike if their attributes are, and the blocks that end in them, and the groups those come from."""

    def __init__(self, left: ParameterGraph, right: ParameterGraph) -> None:
        self._groups = left.groups, right.groups
        self._incoming = _incoming(left), _incoming(right)
        self._readers = _readers(left), _readers(right)
        self._known: dict[tuple[int, int], bool] = {}

    def same(self, left: int, right: int) -> bool:
        """Whether two groups are alike."""
        if (left, right) not in self._known:
            self._known[left, right] = self._compared(left, right)
        return self._known[left, right]

    def _compared(self, left: int, right: int) -> bool:
        first, second = self._groups[0][left], self._groups[1][right]
        if _attributes(first) != _attributes(second) or not np.isclose(first.slope, second.slope, RELATIVE, ABSOLUTE):
            return False
        if self._readers[0][left] != self._readers[1][right]:
            return False
        blocks, others = self._incoming[0][left], list(self._incoming[1][right])
        if len(blocks) != len(others):
            return False
        for block in blocks:
            match = next((other for other in others if self._same_block(block, other)), None)
            if match is None:
                return False
            others = [other for other in others if other is not match]
        return True

    def _same_block(self, left: Block, right: Block) -> bool:
        return (
            _fields(left) == _fields(right)
            and np.allclose(left.weight, right.weight, RELATIVE, ABSOLUTE)
            and self.same(left.source, right.source)
        )


def _attributes(group: NodeGroup) -> NodeGroup:
    return replace(group, name="", slope=0.0)


def _fields(block: Block) -> tuple[object, ...]:
    reads = (block.role, block.weight.shape, block.groups, block.kernel)
    return (*reads, block.stride, block.dilation, block.padding, block.heads, block.reading)


def _incoming(graph: ParameterGraph) -> list[list[Block]]:
    return [[block for block in graph.blocks if block.target == number] for number in range(len(graph.groups))]


def _readers(graph: ParameterGraph) -> list[int]:
    return [sum(block.source == number for block in graph.blocks) for number in range(len(graph.groups))]


def _shown(graph: ParameterGraph, number: int) -> str:
    sources = (
        f"{block.role} {list(block.weight.shape)} of {graph.groups[block.source].name}, {block.reading}"
        for block in graph.blocks
        if block.target == number
    )
    return f"{graph.groups[number]} <- {'; '.join(sources)}"
