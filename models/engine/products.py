"""The metanetwork of matrix-product messages on one parameter graph of any size.

The answer is that of `ProductMetanetwork` on the stacked graph. Weights stay where they are, in memory or in a mapped
file of any precision; they are read once for their statistics and once for each round, a tile at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import ParameterGraph
from models import features
from models.engine import weight_statistics
from models.engine.products_round import ROWS, Reading, RoundEngine, State
from models.engine.products_tiles import TileReader
from models.engine.weight_statistics import Scan
from models.graph_tensors import stack
from models.metanetworks.products import ProductMetanetwork, ProductRound
from models.neighbourhood.weight_shape import weight_shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What an executed network answered to probe images."""

    activity: Sequence[Float[np.ndarray, "_size activity_features"]] = ()
    """Of the neurons of each group."""
    responses: Float[np.ndarray, " response_features"] | None = None


NO_ANSWERS = Answers()


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found out about a graph's weights before the rounds, block by block."""

    scans: Sequence[Scan]
    readings: Sequence[Reading]


def survey(graph: ParameterGraph) -> Survey:
    """Reads every weight once."""
    reader = TileReader(torch.float64)
    scans = [weight_statistics.scan(block, reader) for block in graph.blocks]
    return Survey(scans=scans, readings=[Reading(scale=each.scale) for each in scans])


class ProductEngine:
    """Computes what `metanetwork` says of single graphs, in its precision and on its device."""

    def __init__(self, metanetwork: ProductMetanetwork) -> None:
        self._metanetwork = metanetwork
        like = metanetwork.encode_kind.weight
        self._device, self._dtype = like.device, like.dtype
        self._reader = TileReader(like.dtype, like.device)

    @torch.inference_mode()
    def __call__(
        self, graph: ParameterGraph, answers: Answers = NO_ANSWERS, surveyed: Survey | None = None
    ) -> Float[Tensor, "one targets"]:
        """The targets.

        Raises:
            ValueError: the metanetwork reads answers that are not given.
        """
        return self._metanetwork.head(self.embed(graph, answers, surveyed))

    @torch.inference_mode()
    def embed(
        self, graph: ParameterGraph, answers: Answers = NO_ANSWERS, surveyed: Survey | None = None
    ) -> Float[Tensor, "one embedding"]:
        """What the head reads. surveyed: what `survey` found, if it has been called already."""
        shared, surveyed = self._metanetwork, surveyed or survey(graph)
        kinds = self._kinds(graph)
        statistics = weight_statistics.node_statistics(graph, surveyed.scans) if shared.config.statistics else []
        nodes = [self._encode_nodes(graph, number, kinds, statistics, answers) for number in range(len(graph.groups))]
        blocks = self._encode_blocks(graph, surveyed.scans)
        state = State(nodes=nodes, world=shared.encode_global(blocks.mean(0, keepdim=True)))
        for each in shared.rounds:
            if isinstance(each, ProductRound):
                state = RoundEngine(each, graph, surveyed.readings, self._reader)(state, blocks)
        embedded = shared.embedding_norm(self._read_out(graph, kinds, state, blocks))
        told = shared.told(self._told(graph, answers))
        return embedded if told is None else torch.cat([embedded, told], dim=1)

    def _told(self, graph: ParameterGraph, answers: Answers) -> Float[Tensor, "one told"]:
        """Numbers about the network as a whole. Its shape is told of all weights at once, so it is for small ones."""
        config, told = self._metanetwork.config, [torch.zeros(1, 0, dtype=self._dtype, device=self._device)]
        if config.responses:
            if answers.responses is None:
                raise ValueError("this metanetwork reads the responses of executed networks, and there are none")
            told.append(self._tensor(answers.responses[: config.responses])[None])
        if config.shape:
            told.append(weight_shape(stack([graph])).to(self._device, self._dtype))
        return torch.cat(told, dim=1)

    def _kinds(self, graph: ParameterGraph) -> Float[Tensor, "groups group_features"]:
        deepest = max(group.depth for group in graph.groups)
        return self._tensor(np.stack([features.group_features(group, deepest) for group in graph.groups]))

    def _encode_nodes(
        self, graph: ParameterGraph, number: int, kinds: Tensor, statistics: Sequence[np.ndarray], answers: Answers
    ) -> Float[Tensor, "size node_width"]:
        shared, group = self._metanetwork, graph.groups[number]
        if shared.config.activity and not answers.activity:
            raise ValueError("this metanetwork reads the activity of executed networks, and there is none")
        order, kind = features.order_features(group), shared.encode_kind(kinds[number])
        nodes = torch.empty(group.size, shared.config.node_width, dtype=self._dtype, device=self._device)
        for first in range(0, group.size, ROWS):
            some = slice(first, first + ROWS)
            own = [self._tensor(order[some])]
            if shared.config.statistics:
                own.append(shared.node_scale(self._tensor(statistics[number][some])))
            if shared.config.activity:
                own.append(shared.activity_scale(self._tensor(answers.activity[number][some])))
            nodes[some] = shared.encode_node(shared.encode_own(torch.cat(own, dim=1)) + kind)
        return nodes

    def _encode_blocks(self, graph: ParameterGraph, scans: Sequence[Scan]) -> Float[Tensor, "blocks node_width"]:
        shared = self._metanetwork
        kinds = self._tensor(np.stack([features.block_features(block) for block in graph.blocks]))
        encoded = shared.encode_block_kind(kinds)
        if shared.config.statistics:
            found = [
                weight_statistics.block_statistics(block, each) for block, each in zip(graph.blocks, scans, strict=True)
            ]
            encoded = encoded + shared.encode_block_own(shared.block_scale(self._tensor(np.stack(found))))
        return shared.encode_block(encoded)

    def _read_out(self, graph: ParameterGraph, kinds: Tensor, state: State, blocks: Tensor) -> Tensor:
        shared = self._metanetwork
        mean, most = (
            torch.stack(each) for each in ([n.mean(0) for n in state.nodes], [n.amax(0) for n in state.nodes])
        )
        read = shared.read_group(torch.cat([mean, most, shared.read_kind(kinds)], dim=1))
        told = shared.read_block(blocks)
        output = [group.kind == "output" for group in graph.groups].index(True)
        parts = (read.mean(0), read.amax(0), told.mean(0), told.amax(0), read[output], state.world[0])
        return torch.cat(parts)[None]

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device, self._dtype)
