"""The graph metanetwork on mapped weights, tile by tile: nothing is kept of an edge but its weight, in its file.

The mathematics is that of `GraphMetanetwork`; only the means over edges are computed otherwise. For a row of edges that
end in one target, the hidden layer is one small matrix product

    (features, [phi, 1]) @ ([phi(w); 1], edges) + what the sources and places add

so that one call of a batched product has the rows of a tile. What is computed of a node stays in float64: it costs
nothing beside the edges, and sums of many edges are not rounded.
"""

from copy import deepcopy
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import Block, ParameterGraph
from models import features
from models.engine import tiles
from models.engine.statistics import weight_statistics
from models.engine.threads import in_order, usable_threads
from models.graph_tensors import GroupTensors
from models.metanetworks.edge_round import BlockFrame
from models.metanetworks.edge_sums import EdgeLayer, EdgeMeans, EdgeSums, relative_features
from models.metanetworks.edges import GraphMetanetwork

_STRIPE = 1 << 20
"""Edges of what one thread does at a time. Sums are added up stripe by stripe."""
_COLUMNS = 1024
_NUMBERS = 1 << 18
"""Hidden numbers at a time: a megabyte, which stays in a core's own cache."""
_NUMBERS_ON_DEVICE = 1 << 26
_WITH_ONE = features.EDGE_FEATURES + 1


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

    @torch.inference_mode()
    def __call__(self, graph: ParameterGraph) -> Float[Tensor, "1 targets"]:
        """The targets, in float64."""
        return self.metanetwork.head(self.embed(graph))

    @torch.inference_mode()
    def embed(self, graph: ParameterGraph) -> Float[Tensor, "1 embedding"]:
        """What the head reads, in float64."""
        found = weight_statistics(graph, self.threads)
        deepest = max(group.depth for group in graph.groups)
        groups = [
            GroupTensors(
                static=self._tensor(features.group_features(group, deepest)),
                order=self._tensor(features.order_features(group)),
                statistics=self._tensor(statistics)[None],
                is_output=group.kind == "output",
            )
            for group, statistics in zip(graph.groups, found.nodes, strict=True)
        ]
        blocks = [
            BlockFrame(
                source=block.source,
                target=block.target,
                static=self._tensor(features.block_features(block)),
                positions=self._tensor(features.position_features(block)),
                statistics=self._tensor(statistics)[None],
            )
            for block, statistics in zip(graph.blocks, found.blocks, strict=True)
        ]
        sums = TiledSums(graph.blocks, found.sizes, self.device, self.threads)
        return self.metanetwork.embed_with(groups, blocks, sums)

    def _tensor(self, array: features.np.ndarray) -> Tensor:
        return torch.from_numpy(array).double().to(self.device)
