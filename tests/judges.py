"""What judges networks in tests: a metanetwork with random weights, and every published predictor."""

from collections.abc import Sequence

import numpy as np
import torch

from metagauge.graph.parameter_graph import ParameterGraph
from models.graph_tensors import stack
from models.metanetworks.edges import GmnConfig, GraphMetanetwork, accuracy_and_gap
from models.predictor import Predictor, available

JUDGES = ("random", *available())


def judge(name: str) -> GraphMetanetwork:
    """The metanetwork called `name`, in evaluation mode."""
    return random_metanetwork() if name == "random" else Predictor.load(name).metanetwork


def random_metanetwork(seed: int = 0) -> GraphMetanetwork:
    """Small, with seeded random weights; a head that does not shrink what it reads."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        metanetwork = GraphMetanetwork(GmnConfig(node_width=16, edge_width=6, global_width=8, rounds=2))
    return metanetwork.eval()


@torch.inference_mode()
def judged(metanetwork: GraphMetanetwork, graphs: Sequence[ParameterGraph]) -> np.ndarray:
    """Accuracy and gap of graphs of one structure, in the metanetwork's precision: (graphs, 2)."""
    tensors = stack(graphs)
    if metanetwork.encode_edge.weight.dtype == torch.float64:
        tensors = tensors.double()
    return torch.stack(accuracy_and_gap(metanetwork(tensors)), dim=1).numpy()
