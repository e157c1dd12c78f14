"""Networks of different architectures as flat rows, so that one matrix product serves the neurons of all of them.

Neurons, groups and blocks of all networks are rows of a few long arrays; only the messages go block by block, as
batched matrix products. Rows of one group lie together, network by network, so that a block reads slices.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from models.graph_tensors import BlockTensors, GraphTensors

PRODUCTS = 4
"""Elementwise functions of a weight that messages are made with; see `products`."""
_PLACE = (0.5, 0.31, 0.17, 1.0, 0.0)
"""What a position's features weigh in its `place`: coordinates along the first axes, and the distance from the middle.
The shares differ, so that no two positions of a kernel have one place."""
TINY = 1e-8
FLOOR = 0.01
BOUND = 30.0
"""Most that a weight times the root of its fan-in counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One block of all networks of a job."""

    source: int
    target: int
    forward: Float[Tensor, "networks groups products outputs inputs"]
    """`products`, scaled so that their sums over inputs are what a target hears."""
    backward: Float[Tensor, " products"]
    """Factors that make sums over outputs what a source hears."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The networks of one job, which share their architecture; arrays have the networks first."""

    group_static: Float[Tensor, "groups group_features"]
    block_static: Float[Tensor, "blocks block_features"]
    order: Float[Tensor, "nodes order_features"]
    sizes: tuple[int, ...]
    """Neurons of each group."""
    output: int
    """The number of the output group."""
    statistics: Float[Tensor, "networks nodes node_statistics"]
    activity: Float[Tensor, "networks nodes activity_features"] | None
    block_statistics: Float[Tensor, "networks blocks block_statistics"]
    told: Float[Tensor, "networks told"]
    """Numbers about whole networks."""
    links: tuple[Link, ...]

    @property
    def networks(self) -> int:
        """How many networks there are."""
        return len(self.statistics)

    def select(self, chosen: Int[Tensor, " chosen"] | Bool[Tensor, " networks"]) -> "Rows":
        """Some of the networks, by number or by mask."""
        return replace(
            self,
            statistics=self.statistics[chosen],
            activity=None if self.activity is None else self.activity[chosen],
            block_statistics=self.block_statistics[chosen],
            told=self.told[chosen],
            links=tuple(replace(link, forward=link.forward[chosen]) for link in self.links),
        )


def flatten(graphs: GraphTensors, told: Float[Tensor, "networks told"]) -> Rows:
    """The rows of networks that share their structure. told: numbers about each network as a whole."""
    activity = [group.activity for group in graphs.groups if group.activity is not None]
    return Rows(
        group_static=torch.stack([group.static for group in graphs.groups]),
        block_static=torch.stack([block.static for block in graphs.blocks]),
        order=torch.cat([group.order for group in graphs.groups]),
        sizes=tuple(group.statistics.shape[1] for group in graphs.groups),
        output=[group.is_output for group in graphs.groups].index(True),
        statistics=torch.cat([group.statistics for group in graphs.groups], dim=1),
        activity=torch.cat(activity, dim=1) if len(activity) == len(graphs.groups) else None,
        block_statistics=torch.stack([block.statistics for block in graphs.blocks], dim=1),
        told=told,
        links=tuple(_link(block) for block in graphs.blocks),
    )


def _link(block: BlockTensors) -> Link:
    outputs, inputs, positions = block.weight.shape[2:]
    fan_in = inputs * positions
    odd, even = fan_in / outputs, inputs / outputs
    return Link(
        source=block.source,
        target=block.target,
        forward=products(block.weight, place(block.positions)),
        backward=torch.tensor([odd, odd, even, even], dtype=block.weight.dtype),
    )


def place(positions: Float[Tensor, "positions position_features"]) -> Float[Tensor, " positions"]:
    """One number for each position of a kernel, from those that describe it."""
    return positions @ positions.new_tensor(_PLACE)


def products(
    weight: Float[Tensor, "networks groups outputs inputs positions"], places: Float[Tensor, " positions"]
) -> Float[Tensor, "networks groups products outputs inputs"]:
    """Functions of the weights between two neurons, summed over kernel positions.

    With w a weight, s its fan-in times its share of the block's root mean square, and n inputs: the sum of w, the sum
    of w by the position's `place`, and the means of |s| and log |s| over positions, divided by n. Sums over
    inputs of all four stay as they are when inputs are duplicated and weights divided among the copies.
    """
    inputs, positions = weight.shape[3:]
    root = (inputs * positions) ** 0.5
    size = weight.flatten(1).square().mean(1).sqrt().clamp_min(TINY).view(-1, 1, 1, 1, 1)
    bounded = (weight * root).clamp(-BOUND, BOUND) / root
    ratio = (weight / size).abs().clamp_max(BOUND)
    return torch.stack(
        [
            bounded.sum(-1),
            bounded @ places,
            ratio.mean(-1) / inputs,
            (ratio + FLOOR).log().mean(-1) / inputs,
        ],
        dim=2,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A link, the numbers of the (job, group) that its ends are, and where its rows lie among all blocks."""

    link: Link
    source: int
    target: int
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Networks of several jobs. Numbers of groups and blocks count (job, network, group) and (job, network, block)."""

    parts: tuple[Rows, ...]
    slices: tuple[Slice, ...]
    extents: tuple[int, ...]
    """How many rows of neurons each (job, group) has."""
    node_kind: Int[Tensor, " nodes"]
    """Which (job, group) a neuron is of."""
    node_group: Int[Tensor, " nodes"]
    node_network: Int[Tensor, " nodes"]
    group_kind: Int[Tensor, " groups"]
    group_network: Int[Tensor, " groups"]
    block_kind: Int[Tensor, " blocks"]
    block_network: Int[Tensor, " blocks"]
    block_source: Int[Tensor, " blocks"]
    """Which group a block comes from."""
    block_target: Int[Tensor, " blocks"]
    output_group: Int[Tensor, " networks"]
    networks: int

    def rows(self, array: Callable[[Rows], Tensor]) -> Tensor:
        """An array with an axis of networks and one of nodes, of all jobs, in the order of the batch's nodes."""
        found = []
        for part in self.parts:
            found += [each.flatten(0, 1) for each in array(part).split(part.sizes, dim=1)]
        return torch.cat(found)

    def scales(self, width: int) -> Float[Tensor, "two blocks said"]:
        """What makes the products of each block sums that targets hear, and sums that sources hear.

        width: columns of each product.
        """
        backward = torch.stack([link.backward for part in self.parts for link in part.links])[self.block_kind]
        return torch.stack([torch.ones_like(backward), backward]).repeat_interleave(width, dim=2)


def join(parts: Sequence[Rows]) -> Batch:
    """One batch of all networks of all parts."""
    device = parts[0].statistics.device
    node_kind, node_group, node_network = [], [], []
    group_kind, group_network, output_group = [], [], []
    block_kind, block_network, block_source, block_target = [], [], [], []
    slices: list[Slice] = []
    extents: list[int] = []
    groups = blocks = networks = kinds = block_kinds = 0
    for part in parts:
        count = part.networks
        mine, first = torch.arange(networks, networks + count), groups
        for number, size in enumerate(part.sizes):
            extents.append(count * size)
            rows = torch.arange(groups, groups + count)
            node_kind.append(torch.full((count * size,), kinds + number))
            node_group.append(rows.repeat_interleave(size))
            node_network.append(mine.repeat_interleave(size))
            group_kind.append(torch.full((count,), kinds + number))
            group_network.append(mine)
            if number == part.output:
                output_group.append(rows)
            groups += count
        for number, link in enumerate(part.links):
            slices.append(Slice(link=link, source=kinds + link.source, target=kinds + link.target, block=blocks))
            block_kind.append(torch.full((count,), block_kinds + number))
            block_network.append(mine)
            for ends, group in ((block_source, link.source), (block_target, link.target)):
                ends.append(torch.arange(first + group * count, first + (group + 1) * count))
            blocks += count
        networks, kinds, block_kinds = networks + count, kinds + len(part.sizes), block_kinds + len(part.links)
    return Batch(
        parts=tuple(parts),
        slices=tuple(slices),
        extents=tuple(extents),
        node_kind=torch.cat(node_kind).to(device),
        node_group=torch.cat(node_group).to(device),
        node_network=torch.cat(node_network).to(device),
        group_kind=torch.cat(group_kind).to(device),
        group_network=torch.cat(group_network).to(device),
        block_kind=torch.cat(block_kind).to(device),
        block_network=torch.cat(block_network).to(device),
        block_source=torch.cat(block_source).to(device),
        block_target=torch.cat(block_target).to(device),
        output_group=torch.cat(output_group).to(device),
        networks=networks,
    )
