"""Several metanetworks and readers that were fitted apart, and say together what they say on average.

What they err in by chance of their start and of the order of the networks they saw, they do not err in together
(Lakshminarayanan et al. 2017, sec. 2.4); what one kind of them errs in, the other often does not.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.graph_tensors import GraphTensors
from models.metanetworks.products import ProductConfig, ProductMetanetwork, answers_of, rows_of, told_of
from models.metanetworks.reader import Reader
from models.metanetworks.summary import SUMMARY, summary


class ProductEnsemble(nn.Module):
    """The mean of `config.members` metanetworks, and of the readers beside them."""

    def __init__(
        self, config: ProductConfig, members: Sequence[ProductMetanetwork] = (), readers: Sequence[Reader] = ()
    ) -> None:
        super().__init__()
        self.config = config
        one, beside = replace(config, members=1, readers=None), config.readers
        self.members = nn.ModuleList(members or (ProductMetanetwork(one) for _ in range(config.members)))
        if beside is not None:
            numbers = numbers_read(config)
            self.readers = nn.ModuleList(readers or (Reader(beside, numbers) for _ in range(beside.count)))

    def forward(self, graphs: Sequence[GraphTensors]) -> Float[Tensor, "networks targets"]:
        """The weighted mean of what all say of each network."""
        rows = [rows_of(self.config, each) for each in graphs]
        said = torch.stack([member(rows) for member in self.members]).mean(0)
        if self.config.readers is None:
            return said
        sets, told = self.config.readers.sets, [(mine.told, each) for mine, each in zip(rows, graphs, strict=True)]
        numbers = [torch.cat([_numbers(self.config, *each, number) for each in told]) for number in range(sets)]
        read = torch.stack([reader(numbers[place % sets]) for place, reader in enumerate(self.readers)]).mean(0)
        return torch.lerp(said, read, self.config.readers.share)

    def leaning(self, share: float) -> "ProductEnsemble":
        """The same metanetworks and readers, of which the readers count `share`: 0 is the metanetworks alone.

        Raises:
            ValueError: there are no readers.
        """
        if self.config.readers is None:
            raise ValueError("there are no readers beside these metanetworks")
        config = replace(self.config, readers=replace(self.config.readers, share=share))
        return ProductEnsemble(config, [*self.members], [*self.readers])  # type: ignore[list-item]


def numbers_read(config: ProductConfig) -> int:
    """How many numbers a reader is given."""
    return config.told + (SUMMARY if config.readers is not None and config.readers.summary else 0)


def read_of(config: ProductConfig, graphs: GraphTensors, images: int = 0) -> Float[Tensor, "networks numbers"]:
    """What of the graphs a reader is given. images: the number of the set of learned probe images that it reads."""
    return _numbers(config, told_of(config, graphs), graphs, images)


def _numbers(
    config: ProductConfig, told: Float[Tensor, "networks told"], graphs: GraphTensors, images: int
) -> Float[Tensor, "networks numbers"]:
    parts = [answers_of(config, graphs, images), told[:, config.responses :]] if images else [told]
    return torch.cat([*parts, summary(graphs)] if config.readers and config.readers.summary else parts, dim=1)
