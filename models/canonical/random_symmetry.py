"""Random members of a graph's symmetries: another numbering, or other scales, of the same neurons."""

from dataclasses import replace
from math import lcm, log

import numpy as np
from jaxtyping import Int

from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph
from models.canonical.blocks import is_one_to_one
from models.canonical.neurons import STATISTICS, NeuronSets
from models.canonical.rescale import Scaling

Order = Int[np.ndarray, " neurons"]


def scale_randomly(
    graph: ParameterGraph, rng: np.random.Generator, *, least: float = 0.1, most: float = 10.0
) -> ParameterGraph:
    """The same function with log-uniform factors for the neurons that may be scaled; the same graph if none may."""
    return Scaling(graph, lambda size: np.exp(rng.uniform(log(least), log(most), size))).graph()


def permute_randomly(graph: ParameterGraph, rng: np.random.Generator) -> ParameterGraph:
    """An isomorphic graph; heads move as a whole, and the neurons of a norm's group stay in it.

    The same graph if no neuron may be moved.
    """
    sets = NeuronSets(graph)
    drawn: dict[int, Order] = {}
    head_orders = {
        number: np.arange(each.count)
        if any(sets.is_barred(part) for part in (each.query, each.value))
        else rng.permutation(each.count)
        for number, each in sets.attentions.items()
    }
    for number, group in enumerate(graph.groups):
        if sets.is_barred(number) or number in sets.attentions or sets.of(number) in drawn:
            continue
        attention = sets.attention_of(number)
        members = [each for at, each in enumerate(graph.groups) if sets.of(at) == sets.of(number)]
        order = _fixed_runs(members) if attention is None else head_orders[attention.heads]
        drawn[sets.of(number)] = _within_runs(group.size, order, rng)
    orders = {number: drawn[sets.of(number)] for number in range(len(graph.groups)) if sets.of(number) in drawn}
    blocks = tuple(_permuted(block, graph, orders) for block in graph.blocks)
    return replace(graph, blocks=blocks) if orders else graph


def _fixed_runs(groups: list[NodeGroup]) -> Order:
    """Runs that are part of one run of every norm of these groups, which have the same neurons."""
    size, runs = groups[0].size, lcm(*(group.norm_groups for group in groups if group.norm in STATISTICS))
    return np.arange(size if size % runs else runs)


def _within_runs(size: int, order: Order, rng: np.random.Generator) -> Order:
    """Runs of neurons in this order, and those of each in any."""
    width = size // len(order)
    return np.concatenate([run * width + rng.permutation(width) for run in order])


def _permuted(block: Block, graph: ParameterGraph, orders: dict[int, Order]) -> Block:
    rows, columns = orders.get(block.target), orders.get(block.source)
    if block.is_wiring or (rows is None and columns is None):
        return block
    weight = block.weight if rows is None else block.weight[rows]
    if columns is not None and not is_one_to_one(block, graph):
        weight = weight[:, columns]
    return replace(block, weight=weight)
