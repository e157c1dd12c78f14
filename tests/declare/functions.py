"""Networks that call functions of PyTorch which no module of it stands for, each with inputs of one sample."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.declare.torch_modules import IMAGE, STEPS, Case, numbers, tokens


class Applied(nn.Module):
    """A function behind a linear layer on the last axis."""

    def __init__(self, width: int, function: Callable[..., Tensor | tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.linear, self.function = nn.Linear(width, width), function

    def forward(self, first: Tensor, *others: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self.function(self.linear(first), *others)


class Decoder(nn.Module):
    """Tokens with learned positions, a mask of what comes later, and a head tied to the table."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.positions = nn.Embedding(11, 8), nn.Embedding(16, 8)
        self.norm, self.qkv, self.out = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.table.weight

    def forward(self, ids: Tensor) -> Tensor:
        samples, length = ids.shape
        x = self.table(ids) + self.positions(torch.arange(length))[None]
        query, key, value = self.qkv(self.norm(x)).view(samples, length, 3, 2, 4).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-2, -1) / 2
        later = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)
        mixed = scores.masked_fill(later, float("-inf")).softmax(-1) @ value
        return self.head(x + self.out(mixed.transpose(1, 2).reshape(samples, length, 8)))


class Averaged(nn.Module):
    """The mean over the tokens of a sequence that are no padding."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.cells = nn.Embedding(11, 8, padding_idx=0), nn.GRU(8, 6, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 3)

    def forward(self, ids: Tensor) -> Tensor:
        seen = (ids != 0).unsqueeze(-1).float()
        states, _ = self.cells(self.table(ids))
        return self.head((states * seen).sum(1) / seen.sum(1).clamp(min=1))


class Shrinking(nn.Module):
    """A map made smaller and larger again, and put beside itself."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(4, 6, 3, padding=1), nn.Conv2d(10, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        small = functional.max_pool2d(self.down(x), 2)
        again = functional.interpolate(small, size=x.shape[2:], mode="bilinear", align_corners=False)
        return self.up(torch.cat([again, x], 1))


def applied(function: Callable[..., Tensor | tuple[Tensor, ...]], *inputs: Tensor) -> Case:
    return lambda: Applied(inputs[0].shape[-1], function), inputs


INDEX = torch.tensor([[0, 2, 1], [3, 3, 0]])

FUNCTIONS: dict[str, Case] = {
    "a decoder": (Decoder, (tokens(1, 7),)),
    "tokens averaged": (Averaged, (tokens(1, 7),)),
    "a net with skips": (Shrinking, (numbers(1, 4, 9, 7),)),
    "affine grids": applied(
        lambda x, y: functional.grid_sample(y, x.tanh(), align_corners=False), numbers(1, 3, 5, 2), IMAGE
    ),
    "distances": applied(torch.cdist, STEPS, numbers(1, 3, 4)),
    "cosines": applied(lambda x, y: functional.cosine_similarity(x, y, dim=1), STEPS, numbers(1, 5, 4).flip(2)),
    "norms": applied(lambda x: torch.cat([x.norm(p, dim=-1) for p in (1, 2, 3, float("inf"))], -1), STEPS),
    "normalised": applied(lambda x: functional.normalize(x, dim=-1), STEPS),
    "deviations": applied(lambda x: x.std(-1) + x.var(1, unbiased=False).sum(), STEPS),
    "rolled": applied(lambda x: x.roll((1, -1), (1, 2)), STEPS),
    "sorted": applied(lambda x: x.sort(-1, descending=True).values.cumsum(1), STEPS),
    "the largest": applied(lambda x: tuple(x.topk(2, dim=1)), STEPS),
    "where the largest is": applied(lambda x: x.argmax(-1), STEPS),
    "chosen": applied(lambda x: torch.where(x > 0.5, x, -2 * x), STEPS),
    "several conditions": applied(lambda x: x * ((x > 0) & ~(x >= 1) | (x == 3)), STEPS),
    "any and all": applied(lambda x: x.sum(-1) * (x > 0).any(-1) + (x > -3).all(-1), STEPS),
    "indexed": applied(lambda x: x[:, INDEX, INDEX], STEPS),
    "indexed on axes apart": applied(lambda x: x[:, :, INDEX][:, INDEX[0]], STEPS),
    "gathered": applied(lambda x: x.gather(1, INDEX[None]), STEPS),
    "scattered": applied(lambda x: x.scatter(1, INDEX[None], 7.0), STEPS),
    "selected": applied(lambda x: x.index_select(2, torch.tensor([1, 3])), STEPS),
    "whole numbers": applied(lambda x, ids: x * (ids % 3 + 2 * ids - 1)[..., None], STEPS, tokens(1, 5)),
    "scaled sums": applied(lambda x, y: torch.add(x, y, alpha=0.5) - torch.rsub(x, 2.0), STEPS, STEPS),
    "remainders": applied(lambda x: x.remainder(0.7) + torch.floor_divide(x, 0.3), STEPS),
    "waves": applied(lambda x: torch.sin(3 * x) + x.cos() ** 2 + 2.0**x, STEPS),
    "triangles": applied(lambda x: x.tril() + x.triu(1) * 2, STEPS),
    "bounds that are values": applied(lambda x, y: torch.maximum(x.clamp(max=y), -y), STEPS, STEPS.abs()),
    "even lines": applied(lambda x: functional.interpolate(x, 3, mode="linear", align_corners=False), STEPS),
}

REFUSED_FUNCTIONS: dict[str, tuple[Case, str]] = {
    "smoothed": (
        applied(lambda x: functional.interpolate(x, (3, 5), mode="bilinear", antialias=True), IMAGE),
        "aten._upsample_bilinear2d_aa",
    ),
    "elements that a condition chooses": (applied(lambda x: x[x > 0], STEPS), "Applied"),
}
"""What is refused, and what the message says."""
