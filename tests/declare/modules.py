"""Modules beyond the zoo's, in ways that people write them: what is shared, repeated, functional or in place."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


class Downsampled(nn.Module):
    """A residual block in torchvision's spelling: `downsample`, and activations in place."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class EinsumAttention(nn.Module):
    """A vision transformer's attention by `einsum`, with a table that `torch.arange` indexes and a repeated token."""

    def __init__(self) -> None:
        super().__init__()
        self.patchify = nn.Conv2d(3, 8, 8, stride=8)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Embedding(17, 8)
        self.qkv = nn.Linear(8, 24, bias=False)
        self.out = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8, elementwise_affine=False)
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patchify(x).flatten(2).permute(0, 2, 1)
        x = torch.cat((self.token.repeat(x.shape[0], 1, 1), x), 1)
        x = x + self.positions(torch.arange(x.shape[1]))
        query, key, value = (part.unflatten(-1, (2, 4)) for part in self.qkv(self.norm(x)).split(8, dim=-1))
        scores = torch.einsum("bqhd,bkhd->bhqk", query, key) * 4**-0.5
        mixed = torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), value)
        x = x + self.out(mixed.reshape(*mixed.shape[:2], 8))
        return self.head(x[:, 0])


class CausalEncoder(nn.Module):
    """A library layer whose mask is made on the fly."""

    def __init__(self) -> None:
        super().__init__()
        self.patchify = nn.Conv2d(3, 8, 4, stride=4)
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, dropout=0.1)
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patchify(x).flatten(2).transpose(1, 2)
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.head(self.layer(x, src_mask=mask, is_causal=True).mean(1))


class TokensFirst(nn.Module):
    """The library's attention as it is by default: tokens before samples, weights returned; then a mask of flags."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.patchify = nn.Conv2d(3, 8, 8, stride=8)
        self.attention = nn.MultiheadAttention(8, 2)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)
        self.register_buffer("mask", torch.ones(16, 16, dtype=torch.bool).tril())
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patchify(x).flatten(2).permute(2, 0, 1)
        mixed, _ = self.attention(x, x, x)
        x = (x + mixed).transpose(0, 1)
        query, key, value = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=self.mask)
        return self.head(self.out(mixed.transpose(1, 2).flatten(2))[:, -1])


class Tied(nn.Module):
    """Two layers with one weight, and a table that the state dict leaves out."""

    table: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveMaxPool2d((2, 2))
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight
        self.register_buffer("table", torch.randn(4, 3), persistent=False)
        self.head = nn.Linear(3, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(x).flatten(2).transpose(1, 2) + self.table
        return self.head(self.second(self.first(x).sigmoid()).mean(1))


class OddSizes(nn.Module):
    """Padding, pools and norms with options that are seldom used."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 4, padding="same")
        self.norm = nn.InstanceNorm2d(6, affine=True)
        self.pool = nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)
        self.second = nn.Conv2d(6, 8, (3, 1), stride=(2, 1), bias=False)
        self.plain = nn.BatchNorm2d(8, affine=False, eps=1e-3)
        self.tiles = nn.AdaptiveAvgPool2d((3, 17))
        self.head = nn.Linear(8 * 3 * 17, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(functional.hardswish(self.norm(self.first(x))))
        x = functional.max_pool2d(x, 3, 1, 1)
        x = functional.pad(x, (1, 0, 2, 1))
        x = self.tiles(functional.softplus(self.plain(self.second(x))))
        return functional.log_softmax(self.head(torch.flatten(x, 1)), dim=1)


class PlainParameters(nn.Module):
    """Parameters that no layer of the library holds, and a product by `einsum`."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(4, 3))
        self.weight = nn.Parameter(torch.randn(4, 10))
        self.bias = nn.Parameter(torch.randn(10))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.einsum("bnc,dc->bnd", x.flatten(2).transpose(1, 2), self.first)
        return functional.selu(x).max(dim=1).values @ self.weight + self.bias


def activations() -> nn.Module:
    """One linear layer for each kind of activation."""
    kinds = (
        nn.Hardtanh(0, 6),
        nn.CELU(),
        nn.ELU(0.5),
        nn.GELU("tanh"),
        nn.Hardsigmoid(),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Mish(),
        nn.SELU(),
        nn.Tanh(),
    )
    layers = [layer for kind in kinds for layer in (nn.Linear(10, 10), kind)]
    return nn.Sequential(nn.AvgPool2d(16), nn.Flatten(), nn.Linear(12, 10), *layers, nn.Softmax(dim=-1))


def downsampled() -> nn.Module:
    """A stem with an overlapping pool, and two blocks."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 7, 2, 3, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
        Downsampled(6, 6, 1),
        Downsampled(6, 10, 2),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(10, 10),
    )


MODULES: dict[str, Callable[[], nn.Module]] = {
    "activations": activations,
    "causal_encoder": CausalEncoder,
    "downsampled": downsampled,
    "einsum_attention": EinsumAttention,
    "odd_sizes": OddSizes,
    "plain_parameters": PlainParameters,
    "tied": Tied,
    "tokens_first": TokensFirst,
}
