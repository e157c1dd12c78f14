"""The graph metanetwork on mapped weights of any size: the mathematics of `GraphMetanetwork`, with `TiledSums`.

What is computed of a node stays in float64: it costs nothing beside the edges, and sums of many are not rounded.
"""

from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import Block, ParameterGraph
from models import features
from models.engine import weight_statistics
from models.engine.edge_tiles import TiledSums
from models.engine.products_tiles import TileReader
from models.engine.threads import in_order, usable_threads
from models.graph_tensors import GroupTensors
from models.metanetworks.edge_round import BlockFrame
from models.metanetworks.edges import GraphMetanetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A graph but for its weights, which `sums` reads."""

    groups: tuple[GroupTensors, ...]
    blocks: tuple[BlockFrame, ...]
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

    def answer(self, frame: Frame) -> Float[Tensor, "1 targets"]:
        """The targets of the frame's graph."""
        with torch.inference_mode():
            return self.metanetwork.head(self.embed_frame(frame))

    @torch.inference_mode()
    def embed(self, graph: ParameterGraph) -> Float[Tensor, "1 embedding"]:
        """What the head reads, in float64."""
        return self.embed_frame(self.frame(graph))

    def embed_frame(self, frame: Frame) -> Float[Tensor, "1 embedding"]:
        """What the head reads of the frame's graph."""
        with torch.inference_mode():
            return self.metanetwork.embed_with(frame.groups, frame.blocks, frame.sums)

    def frame(self, graph: ParameterGraph) -> Frame:
        """Reads every weight once, for statistics."""
        scans = list(in_order(_scan, graph.blocks, self.threads))
        deepest = max(group.depth for group in graph.groups)
        groups = tuple(
            GroupTensors(
                static=self._tensor(features.group_features(group, deepest)),
                order=self._tensor(features.order_features(group)),
                statistics=self._tensor(statistics)[None],
                is_output=group.kind == "output",
            )
            for group, statistics in zip(graph.groups, weight_statistics.node_statistics(graph, scans), strict=True)
        )
        blocks = tuple(
            BlockFrame(
                source=block.source,
                target=block.target,
                static=self._tensor(features.block_features(block)),
                positions=self._tensor(features.position_features(block)),
                statistics=self._tensor(weight_statistics.block_statistics(block, scan))[None],
            )
            for block, scan in zip(graph.blocks, scans, strict=True)
        )
        sums = self._sums(graph.blocks, [scan.square**0.5 for scan in scans], self.device, self.threads)
        return Frame(groups=groups, blocks=blocks, sums=sums)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).double().to(self.device)


def fastest_sums(device: torch.device) -> type[TiledSums]:
    """The compiled kernel on CPUs, if Numba is installed; it is imported no earlier than here."""
    if device.type != "cpu" or find_spec("numba") is None:
        return TiledSums
    from models.engine.edge_fused import FusedSums  # noqa: PLC0415 - needs Numba

    return FusedSums


def _scan(block: Block) -> weight_statistics.Scan:
    return weight_statistics.scan(block, TileReader(torch.float64))
