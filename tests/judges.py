"""What judges graphs in tests: metanetworks with random weights, and what every published predictor falls back to."""

from collections.abc import Sequence

import numpy as np
import torch

from metagauge.graph.parameter_graph import ParameterGraph
from models.graph_tensors import stack
from models.metanetworks.config import AnyMetanetwork
from models.metanetworks.edge_round import GmnConfig
from models.metanetworks.edges import GraphMetanetwork
from models.metanetworks.targets import accuracy_and_gap
from models.predictor import Predictor, available
from tests.product_networks import random_products

JUDGES = ("edges", "products", *available())


def judge(name: str) -> AnyMetanetwork:
    """The metanetwork called `name`, or the one of that predictor that reads weights alone; in evaluation mode."""
    match name:
        case "edges":
            return random_metanetwork()
        case "products":
            return random_products()
        case _:
            return Predictor.load(name).weights.metanetwork


def random_metanetwork(seed: int = 0) -> GraphMetanetwork:
    """A small one on blocks, with seeded random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        metanetwork = GraphMetanetwork(GmnConfig(node_width=16, edge_width=6, global_width=8, rounds=2))
    return metanetwork.eval()


@torch.inference_mode()
def judged(metanetwork: AnyMetanetwork, graphs: Sequence[ParameterGraph]) -> np.ndarray:
    """Accuracy and gap of graphs of one structure, in the metanetwork's precision: (graphs, 2)."""
    tensors = stack(graphs)
    if next(metanetwork.parameters()).dtype == torch.float64:
        tensors = tensors.double()
    return torch.stack(accuracy_and_gap(metanetwork([tensors])), dim=1).numpy()
