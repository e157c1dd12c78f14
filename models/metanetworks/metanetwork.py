"""What all metanetworks have in common: they read stacked parameter graphs, and answer network by network."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from jaxtyping import Float
from torch import Tensor

from models.graph_tensors import GraphTensors

Prepared = TypeVar("Prepared")


class Metanetwork(Protocol[Prepared]):
    """A trained or untrained metanetwork. An answer does not depend on which other networks are in the batch."""

    def prepare(self, graphs: GraphTensors) -> Prepared:
        """What of the graphs it reads, in its own form; worth keeping where the same networks are read again."""
        ...

    def embed(self, graphs: Sequence[GraphTensors | Prepared]) -> Float[Tensor, "networks embedding"]:
        """What the head reads."""
        ...

    def __call__(self, graphs: Sequence[GraphTensors | Prepared]) -> Float[Tensor, "networks targets"]:
        """The targets of all networks of all graphs, in order."""
        ...
