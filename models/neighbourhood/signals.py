"""Everything about a network that says whether it is like those of the zoo: weights, answers, and predictions.

Where a metanetwork that reads the weights alone and one that also asks the network disagree, one of them is wrong.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from models.graph_tensors import GraphTensors
from models.metanetworks.targets import TARGETS
from models.neighbourhood.weight_shape import WEIGHT_SHAPE, shape_of
from models.probes.responses import RESPONSE_FEATURES, RESPONSE_NAMES

_PREDICTED = ("the test accuracy", "the generalization gap", "the training accuracy", "the test loss")


def signals(
    graphs: GraphTensors, outputs: Float[Tensor, "networks targets"], other: Float[Tensor, "networks targets"] | None
) -> Float[Tensor, "networks signals"]:
    """The numbers called `signal_names`.

    Args:
        graphs: With `responses` if `other` is given.
        outputs: Of the metanetwork that reads weights alone.
        other: Of the one that also reads what the network answers to probes; None where it cannot be executed.
    """
    parts = [shape_of(graphs), outputs.float()]
    if other is not None:
        if graphs.responses is None:
            raise ValueError("answers were read that the graphs do not have")
        parts += [other.float() - outputs.float(), graphs.responses[:, :RESPONSE_FEATURES].float()]
    return torch.cat(parts, dim=1)


def signal_names(*, executed: bool) -> tuple[str, ...]:
    """What each signal is, in words."""
    weights = (*WEIGHT_SHAPE, *(f"{what} that the weights promise" for what in _PREDICTED[:TARGETS]))
    if not executed:
        return weights
    between = (f"{what} that the answers promise, beside the weights" for what in _PREDICTED[:TARGETS])
    return (*weights, *between, *(f"the answers to probe images ({name})" for name in RESPONSE_NAMES))
