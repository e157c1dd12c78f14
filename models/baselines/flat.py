"""Networks as plain sequences of parameters: what baselines read that know nothing of graphs."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from metagauge.graph.parameter_graph import WIRING
from models import features
from models.graph_tensors import BlockTensors
from models.training.networks import JobNetworks

ELEMENT_FEATURES = 4
"""Elementwise functions of one parameter, see `FlatNetworks.elements`."""
PLACE_FEATURES = features.BLOCK_FEATURES + features.GROUP_FEATURES
"""What is said of the tensor that a parameter is from."""

_TINY = 1e-8
_CLIP = 20.0
_WIRING = frozenset(features.ROLES.index(role) for role in WIRING)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatNetworks:
    """The parameters of networks of one architecture, tensor after tensor, each in raster order."""

    values: Float[Tensor, "networks parameters"]
    sizes: Float[Tensor, "networks tensors"]
    """Root mean square of each tensor."""
    tensor_of: Int[Tensor, " parameters"]
    """The number of the tensor that a parameter is from."""
    counts: tuple[int, ...]
    """Parameters of each tensor."""
    fan_ins: Float[Tensor, " tensors"]
    places: Float[Tensor, "tensors place_features"]
    """Role, shape, stride and so on of the tensor, and size, depth, norm and activation of what it leads to."""
    positions: Float[Tensor, "parameters position_features"]
    """Where in its kernel a parameter is."""

    def select(self, rows: Int[Tensor, " chosen"]) -> "FlatNetworks":
        """Some of the networks."""
        return replace(self, values=self.values[rows], sizes=self.sizes[rows])

    def elements(self, chosen: Int[Tensor, " chosen"] | slice) -> Float[Tensor, "networks chosen element_features"]:
        """Some parameters, as numbers of a size that a network can learn from.

        The value times the root of its fan-in, and the value, its size and the log of its size relative to its tensor.
        """
        tensor, values = self.tensor_of[chosen], self.values[:, chosen]
        ratio = (values / self.sizes[:, tensor]).clamp(-_CLIP, _CLIP)
        scaled = (values * self.fan_ins[tensor].sqrt()).clamp(-_CLIP, _CLIP)
        return torch.stack([scaled, ratio, ratio.abs(), (ratio.abs() + 0.01).log()], dim=2)


def flatten(job: JobNetworks) -> FlatNetworks:
    """The parameters of a job's networks, in the order of the graph's blocks; what is no parameter is left out."""
    blocks = [block for block in job.written.blocks if not _is_wiring(block)]
    rows = [block.weight.flatten(1) for block in blocks]
    counts = tuple(row.shape[1] for row in rows)
    groups = job.written.groups
    return FlatNetworks(
        values=torch.cat(rows, dim=1),
        sizes=torch.stack([row.square().mean(1).sqrt().clamp_min(_TINY) for row in rows], dim=1),
        tensor_of=torch.repeat_interleave(torch.arange(len(blocks)), torch.tensor(counts)),
        counts=counts,
        fan_ins=torch.tensor([float(block.fan_in) for block in blocks]),
        places=torch.stack([torch.cat([block.static, groups[block.target].static]) for block in blocks]),
        positions=torch.cat([block.positions.repeat(block.weight[0, ..., 0].numel(), 1) for block in blocks]),
    )


def _is_wiring(block: BlockTensors) -> bool:
    return int(block.static[: len(features.ROLES)].argmax()) in _WIRING
