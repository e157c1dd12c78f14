"""Small networks of kinds that no zoo has, as a user of PyTorch would write them, and a plain one for comparison.

All read 32x32 colour images. Unless it says otherwise they have ten outputs and are no larger than a zoo's networks, so
that neither size nor ends give them away.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

Make = Callable[[int], nn.Module]
"""A network of a width in neurons, a multiple of eight."""


def plain(width: int) -> nn.Module:
    """A CNN as zoos have them."""
    return nn.Sequential(_conv(3, width, 2), _conv(width, 2 * width, 2), _conv(2 * width, 2 * width), *_head(2 * width))


def dilated(width: int) -> nn.Module:
    """The same with holes in its kernels."""
    holes = (_conv(width, 2 * width, 2, dilation=2), _conv(2 * width, 2 * width, dilation=4))
    return nn.Sequential(_conv(3, width, 2), *holes, *_head(2 * width))


def depthwise(width: int) -> nn.Module:
    """Convolutions of each channel by itself, and of each pixel by itself (Howard et al. 2017)."""
    blocks = [
        nn.Sequential(_conv(width, width, stride, groups=width), _conv(width, width, size=1)) for stride in (1, 2, 1)
    ]
    return nn.Sequential(_conv(3, width, 2), *blocks, *_head(width))


def grouped(width: int) -> nn.Module:
    """Convolutions of groups of eight channels (Xie et al. 2017)."""
    width *= 2
    blocks = [
        nn.Sequential(_conv(width, width, stride, groups=width // 8), _conv(width, width, size=1)) for stride in (2, 1)
    ]
    return nn.Sequential(_conv(3, width, 2), *blocks, *_head(width))


def deep(width: int) -> nn.Module:
    """Twenty convolutions, four times as many as a CNN of a zoo has at most, and narrower ones for it."""
    width //= 2
    rest = [_conv(width, width, 2 if number == 8 else 1) for number in range(19)]
    return nn.Sequential(_conv(3, width, 2), *rest, *_head(width))


def wide(width: int) -> nn.Module:
    """An MLP of ten times as many parameters as a network of a zoo."""
    layers = (nn.Linear(768, 16 * width), nn.ReLU(), nn.Linear(16 * width, 16 * width), nn.ReLU())
    return nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), *layers, nn.Linear(16 * width, 10))


def hundred_classes(width: int) -> nn.Module:
    """The plain CNN with a hundred outputs."""
    return nn.Sequential(_conv(3, width, 2), _conv(width, 2 * width, 2), *_head(2 * width, 100))


def autoencoder(width: int) -> nn.Module:
    """An image from four times fewer numbers."""
    up = nn.ConvTranspose2d(width, width, 2, 2), nn.ReLU(), nn.ConvTranspose2d(width, 3, 2, 2)
    return nn.Sequential(_conv(3, width, 2), _conv(width, width, 2), *up)


class SqueezeExcite(nn.Module):
    """Channels are weighted by what is in all of them (Hu et al. 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before = nn.Sequential(_conv(3, width, 2), _conv(width, 2 * width, 2))
        self.gate = nn.Sequential(
            nn.Linear(2 * width, width // 2), nn.ReLU(), nn.Linear(width // 2, 2 * width), nn.Sigmoid()
        )
        self.after = nn.Sequential(_conv(2 * width, 2 * width), *_head(2 * width))

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        seen = self.before(images)
        return self.after(seen * self.gate(seen.mean((2, 3)))[:, :, None, None])


class Dense(nn.Module):
    """Each convolution reads all before it (Huang et al. 2017)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = _conv(3, width, 2)
        self.layers = nn.ModuleList([_conv(width * number, width) for number in (1, 2, 3)])
        self.head = nn.Sequential(*_head(4 * width))

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        seen = self.stem(images)
        for layer in self.layers:
            seen = torch.cat([seen, layer(seen)], 1)
        return self.head(seen)


class Mixer(nn.Module):
    """Layers over the features of each patch, and over the patches of each feature (Tolstikhin et al. 2021)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(5)])
        self.tokens = nn.ModuleList([_mlp(64) for _ in range(2)])
        self.features = nn.ModuleList([_mlp(width) for _ in range(2)])
        self.head = nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        seen = self.patches(images).flatten(2).transpose(1, 2)
        for number, (tokens, features) in enumerate(zip(self.tokens, self.features, strict=True)):
            seen = seen + tokens(self.norms[2 * number](seen).transpose(1, 2)).transpose(1, 2)
            seen = seen + features(self.norms[2 * number + 1](seen))
        return self.head(self.norms[4](seen).mean(1))


class Recurrent(nn.Module):
    """An LSTM that reads an image row by row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cells = nn.LSTM(96, 2 * width, batch_first=True)
        self.head = nn.Linear(2 * width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        rows = images.transpose(1, 2).flatten(2)
        return self.head(self.cells(rows)[0][:, -1])


CONTROL = "plain CNN"
"""Like a zoo's, and trained by somebody else: it ought to be answered, and rightly."""
MODULES: Mapping[str, Make] = {
    CONTROL: plain,
    "dilated CNN": dilated,
    "depthwise CNN": depthwise,
    "grouped CNN": grouped,
    "deep CNN": deep,
    "wide MLP": wide,
    "squeeze-excite CNN": SqueezeExcite,
    "DenseNet": Dense,
    "MLP-Mixer": Mixer,
    "LSTM": Recurrent,
    "100 classes": hundred_classes,
    "autoencoder": autoencoder,
}


def _conv(
    inputs: int, outputs: int, stride: int = 1, *, size: int = 3, groups: int = 1, dilation: int = 1
) -> nn.Module:
    margin = dilation * (size // 2)
    conv = nn.Conv2d(inputs, outputs, size, stride, margin, dilation=dilation, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


def _head(width: int, classes: int = 10) -> tuple[nn.Module, ...]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)


def _mlp(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
