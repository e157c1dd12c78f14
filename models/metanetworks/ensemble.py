"""Several metanetworks of one kind that were fitted apart, and say together what they say on average.

What they err in by chance of their start and of the order of the networks they saw, they do not err in together
(Lakshminarayanan et al. 2017, sec. 2.4).
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.graph_tensors import GraphTensors
from models.metanetworks.products import ProductConfig, ProductMetanetwork, rows_of
from models.metanetworks.rows import Rows


class ProductEnsemble(nn.Module):
    """The mean of `config.members` metanetworks."""

    def __init__(self, config: ProductConfig, members: Sequence[ProductMetanetwork] = ()) -> None:
        super().__init__()
        self.config = config
        one = replace(config, members=1)
        self.members = nn.ModuleList(members or (ProductMetanetwork(one) for _ in range(config.members)))

    def prepare(self, graphs: GraphTensors) -> Rows:
        """What of the graphs all of them read."""
        return rows_of(self.config, graphs)

    def forward(self, graphs: Sequence[GraphTensors | Rows]) -> Float[Tensor, "networks targets"]:
        """The mean of what the members say of each network."""
        rows = [each if isinstance(each, Rows) else self.prepare(each) for each in graphs]
        return torch.stack([member(rows) for member in self.members]).mean(0)
