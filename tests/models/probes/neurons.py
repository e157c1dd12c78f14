"""What tells a neuron from the others of its group, wherever a permutation put it."""

from collections.abc import Hashable

import numpy as np

from metagauge.graph.parameter_graph import ParameterGraph

_WITHOUT_SELF = ("attend", "head", "member")
"""Wiring that says nothing of which neuron its target is."""


def signatures(graph: ParameterGraph) -> list[list[Hashable]]:
    """For each group and neuron, its incoming weights in order of size, or those of the neuron that it is wired to."""
    found: list[list[Hashable]] = [[()] * group.size for group in graph.groups]
    for target in sorted(range(len(graph.groups)), key=lambda number: graph.groups[number].depth):
        group = graph.groups[target]
        if group.ordered:
            found[target] = list(range(group.size))
        for block in graph.blocks:
            if block.target == target and not group.ordered and block.role not in _WITHOUT_SELF:
                for neuron in range(group.size):
                    copies = group.size // graph.groups[block.source].size
                    own: Hashable = tuple(np.sort(np.asarray(block.weight[neuron]).ravel()).tolist())
                    if block.is_wiring:
                        own = (found[block.source][neuron // copies], neuron % copies)
                    found[target][neuron] = (found[target][neuron], own)
    return found
