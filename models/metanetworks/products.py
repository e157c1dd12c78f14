"""The metanetwork of matrix-product messages, on weights alone or with what the network answers to probe images.

With node features h, elementwise functions phi_k of a block's weights W, and block context c, a target hears

    sum over blocks of gate(c) * concat_k phi_k(W) @ (h A_k)

and a source the same of the transposed block. Sums are scaled by fan-in, so that nothing changes when neurons are
duplicated and their outgoing weights divided. Neurons of all networks of a batch are rows of one array.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models import features
from models.graph_tensors import GraphTensors
from models.metanetworks.messages import Way, messages, softsign, ways_of
from models.metanetworks.reader import ReaderConfig
from models.metanetworks.rows import PRODUCTS, Batch, Rows, flatten, join
from models.metanetworks.standardise import Standardise
from models.metanetworks.targets import TARGETS
from models.neighbourhood.weight_shape import WEIGHT_SHAPE, shape_of
from models.probes.responses import RESPONSE_FEATURES


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductConfig:
    """Sizes of a metanetwork. Without statistics, neurons and blocks are known by their place and messages alone."""

    messages: Literal["products"] = "products"
    node_width: int = 64
    message_width: int = 24
    global_width: int = 48
    rounds: int = 2
    dropout: float = 0.1
    statistics: bool = True
    activity: int = 0
    """Features of each neuron's answers to probe images; 0 for none."""
    responses: int = 0
    """Features of the network's answers to drawn probe images and to one set of learned ones; 0 for none."""
    shape: bool = False
    """Whether the head reads what the network's weights look like as a whole (`weight_shape`)."""
    told_width: int = 128
    """Of what the head makes of answers and shape."""
    members: int = 1
    """How many of them speak together; see `models.metanetworks.ensemble`."""
    readers: ReaderConfig | None = None
    """What speaks beside them."""

    @property
    def told(self) -> int:
        """How many numbers about the whole network the head reads besides the embedding of its graph."""
        return self.responses + (len(WEIGHT_SHAPE) if self.shape else 0)


class ProductMetanetwork(nn.Module):
    """Predicts properties of networks from their parameter graphs; the answer does not depend on the batch."""

    def __init__(self, config: ProductConfig) -> None:
        super().__init__()
        self.config = config
        node, world = config.node_width, config.global_width
        statistics = features.NODE_STATISTICS if config.statistics else 0
        self.node_scale = Standardise(statistics)
        self.activity_scale = Standardise(config.activity)
        self.block_scale = Standardise(features.BLOCK_STATISTICS if config.statistics else 0)
        self.told_scale = Standardise(config.told)
        self.encode_kind = nn.Linear(features.GROUP_FEATURES, node)
        self.encode_own = nn.Linear(features.ORDER_FEATURES + statistics + config.activity, node, bias=False)
        self.encode_node = nn.Sequential(nn.GELU(), nn.Linear(node, node))
        self.encode_block_kind = nn.Linear(features.BLOCK_FEATURES, node)
        self.encode_block_own = nn.Linear(len(self.block_scale.mean), node, bias=False)
        self.encode_block = nn.Sequential(nn.GELU(), nn.Linear(node, node))
        self.encode_global = nn.Linear(node, world)
        self.rounds = nn.ModuleList(ProductRound(config) for _ in range(config.rounds))
        self.read_kind = nn.Linear(features.GROUP_FEATURES, node)
        self.read_group = nn.Sequential(
            nn.LayerNorm(3 * node), nn.Linear(3 * node, node), nn.GELU(), nn.Linear(node, node)
        )
        self.read_block = nn.Sequential(nn.Linear(node, node), nn.GELU(), nn.Linear(node, node))
        embedding = 5 * node + world
        self.embedding_norm = nn.LayerNorm(embedding)
        self.read_told = _told(config) if config.told else None
        joined = embedding + (config.told_width if config.told else 0)
        self.head = nn.Sequential(
            nn.Linear(joined, 2 * node), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(2 * node, TARGETS)
        )

    def prepare(self, graphs: GraphTensors) -> Rows:
        """What of the graphs this metanetwork reads, in its own form."""
        return rows_of(self.config, graphs)

    def forward(self, graphs: Sequence[GraphTensors | Rows]) -> Float[Tensor, "networks targets"]:
        """TARGETS numbers for each network of all `graphs`."""
        return self.head(self.embed(graphs))

    def embed(self, graphs: Sequence[GraphTensors | Rows]) -> Float[Tensor, "networks embedding"]:
        """What the head reads."""
        batch = join([each if isinstance(each, Rows) else self.prepare(each) for each in graphs])
        nodes, blocks = self._encode_nodes(batch), self._encode_blocks(batch)
        world = self.encode_global(_mean_of(blocks, batch.block_network, batch.networks))
        ways = ways_of(batch)
        for each in self.rounds:
            nodes, world = each(batch, ways, nodes, blocks, world)
        embedded = self.embedding_norm(self._read_out(batch, nodes, blocks, world))
        told = self.told(torch.cat([part.told for part in batch.parts]))
        return embedded if told is None else torch.cat([embedded, told], dim=1)

    def told(self, numbers: Float[Tensor, "networks told"]) -> Float[Tensor, "networks told_width"] | None:
        """What the head makes of numbers about whole networks; None if it reads none."""
        return None if self.read_told is None else self.read_told(self.told_scale(numbers))

    def _encode_nodes(self, batch: Batch) -> Float[Tensor, "nodes width"]:
        kinds = self.encode_kind(torch.cat([part.group_static for part in batch.parts]))
        own = [batch.rows(lambda part: part.order.expand(part.networks, -1, -1))]
        if self.config.statistics:
            own.append(self.node_scale(batch.rows(lambda part: part.statistics)))
        if self.config.activity:
            own.append(self.activity_scale(batch.rows(lambda part: _given(part.activity, "activity"))))
        return self.encode_node(self.encode_own(torch.cat(own, dim=1)) + kinds.index_select(0, batch.node_kind))

    def _encode_blocks(self, batch: Batch) -> Float[Tensor, "blocks width"]:
        kinds = self.encode_block_kind(torch.cat([part.block_static for part in batch.parts]))
        kinds = kinds.index_select(0, batch.block_kind)
        if self.config.statistics:
            statistics = torch.cat([part.block_statistics.transpose(0, 1).flatten(0, 1) for part in batch.parts])
            kinds = kinds + self.encode_block_own(self.block_scale(statistics))
        return self.encode_block(kinds)

    def _read_out(self, batch: Batch, nodes: Tensor, blocks: Tensor, world: Tensor) -> Tensor:
        groups = len(batch.group_kind)
        mean = _mean_of(nodes, batch.node_group, groups)
        most = _most_of(nodes, batch.node_group, groups)
        kinds = self.read_kind(torch.cat([part.group_static for part in batch.parts]))[batch.group_kind]
        read = self.read_group(torch.cat([mean, most, kinds], dim=1))
        told = self.read_block(blocks)
        parts = (
            _mean_of(read, batch.group_network, batch.networks),
            _most_of(read, batch.group_network, batch.networks),
            _mean_of(told, batch.block_network, batch.networks),
            _most_of(told, batch.block_network, batch.networks),
            read[batch.output_group],
            world,
        )
        return torch.cat(parts, dim=1)


class ProductRound(nn.Module):
    """One synchronous update of all nodes, then the global feature."""

    def __init__(self, config: ProductConfig) -> None:
        super().__init__()
        node, width, world = config.node_width, config.message_width, config.global_width
        self._width = width
        self.norm = nn.LayerNorm(node)
        self.say_forward, self.say_backward = nn.Linear(node, PRODUCTS * width), nn.Linear(node, PRODUCTS * width)
        self.gate = nn.Linear(node, 2 * PRODUCTS * width)
        self.offset = nn.Linear(node, 2 * PRODUCTS * width)
        self.update_node = nn.Sequential(
            nn.Linear(node + 2 * PRODUCTS * width + world, node), nn.GELU(), nn.Linear(node, node)
        )
        self.update_global = nn.Sequential(nn.Linear(node + world, world), nn.GELU(), nn.Linear(world, world))

    def forward(
        self, batch: Batch, ways: Sequence[Way], nodes: Tensor, blocks: Tensor, world: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The next nodes and global features."""
        normal = self.norm(nodes)
        heard = softsign(self._heard(batch, ways, normal, blocks))
        own = torch.cat([normal, heard, world.index_select(0, batch.node_network)], dim=1)
        nodes = nodes + self.update_node(own)
        groups = _mean_of(nodes, batch.node_group, len(batch.group_kind))
        mean = _mean_of(groups, batch.group_network, batch.networks)
        return nodes, world + self.update_global(torch.cat([mean, world], dim=1))

    def _heard(self, batch: Batch, ways: Sequence[Way], nodes: Tensor, blocks: Tensor) -> Float[Tensor, "nodes heard"]:
        """What every neuron hears from the blocks that it is a target of, then from those that it is a source of."""
        said = torch.stack([self.say_forward(nodes), self.say_backward(nodes)])
        gates, offsets = torch.stack((1 + self.gate(blocks)).chunk(2, dim=1)), self.offset(blocks).chunk(2, dim=1)
        sums = messages(ways, said, gates * batch.scales(self._width))
        ends = zip((batch.block_target, batch.block_source), offsets, strict=True)
        added = [_sum_of(each, end, len(batch.group_kind)) for end, each in ends]
        return sums + torch.cat(added, dim=1).index_select(0, batch.node_group)


def rows_of(config: ProductConfig, graphs: GraphTensors) -> Rows:
    """What of the graphs a metanetwork of these settings reads."""
    return flatten(graphs, told_of(config, graphs))


def told_of(config: ProductConfig, graphs: GraphTensors) -> Float[Tensor, "networks told"]:
    """Of that, the numbers about whole networks."""
    numbers = graphs.groups[0].statistics
    told = [answers_of(config, graphs, 0)] if config.responses else []
    told += [shape_of(graphs).to(numbers)] if config.shape else []
    return torch.cat(told, dim=1) if told else numbers.new_zeros(graphs.networks, 0)


def answers_of(config: ProductConfig, graphs: GraphTensors, images: int) -> Float[Tensor, "networks responses"]:
    """Of those, the answers to drawn images and to one set of learned ones, by its number; sets lie in a row."""
    responses = _given(graphs.responses, "responses")
    drawn, each = min(RESPONSE_FEATURES, config.responses), max(config.responses - RESPONSE_FEATURES, 0)
    first = drawn + images * each
    return torch.cat([responses[:, :drawn], responses[:, first : first + each]], dim=1)


def _told(config: ProductConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(config.told, config.told_width),
        nn.GELU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.told_width, config.told_width),
        nn.LayerNorm(config.told_width),
    )


def _mean_of(rows: Tensor, number: Tensor, count: int) -> Tensor:
    """The means of the rows of each number."""
    return _sum_of(rows, number, count) / torch.bincount(number, minlength=count).to(rows.dtype)[:, None]


def _sum_of(rows: Tensor, number: Tensor, count: int) -> Tensor:
    """The sums of the rows of each number."""
    return rows.new_zeros(count, rows.shape[1]).index_add(0, number, rows)


def _most_of(rows: Tensor, number: Tensor, count: int) -> Tensor:
    """The largest entries of the rows of each number."""
    start = rows.new_full((count, rows.shape[1]), float("-inf"))
    return start.scatter_reduce(0, number[:, None].expand_as(rows), rows, "amax")


def _given(array: Tensor | None, name: str) -> Tensor:
    if array is None:
        raise ValueError(f"this metanetwork reads the {name} of executed networks, and the graphs have none")
    return array
