"""What neurons hear from the blocks they are ends of: the sums of a batch, block by block, with their gradients.

There are many small blocks in a batch of small networks, so what counts is how few operations a block takes. All blocks
write into one array, forwards and backwards, where automatic differentiation would make a dozen arrays for each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from models.metanetworks.rows import PRODUCTS, Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A block seen from one end: what it reads and where it writes."""

    number: int
    """0 to targets, 1 to sources."""
    weight: Float[Tensor, "matrices hearers speakers"]
    """Matrices of all networks, groups and products."""
    networks: int
    groups: int
    reads: slice
    writes: slice
    blocks: slice

    def split(self, rows: Float[Tensor, "rows said"]) -> Float[Tensor, "networks groups products neurons width"]:
        """A view of rows as the matrices have them."""
        shape = self.networks, self.groups, -1, PRODUCTS, rows.shape[1] // PRODUCTS
        return rows.view(shape).permute(0, 1, 3, 2, 4)

    def gate(self, gates: Float[Tensor, "two blocks said"]) -> Float[Tensor, "networks one products one width"]:
        """This block's gates, beside what `split` returns."""
        return gates[self.number, self.blocks].view(self.networks, 1, PRODUCTS, 1, -1)


def messages(
    ways: Sequence[Way],
    said: Float[Tensor, "two nodes said"],
    gates: Float[Tensor, "two blocks said"],
) -> Float[Tensor, "nodes twice_said"]:
    """The sums of gated messages: those that come from sources, then those that come from targets.

    Args:
        ways: What the messages go through, of `ways_of`.
        said: What neurons say to their targets and to their sources; as many columns as PRODUCTS has parts.
        gates: What each block's messages to targets and to sources are multiplied by.
    """
    return _Messages.apply(ways, said, gates)


def softsign(numbers: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """x / (1 + |x|), with a gradient that needs the result alone."""
    return _Softsign.apply(numbers)


def ways_of(batch: Batch) -> tuple[Way, ...]:
    """Every block of a batch from both ends."""
    return tuple(_ways(batch))


def _ways(batch: Batch) -> Iterator[Way]:
    starts = [0, *accumulate(batch.extents)]
    for each in batch.slices:
        weight = each.link.forward  # (networks, groups, products, outputs, inputs)
        networks, groups = weight.shape[:2]
        matrices = weight.flatten(0, 2)
        source, target = (slice(starts[end], starts[end + 1]) for end in (each.source, each.target))
        blocks = slice(each.block, each.block + networks)
        ends = ((matrices, source, target), (matrices.transpose(1, 2), target, source))
        for number, (seen, reads, writes) in enumerate(ends):
            yield Way(
                number=number,
                weight=seen,
                networks=networks,
                groups=groups,
                reads=reads,
                writes=writes,
                blocks=blocks,
            )


class _Messages(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ways: Sequence[Way], said: Tensor, gates: Tensor) -> Tensor:  # noqa: ANN401 - PyTorch's own
        _, nodes, width = said.shape
        heard = said.new_zeros(nodes, 2 * width)
        halves = heard.split(width, dim=1)
        sums = []
        for way in ways:
            spoken = way.split(said[way.number, way.reads])
            mixed = torch.bmm(way.weight, spoken.flatten(0, 2)).view(*spoken.shape[:3], -1, spoken.shape[4])
            way.split(halves[way.number][way.writes]).addcmul_(mixed, way.gate(gates))
            sums.append(mixed)
        ctx.ways, ctx.sums, ctx.shape = ways, sums, said.shape
        ctx.save_for_backward(gates)
        return heard

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor]:  # noqa: ANN401 - PyTorch's own  # pyright: ignore[reportIncompatibleMethodOverride]
        (gates,) = ctx.saved_tensors
        halves = gradient.split(ctx.shape[2], dim=1)
        of_said, of_gates = gradient.new_zeros(ctx.shape), torch.empty_like(gates)
        for way, mixed in zip(ctx.ways, ctx.sums, strict=True):
            heard = way.split(halves[way.number][way.writes])
            torch.sum(heard * mixed, (1, 3), keepdim=True, out=way.gate(of_gates))
            gated = (heard * way.gate(gates)).flatten(0, 2)
            back = torch.bmm(way.weight.transpose(1, 2), gated)
            spoken = way.split(of_said[way.number, way.reads])
            spoken.add_(back.view(*spoken.shape[:3], -1, spoken.shape[4]))
        return None, of_said, of_gates


class _Softsign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, numbers: Tensor) -> Tensor:  # noqa: ANN401 - PyTorch's own
        signed = numbers / numbers.abs().add_(1)
        ctx.save_for_backward(signed)
        return signed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401 - PyTorch's own  # pyright: ignore[reportIncompatibleMethodOverride]
        (signed,) = ctx.saved_tensors
        return signed.abs().neg_().add_(1).square_().mul_(gradient)
