"""Small networks of every zoo family, written as a user of PyTorch would write them: (N, 3, 32, 32) to 10 logits."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from tests.vision_transformers import VITS

CLASSES = 10
IMAGE_SHAPE = (3, 32, 32)


def mlp(activation: type[nn.Module] = nn.ReLU, *, batch_norm: bool = False) -> nn.Module:
    """Flatten and three linear layers on an image pooled to 8 x 8."""
    norm = [nn.BatchNorm1d(12)] if batch_norm else []
    return nn.Sequential(
        nn.AvgPool2d(4),
        nn.Flatten(),
        nn.Linear(192, 12),
        *norm,
        activation(),
        nn.Dropout(0.1),
        nn.Linear(12, 9),
        activation(),
        nn.Linear(9, CLASSES),
    )


class PlainMlp(nn.Module):
    """The MLP of a tutorial: flattened pixels and functional activations."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 6)
        self.second = nn.Linear(6, CLASSES, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(torch.flatten(x, 1))))


class Cnn(nn.Module):
    """Convolution, norm, activation and pooling, with a pooled or a flattened head."""

    def __init__(self, norm: Callable[[int], nn.Module], *, flat_head: bool = False, bias: bool = True) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=bias),
            norm(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 12, 3, padding=1, bias=bias),
            norm(12),
            nn.LeakyReLU(0.1),
            nn.AvgPool2d(2),
            nn.Conv2d(12, 12, 3, padding=2, dilation=2, groups=4, bias=bias),
            norm(12),
            nn.SiLU(),
        )
        self.flat_head = flat_head
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(12 * 4 * 4 if flat_head else 12, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        if not self.flat_head:
            x = self.pool(x)
        return self.head(x.view(x.size(0), -1))


class PlainCnn(nn.Module):
    """Convolutions without norms and the functional style, the head by a mean over positions."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 5, stride=4)
        self.second = nn.Conv2d(6, 8, 3, padding="same")
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu6(self.first(x))
        x = functional.elu(self.second(x), 0.7)
        return self.head(x.mean(dim=(2, 3)))


class BasicBlock(nn.Module):
    """He et al. 2016: the activation comes after the sum; a 1 x 1 shortcut where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return functional.relu(y)


class PreActivationBlock(nn.Module):
    """He et al. 2016 (Identity Mappings): norm and activation come before each convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(y)
        y = self.conv1(y)
        y = self.conv2(functional.relu(self.bn2(y)))
        return shortcut + y


class ResNet(nn.Module):
    """A stem, three blocks of which the last halves the resolution, a pooled head."""

    def __init__(self, block: type[BasicBlock] | type[PreActivationBlock]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.layers = nn.Sequential(block(6, 6, 1), block(6, 6, 1), block(6, 10, 2))
        self.last = nn.BatchNorm2d(10) if block is PreActivationBlock else nn.Identity()
        self.head = nn.Linear(10, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.stem(x)))
        x = functional.relu(self.last(self.layers(x)))
        return self.head(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1))


class EquivariantLayer(nn.Module):
    """Zaheer et al. 2017, eq. 4: one linear map of each element, another of their mean."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.own = nn.Linear(inputs, outputs)
        self.others = nn.Linear(inputs, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.own(x) + self.others(x.mean(dim=1, keepdim=True))


class DeepSets(nn.Module):
    """The pixels as a set."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([EquivariantLayer(3, 8), EquivariantLayer(8, 8)])
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = functional.relu(layer(x))
        return self.head(x.mean(dim=1))


class PermutedDeepSets(nn.Module):
    """The pixels as a set, in the style of `permute` and `reshape`, pooled by the maximum."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = EquivariantLayer(3, 8)
        self.head = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, x.shape[1])
        return self.head(torch.amax(functional.gelu(self.layer(x)), dim=1))


class RasterCnn(nn.Module):
    """One-dimensional convolutions over the pixels in raster order."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(3, 8, 9, stride=4, padding=4),
            nn.BatchNorm1d(8),
            nn.ReLU(),
            nn.MaxPool1d(4),
            nn.Conv1d(8, 8, 5, padding=2, bias=False),
            nn.BatchNorm1d(8),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(1),
        )
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x.flatten(2)).squeeze(-1))


def networks() -> dict[str, Callable[[], nn.Module]]:
    """Builders of every network by name; `built` gives one ready for use."""
    return {
        "mlp_relu": mlp,
        "mlp_gelu_batch_norm": lambda: mlp(nn.GELU, batch_norm=True),
        "mlp_tanh": PlainMlp,
        "cnn_batch_norm": lambda: Cnn(nn.BatchNorm2d, bias=False),
        "cnn_batch_norm_flat": lambda: Cnn(nn.BatchNorm2d, flat_head=True),
        "cnn_group_norm": lambda: Cnn(lambda channels: nn.GroupNorm(4, channels)),
        "cnn_plain": PlainCnn,
        "resnet_basic": lambda: ResNet(BasicBlock),
        "resnet_preactivation": lambda: ResNet(PreActivationBlock),
        "deepsets": DeepSets,
        "deepsets_permuted": PermutedDeepSets,
        "cnn1d": RasterCnn,
        **VITS,
    }


def built(name: str, seed: int = 0) -> nn.Module:
    """The network called `name` in evaluation mode: random weights, norms and BatchNorm statistics that matter."""
    torch.manual_seed(seed)
    network = networks()[name]()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, _BatchNorm | nn.GroupNorm | nn.LayerNorm):
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.uniform_(-0.3, 0.3, generator=generator)
            if isinstance(module, _BatchNorm) and module.running_mean is not None and module.running_var is not None:
                module.running_mean.uniform_(-0.3, 0.3, generator=generator)
                module.running_var.uniform_(0.5, 1.5, generator=generator)
    return network.eval()
