"""A network in memory, in either form, and what it computes."""

import numpy as np
import torch
from torch import Tensor

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.network import Network as Structure
from models.interpreter.dataflow import run_dataflow
from models.interpreter.layers import run

Network = tuple[Structure, dict[str, np.ndarray]]


def outputs(network: Network, images: np.ndarray) -> Tensor:
    """(images, classes). A dataflow computes one image after another."""
    structure, arrays = network
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    given = torch.from_numpy(images)
    if isinstance(structure, Dataflow):
        return torch.cat([run_dataflow(structure, tensors, [image[None]])[0] for image in given])
    return run(structure, tensors, given)
