"""A graph without copies of neurons: what is left of a network that was widened by duplicating them.

Copies say the same, so one of them may say it for all if it is listened to as much as all of them together: what is
kept of the weights into copies is the first one's, and the weights out of them add up. This undoes Chen et al. 2016
(sec. 2.2), whatever the copies' shares are.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph
from models.canonical.attention import attentions
from models.canonical.blocks import is_constant, is_one_to_one, tiles
from models.canonical.copies import Classes, copies


def merge(graph: ParameterGraph) -> ParameterGraph:
    """The same function with one neuron in the place of its copies; the very same graph if there are none.

    Where a norm takes statistics over neurons, they are merged only if all have as many copies; heads of attention are
    merged as a whole; neurons that anything but a sum reads, or that stand for one position of a flattened map, stay as
    they are.
    """
    found = copies(graph)
    return merged(graph, found) if found else graph


def merged(graph: ParameterGraph, found: Mapping[int, Classes]) -> ParameterGraph:
    """The graph with one neuron for each class of copies. found: what `copies` says of it."""
    groups = tuple(_merged_group(group, found.get(number)) for number, group in enumerate(graph.groups))
    heads = {
        number: groups[each.heads].size for each in attentions(graph) for number in (each.query, each.key, each.value)
    }
    blocks = tuple(
        _merged_block(_with_heads(block, heads), graph, groups, found)
        if block.target in found or block.source in found
        else block
        for block in graph.blocks
    )
    return replace(graph, groups=groups, blocks=blocks)


def _merged_group(group: NodeGroup, classes: Classes | None) -> NodeGroup:
    if classes is None:
        return group
    size = len(np.unique(classes))
    return replace(group, size=size, norm_groups=size if group.norm == "batch" else group.norm_groups)


def _with_heads(block: Block, heads: Mapping[int, int]) -> Block:
    """The block of an attention with as many heads as there are left."""
    at = block.source if block.role == "attention_output" else block.target
    return replace(block, heads=heads[at]) if block.heads and at in heads else block


def _merged_block(
    block: Block, graph: ParameterGraph, groups: tuple[NodeGroup, ...], found: Mapping[int, Classes]
) -> Block:
    """The rows of the neurons that stay, and the sums of the columns of those that are one."""
    rows, columns = found.get(block.target), found.get(block.source)
    targets, sources = groups[block.target].size, groups[block.source].size
    if block.is_wiring:  # from neuron to neuron, or from each run of neurons to its node
        runs = sources if is_one_to_one(block, graph) else targets
        return replace(block, weight=_constant(block, (targets, sources // runs, 1)), groups=runs)
    if is_constant(block):
        return replace(block, weight=_constant(block, (targets, *block.weight.shape[1:])))
    kept = block if rows is None else replace(block, weight=block.weight[np.unique(rows)])
    if is_one_to_one(block, graph):
        return replace(kept, groups=sources)
    return kept if columns is None else replace(kept, weight=_added_up(kept, columns))


def _constant(block: Block, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(block.weight[(0,) * block.weight.ndim], shape)


def _added_up(block: Block, classes: Classes) -> Float[np.ndarray, "targets sources positions"]:
    """The weights with the columns of each class added up, classes in the order of their first neurons."""
    order = np.argsort(classes, kind="stable")
    starts = np.flatnonzero(np.diff(classes[order], prepend=-1))
    weight = np.empty((len(block.weight), len(starts), block.weight.shape[2]), np.float32)
    for part, tile in tiles(block):
        weight[part] = np.add.reduceat(tile[:, order], starts, axis=1)
    return weight
