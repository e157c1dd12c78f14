"""The rounds of the graph metanetwork for one graph, in memory that grows with its neurons and not with its blocks.

What a neuron hears of a block is linear in the means of its edges' features, so those are added up over the blocks that
meet at it as soon as they are known, once for those that end there and once for those that begin there. Of a block only
the mean over all of its edges is kept. Sums and features are changed in place, some neurons at a time.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from models.metanetworks.edge_round import Round
from models.metanetworks.edge_sums import EdgeLayer, EdgeMeans, EdgeSums

ROWS = 1024
"""Neurons whose features are worked on at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neurons:
    """Those of a group."""

    features: Float[Tensor, "size node_width"]
    arriving: Float[Tensor, "size edge_width"]
    """Means of e over the edges that end in a neuron, added up over blocks."""
    leaving: Float[Tensor, "size edge_width"]
    """The same of the edges that begin at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The edges of a block; see `models.metanetworks.edge_round.BlockState`."""

    source: int
    target: int
    context: Float[Tensor, "1 node_width"]
    first: Float[Tensor, "edge_width edge_features"]
    positions: Float[Tensor, "positions position_features"]
    by_position: Float[Tensor, "edge_width position_features"]
    """What makes first features of an edge of its position: there may be as many positions as words."""
    first_block: Float[Tensor, "1 edge_width"]
    mean: Float[Tensor, " edge_width"]
    """Of e, over all edges."""

    def hear(self, neurons: Sequence[Neurons], to_targets: Tensor, to_sources: Tensor) -> None:
        """Adds to the mean features of its edges: (targets, edge_width) and (sources, edge_width)."""
        neurons[self.target].arriving.add_(to_targets)
        neurons[self.source].leaving.add_(to_sources)
        self.mean.add_(to_targets.mean(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a forward pass stands."""

    neurons: tuple[Neurons, ...]
    bundles: tuple[Bundle, ...]
    world: Float[Tensor, "1 global_width"]


def begin(neurons: Sequence[Neurons], bundle: Bundle, means: EdgeMeans) -> None:
    """Lets the ends of a block know the first features of its edges. means: of `edge_features`."""
    shared = bundle.first_block + bundle.by_position @ bundle.positions.mean(0)
    ends = (means.at_targets[0], means.at_sources[0])
    bundle.hear(neurons, *(torch.addmm(shared, each, bundle.first.T) for each in ends))


def advance(weights: Round, sums: EdgeSums, state: State) -> State:
    """What `weights` makes of a state, which is used up."""
    for number, bundle in enumerate(state.bundles):
        means = sums.hidden(number, _layer(weights, state, bundle))
        bundle.hear(state.neurons, weights.edge_out(means.at_targets[0]), weights.edge_out(means.at_sources[0]))
    ending = Counter(bundle.target for bundle in state.bundles)
    beginning = Counter(bundle.source for bundle in state.bundles)
    for group, each in enumerate(state.neurons):
        bias = ending[group] * weights.forward_out.bias + beginning[group] * weights.backward_out.bias
        for some in rows(len(each.features)):
            _update(weights, each, some, bias, state.world)
    mean_node = torch.stack([each.features.mean(0) for each in state.neurons]).mean(0, keepdim=True)
    mean_edge = torch.stack([each.mean for each in state.bundles]).mean(0, keepdim=True)
    world = state.world + weights.update_global(torch.cat([mean_node, mean_edge, state.world], dim=1))
    return State(neurons=state.neurons, bundles=state.bundles, world=world)


def rows(size: int) -> Iterator[slice]:
    """Neurons, some at a time."""
    return (slice(first, first + ROWS) for first in range(0, size, ROWS))


def _layer(weights: Round, state: State, bundle: Bundle) -> EdgeLayer:
    around = weights.edge_context(torch.cat([bundle.context, state.world], dim=1))
    around = around + weights.edge_own(bundle.first_block)
    target, source = (weights.norm(state.neurons[end].features) for end in (bundle.target, bundle.source))
    return EdgeLayer(
        own=weights.edge_own.weight @ bundle.first,
        at_target=(weights.edge_target(target) + around)[None],
        at_source=weights.edge_source(source)[None],
        at_place=bundle.positions @ (weights.edge_own.weight @ bundle.by_position).T,
    )


def _update(weights: Round, neurons: Neurons, some: slice, bias: Tensor, world: Tensor) -> None:
    old = neurons.features[some]
    heard = torch.addmm(bias, neurons.arriving[some], weights.forward_out.weight.T)
    heard.addmm_(neurons.leaving[some], weights.backward_out.weight.T)
    old.add_(weights.update_node(torch.cat([weights.norm(old), heard, world.expand(len(old), -1)], dim=1)))
