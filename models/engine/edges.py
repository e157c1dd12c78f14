"""The graph metanetwork on mapped weights of any size: the mathematics of `GraphMetanetwork`, with `TiledSums`.

What is computed of a node stays in float64: it costs nothing beside the edges, and sums of many are not rounded.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph
from models import features
from models.engine import edge_rounds, weight_statistics
from models.engine.edge_rounds import Bundle, Neurons, State
from models.engine.edge_tiles import TiledSums
from models.engine.products_tiles import TileReader
from models.engine.threads import in_order, usable_threads
from models.metanetworks.edge_round import Round
from models.metanetworks.edges import GraphMetanetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A graph with what is known of its weights; `sums` reads them."""

    graph: ParameterGraph
    nodes: Sequence[Float[np.ndarray, "_size node_statistics"]]
    """Statistics of the neurons of each group."""
    blocks: Sequence[Float[np.ndarray, " block_statistics"]]
    sums: TiledSums


class EdgeEngine:
    """Answers as `metanetwork` does, for one graph of any size at a time.

    Args:
        metanetwork: What to compute. It is copied.
        device: Where to compute; weights are sent there tile by tile.
        threads: For tiles, on the CPU; None for as many as torch uses.
    """

    def __init__(
        self, metanetwork: GraphMetanetwork, device: torch.device | str = "cpu", threads: int | None = None
    ) -> None:
        self.device = torch.device(device)
        self.threads = 1 if self.device.type != "cpu" else threads or usable_threads()
        self.metanetwork = deepcopy(metanetwork).eval().double().to(self.device)
        self._sums = fastest_sums(self.device)

    @torch.inference_mode()
    def __call__(self, graph: ParameterGraph) -> Float[Tensor, "1 targets"]:
        """The targets, in float64."""
        return self.answer(self.frame(graph))

    @torch.inference_mode()
    def answer(self, frame: Frame) -> Float[Tensor, "1 targets"]:
        """The targets of the frame's graph."""
        return self.metanetwork.head(self.embed_frame(frame))

    @torch.inference_mode()
    def embed(self, graph: ParameterGraph) -> Float[Tensor, "1 embedding"]:
        """What the head reads, in float64."""
        return self.embed_frame(self.frame(graph))

    @torch.inference_mode()
    def embed_frame(self, frame: Frame) -> Float[Tensor, "1 embedding"]:
        """What the head reads of the frame's graph."""
        kinds = self._kinds(frame.graph)
        state = self._encode(frame, kinds)
        for each in self.metanetwork.rounds:
            if isinstance(each, Round):
                state = edge_rounds.advance(each, frame.sums, state)
        return self._read_out(frame.graph, kinds, state)

    @torch.inference_mode()
    def frame(self, graph: ParameterGraph) -> Frame:
        """Reads every weight once, for statistics."""
        scans = list(in_order(_scan, graph.blocks, self.threads))
        return Frame(
            graph=graph,
            nodes=weight_statistics.node_statistics(graph, scans),
            blocks=[
                weight_statistics.block_statistics(block, scan) for block, scan in zip(graph.blocks, scans, strict=True)
            ],
            sums=self._sums(graph.blocks, [scan.square**0.5 for scan in scans], self.device, self.threads),
        )

    def _kinds(self, graph: ParameterGraph) -> Float[Tensor, "groups group_features"]:
        deepest = max(group.depth for group in graph.groups)
        return self._tensor(np.stack([features.group_features(group, deepest) for group in graph.groups]))

    def _encode(self, frame: Frame, kinds: Float[Tensor, "groups group_features"]) -> State:
        graph, sums = frame.graph, frame.sums
        neurons = tuple(
            self._neurons(group, kind, statistics)
            for group, kind, statistics in zip(graph.groups, kinds, frame.nodes, strict=True)
        )
        bundles = tuple(
            self._bundle(block, statistics) for block, statistics in zip(graph.blocks, frame.blocks, strict=True)
        )
        for number, bundle in enumerate(bundles):
            edge_rounds.begin(neurons, bundle, sums.features(number))
        world = self.metanetwork.encode_global(torch.cat([each.context for each in bundles]).mean(0, keepdim=True))
        return State(neurons=neurons, bundles=bundles, world=world)

    def _neurons(self, group: NodeGroup, kind: Tensor, statistics: np.ndarray) -> Neurons:
        shared, width = self.metanetwork, self.metanetwork.config.edge_width
        order, found = features.order_features(group), []
        for some in edge_rounds.rows(group.size):
            own = (self._tensor(order[some]), shared.node_scale(self._tensor(statistics[some])))
            found.append(shared.encode_node(torch.cat([kind.expand(len(own[0]), -1), *own], dim=1)))
        nodes = torch.cat(found)
        arriving, leaving = (nodes.new_zeros(group.size, width) for _ in range(2))
        return Neurons(features=nodes, arriving=arriving, leaving=leaving)

    def _bundle(self, block: Block, statistics: np.ndarray) -> Bundle:
        """Before anything is known of its edges."""
        shared = self.metanetwork
        static = self._tensor(features.block_features(block)[None])
        context = shared.encode_block(torch.cat([static, shared.block_scale(self._tensor(statistics[None]))], dim=1))
        first, places = shared.encode_edge.weight.split((features.EDGE_FEATURES, features.POSITION_FEATURES), dim=1)
        return Bundle(
            source=block.source,
            target=block.target,
            context=context,
            first=first,
            positions=self._tensor(features.position_features(block)),
            by_position=places,
            first_block=shared.encode_edge_block(context) + shared.encode_edge.bias,
            mean=context.new_zeros(len(first)),
        )

    def _read_out(self, graph: ParameterGraph, kinds: Tensor, state: State) -> Float[Tensor, "1 embedding"]:
        shared, nodes = self.metanetwork, [each.features for each in state.neurons]
        mean, most = (torch.stack(each) for each in ([n.mean(0) for n in nodes], [n.amax(0) for n in nodes]))
        read = shared.read_group(torch.cat([mean, most, kinds], dim=1))
        edges, contexts = torch.stack([e.mean for e in state.bundles]), torch.cat([e.context for e in state.bundles])
        told = shared.read_block(torch.cat([edges, contexts], dim=1))
        output = [group.kind == "output" for group in graph.groups].index(True)
        parts = (read.mean(0), read.amax(0), told.mean(0), told.amax(0), read[output], state.world[0])
        return torch.cat(parts)[None]

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).double().to(self.device)


def fastest_sums(device: torch.device) -> type[TiledSums]:
    """The compiled kernel on CPUs, if Numba is installed; it is imported no earlier than here."""
    if device.type != "cpu" or find_spec("numba") is None:
        return TiledSums
    from models.engine.edge_fused import FusedSums  # noqa: PLC0415 - needs Numba

    return FusedSums


def _scan(block: Block) -> weight_statistics.Scan:
    return weight_statistics.scan(block, TileReader(torch.float64))
