"""What judges networks in tests: metanetworks with random weights, and every published predictor's."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from metagauge.graph.parameter_graph import ParameterGraph
from models.graph_tensors import stack
from models.metanetworks import edges_v2
from models.metanetworks.edge_round import GmnConfig
from models.metanetworks.edges import GraphMetanetwork
from models.metanetworks.products import ProductConfig, ProductMetanetwork
from models.metanetworks.targets import accuracy_and_gap
from models.predictor import Predictor, available

SEEING = ("edges", *available())
"""Those that see all that changes a function: not yet the products, which are told how far a position is, not where."""
JUDGES = (*SEEING, "products")


def judge(name: str) -> nn.Module:
    """The metanetwork called `name`, in evaluation mode."""
    match name:
        case "edges":
            return random_metanetwork()
        case "products":
            with torch.random.fork_rng():
                torch.manual_seed(0)
                return ProductMetanetwork(ProductConfig(node_width=16, message_width=6, global_width=8)).eval()
        case "v2":
            with torch.random.fork_rng():
                torch.manual_seed(0)
                config = edges_v2.GmnConfig(node_width=16, edge_width=6, global_width=8)
                return edges_v2.GraphMetanetwork(config).eval()
        case _:
            return Predictor.load(name).metanetwork


def random_metanetwork(seed: int = 0) -> GraphMetanetwork:
    """A small one on blocks, with seeded random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        metanetwork = GraphMetanetwork(GmnConfig(node_width=16, edge_width=6, global_width=8, rounds=2))
    return metanetwork.eval()


@torch.inference_mode()
def judged(metanetwork: nn.Module, graphs: Sequence[ParameterGraph]) -> np.ndarray:
    """Accuracy and gap of graphs of one structure, in the metanetwork's precision: (graphs, 2)."""
    tensors = stack(graphs)
    if next(metanetwork.parameters()).dtype == torch.float64:
        tensors = tensors.double()
    outputs = metanetwork(tensors if isinstance(metanetwork, edges_v2.GraphMetanetwork) else [tensors])
    return torch.stack(accuracy_and_gap(outputs), dim=1).numpy()
