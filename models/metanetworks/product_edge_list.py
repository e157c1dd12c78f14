"""The metanetwork of matrix-product messages on an explicit edge list: what blocks and tiles have to agree with.

It computes with the weights of a `ProductMetanetwork`, edge by edge, in PyTorch Geometric: every edge works out the
functions of its weight, sends its own message, and messages are summed where they arrive. It costs what that costs; it
serves tests, benchmarks and readers. Batches collated by PyTorch Geometric are answered network by network.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

from models import features
from models.metanetworks.edge_list import block_degrees
from models.metanetworks.products import ProductMetanetwork, ProductRound
from models.metanetworks.rows import BOUND, FLOOR, PRODUCTS, TINY
from models.metanetworks.rows import place as place_of
from models.pyg import ParameterData

_OUTPUT = features.KINDS.index("output")
"""The group feature that says output: kinds come first."""


class ProductEdgeList(nn.Module):
    """Shares the parameters of `metanetwork`, which reads weights and their statistics only, and its mode."""

    def __init__(self, metanetwork: ProductMetanetwork) -> None:
        super().__init__()
        self.metanetwork = metanetwork
        self.rounds = [EdgeListProducts(each) for each in metanetwork.rounds if isinstance(each, ProductRound)]

    def prepare(self, data: ParameterData) -> "tuple[Place, Tensor]":
        """What does not depend on parameters; worth keeping where the same networks are read again."""
        place = Place(data)
        return place, edge_functions(data, place)

    def forward(self, data: ParameterData, prepared: "tuple[Place, Tensor] | None" = None) -> Tensor:
        """What `ProductMetanetwork` gives for these networks: (networks, TARGETS)."""
        shared = self.metanetwork
        place, edges = prepared or self.prepare(data)
        nodes, blocks = self._encode_nodes(data), self._encode_blocks(data)
        world = shared.encode_global(scatter(blocks, place.block_network, dim_size=place.networks, reduce="mean"))
        for each in self.rounds:
            nodes, world = each(data, place, edges, (nodes, blocks, world))
        return shared.head(shared.embedding_norm(self._read_out(data, place, nodes, blocks, world)))

    def _encode_nodes(self, data: ParameterData) -> Tensor:
        shared = self.metanetwork
        kind, own = data.x[:, : features.GROUP_FEATURES], data.x[:, features.GROUP_FEATURES :]
        order, statistics = own[:, : features.ORDER_FEATURES], own[:, features.ORDER_FEATURES :]
        if shared.config.statistics:
            order = torch.cat([order, shared.node_scale(statistics)], dim=1)
        return shared.encode_node(shared.encode_own(order) + shared.encode_kind(kind))

    def _encode_blocks(self, data: ParameterData) -> Tensor:
        shared = self.metanetwork
        encoded = shared.encode_block_kind(data.block_attr[:, : features.BLOCK_FEATURES])
        if shared.config.statistics:
            statistics = shared.block_scale(data.block_attr[:, features.BLOCK_FEATURES :])
            encoded = encoded + shared.encode_block_own(statistics)
        return shared.encode_block(encoded)

    def _read_out(self, data: ParameterData, place: "Place", nodes: Tensor, blocks: Tensor, world: Tensor) -> Tensor:
        shared = self.metanetwork
        mean = scatter(nodes, data.node_group, dim_size=len(data.group_attr), reduce="mean")
        most = scatter(nodes, data.node_group, dim_size=len(data.group_attr), reduce="max")
        read = shared.read_group(torch.cat([mean, most, shared.read_kind(data.group_attr)], dim=1))
        told = shared.read_block(blocks)
        ends = ((read, place.group_network), (told, place.block_network))
        parts = [
            scatter(rows, number, dim_size=place.networks, reduce=reduce)
            for rows, number in ends
            for reduce in ("mean", "max")
        ]
        return torch.cat([*parts, read[data.group_attr[:, _OUTPUT] == 1], world], dim=1)


class Place:
    """Which network, and how many sources, targets and positions, each part of a collated graph has."""

    def __init__(self, data: ParameterData) -> None:
        batch = data.get("batch")
        node_network = torch.zeros_like(data.node_group) if batch is None else batch
        self.networks = int(node_network.max()) + 1
        self.node_network = node_network
        self.group_network = scatter(node_network, data.node_group, dim_size=len(data.group_attr), reduce="max")
        blocks = len(data.block_attr)
        self.block_network = scatter(node_network[data.edge_index[0]], data.edge_block, dim_size=blocks, reduce="max")
        into, out_of = (block_degrees(data, data.edge_index[end]).to(data.x.dtype) for end in (1, 0))
        self.fan_in, self.fan_out = into[:, None], out_of[:, None]
        """Edges of an edge's block that share its target, and that share its source: (edges, 1)."""
        first = torch.searchsorted(data.edge_block, torch.arange(blocks, device=data.edge_block.device))
        is_beside = (data.edge_index == data.edge_index[:, first[data.edge_block]]).all(0)
        positions = scatter(is_beside.to(data.x.dtype), data.edge_block, dim_size=blocks, reduce="sum")
        self.positions = positions[data.edge_block][:, None]
        """Edges of an edge's block between one source and one target: (edges, 1)."""


def edge_functions(data: ParameterData, place: Place) -> Tensor:
    """The functions of each edge's weight, before anything is divided by degrees: (edges, PRODUCTS)."""
    weight, places = data.edge_attr[:, 0], place_of(data.edge_attr[:, 1:])
    square = scatter(weight.square(), data.edge_block, dim_size=len(data.block_attr), reduce="mean")
    root = place.fan_in[:, 0].sqrt()
    bounded = (weight * root).clamp(-BOUND, BOUND) / root
    ratio = (weight / square.sqrt().clamp_min(TINY)[data.edge_block]).abs().clamp_max(BOUND)
    return torch.stack([bounded, bounded * places, ratio, (ratio + FLOOR).log()], dim=1)


class EdgeListProducts(nn.Module):
    """One synchronous update of all nodes and the global feature, with the weights of a `ProductRound`."""

    def __init__(self, weights: ProductRound) -> None:
        super().__init__()
        self.weights = weights
        self.to_targets, self.to_sources = ProductDelivery("source_to_target"), ProductDelivery("target_to_source")

    def forward(
        self, data: ParameterData, place: Place, edges: Tensor, state: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """The next nodes and global features."""
        weights, (nodes, blocks, world) = self.weights, state
        normal = weights.norm(nodes)
        odd, even = edges[:, :2], edges[:, 2:]
        into, out_of = place.fan_in, place.fan_out
        gates, offsets = (1 + weights.gate(blocks)).chunk(2, dim=1), weights.offset(blocks).chunk(2, dim=1)
        forward = torch.cat([odd, even / into], dim=1)
        backward = torch.cat([odd * into * place.positions, even], dim=1) / out_of
        heard = (
            self.to_targets(data, (weights.say_forward(normal), gates[0], offsets[0]), forward, 1 / into),
            self.to_sources(data, (weights.say_backward(normal), gates[1], offsets[1]), backward, 1 / out_of),
        )
        own = [normal, functional.softsign(torch.cat(heard, dim=1)), world[place.node_network]]
        nodes = nodes + weights.update_node(torch.cat(own, dim=1))
        groups = scatter(nodes, data.node_group, dim_size=len(data.group_attr), reduce="mean")
        mean = scatter(groups, place.group_network, dim_size=place.networks, reduce="mean")
        return nodes, world + weights.update_global(torch.cat([mean, world], dim=1))


class ProductDelivery(MessagePassing):
    """Messages in one direction: every edge brings what its far end says, times the functions of its weight."""

    def __init__(self, flow: str) -> None:
        super().__init__(aggr="sum", flow=flow)

    def forward(
        self, data: ParameterData, told: tuple[Tensor, Tensor, Tensor], functions: Tensor, share: Tensor
    ) -> Tensor:
        """What each node hears: (nodes, said).

        Args:
            data: The graph.
            told: What nodes say, and the gates and offsets of blocks.
            functions: Of each edge: (edges, PRODUCTS).
            share: One by the number of edges of the same block that arrive where an edge does: (edges, 1).
        """
        said, gates, offsets = told
        size = (len(data.x), len(data.x))
        return self.propagate(
            data.edge_index,
            said=said,
            functions=functions,
            gates=gates[data.edge_block],
            offsets=offsets[data.edge_block] * share,
            size=size,
        )

    def message(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, said_j: Tensor, functions: Tensor, gates: Tensor, offsets: Tensor
    ) -> Tensor:
        """One message for each edge: (edges, said)."""
        return functions.repeat_interleave(said_j.shape[1] // PRODUCTS, dim=1) * said_j * gates + offsets
