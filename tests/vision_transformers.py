"""Small vision transformers that write attention in the ways users do: (N, 3, 32, 32) to 10 logits."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


class LibraryAttention(nn.Module):
    """`nn.MultiheadAttention` on one sequence."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        nn.init.uniform_(self.attention.in_proj_bias, -0.3, 0.3)
        nn.init.uniform_(self.attention.out_proj.bias, -0.3, 0.3)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class FusedAttention(nn.Module):
    """One linear layer for query, key and value, and PyTorch's own attention function."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        samples, tokens, width = x.shape
        qkv = self.qkv(x).reshape(samples, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = qkv.unbind(0)
        x = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(x.transpose(1, 2).reshape(samples, tokens, width))


class ChunkedAttention(FusedAttention):
    """The fused layer taken apart by `chunk`, softmax written out, the query scaled."""

    def forward(self, x: Tensor) -> Tensor:
        samples, tokens, width = x.shape
        query, key, value = (
            part.view(samples, tokens, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(x).chunk(3, dim=-1)
        )
        scores = (query * (width // self.heads) ** -0.5) @ key.transpose(-2, -1)
        x = scores.softmax(dim=-1) @ value
        return self.proj(x.transpose(1, 2).contiguous().view(samples, tokens, width))


class SeparateAttention(nn.Module):
    """Three linear layers, explicit products and softmax, the scores scaled."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_width = heads, width // heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), -1, self.heads, self.head_width).permute(0, 2, 1, 3)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(self.head_width)
        x = torch.matmul(torch.softmax(scores, dim=-1), value)
        return self.output(x.permute(0, 2, 1, 3).flatten(2))


class Block(nn.Module):
    """A pre-norm block (Dosovitskiy et al. 2021, eq. 2 and 3)."""

    def __init__(self, width: int, attention: nn.Module) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = attention
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    """Patches by convolution, a learned position table, blocks; the head reads a class token or the mean."""

    def __init__(self, blocks: nn.Module, width: int, *, class_token: bool, last_norm: bool = True) -> None:
        super().__init__()
        self.patchify = nn.Conv2d(3, width, 8, stride=8)
        self.class_token = nn.Parameter(torch.randn(1, 1, width)) if class_token else None
        self.positions = nn.Parameter(0.3 * torch.randn(1, 16 + class_token, width))
        self.blocks = blocks
        self.norm = nn.LayerNorm(width) if last_norm else nn.Identity()
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patchify(x).flatten(2).transpose(1, 2)
        if self.class_token is not None:
            x = torch.cat((self.class_token.expand(x.shape[0], -1, -1), x), dim=1)
        x = self.norm(self.blocks(x + self.positions))
        return self.head(x.mean(dim=1) if self.class_token is None else x[:, 0])


def vit(attention: type[LibraryAttention | FusedAttention | SeparateAttention], *, class_token: bool) -> nn.Module:
    """Two hand-written blocks."""
    return Vit(nn.Sequential(Block(12, attention(12, 3)), Block(12, attention(12, 3))), 12, class_token=class_token)


def library_vit(*, norm_first: bool, class_token: bool) -> nn.Module:
    """Blocks from `nn.TransformerEncoder`."""
    layer = nn.TransformerEncoderLayer(
        12, 2, 20, activation="gelu" if norm_first else "relu", norm_first=norm_first, batch_first=True
    )
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    return Vit(encoder, 12, class_token=class_token, last_norm=norm_first)


VITS: dict[str, Callable[[], nn.Module]] = {
    "vit_library_attention": lambda: vit(LibraryAttention, class_token=True),
    "vit_encoder_norm_first": lambda: library_vit(norm_first=True, class_token=False),
    "vit_encoder_norm_last": lambda: library_vit(norm_first=False, class_token=True),
    "vit_fused_attention": lambda: vit(FusedAttention, class_token=True),
    "vit_chunked_attention": lambda: vit(ChunkedAttention, class_token=False),
    "vit_separate_attention": lambda: vit(SeparateAttention, class_token=False),
}
