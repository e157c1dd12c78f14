"""Small networks with the names that torchvision, timm and tutorials give to modules, and what their files become."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from metagauge.architecture.templates.from_config import Templated
from metagauge.architecture.templates.names.from_names import from_names
from metagauge.architecture.templates.names.hints import Hints
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.tensor import Tensor as Stored


def checkpoint_of(tensors: dict[str, Tensor], prefix: str = "") -> Checkpoint:
    """Tensors as a safetensors file would hold them."""
    stored: dict[str, Stored] = {}
    for name, tensor in tensors.items():
        array = tensor.detach().numpy()
        dtype = "F32" if array.dtype.kind == "f" else "I64"
        stored[prefix + name] = Stored(
            name=prefix + name, dtype=dtype, shape=array.shape, load=lambda array=array: array
        )
    return Checkpoint(format="safetensors", size_bytes=0, tensors=stored, metadata={})


def trained(module: nn.Module, seed: int = 0) -> nn.Module:
    """`module` with weights that keep signals alive, and running statistics of their own."""
    torch.manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
        elif name.endswith("running_mean"):
            tensor.copy_(torch.randn(tensor.shape) * 0.02)
        elif tensor.ndim > 2:
            tensor.copy_(torch.randn(tensor.shape) * (1.5 / tensor[0].numel()) ** 0.5)
    return module.eval()


def read_names(module: nn.Module, hints: Hints | None = None, prefix: str = "") -> Templated:
    """What the names of its state dict tell."""
    found = from_names(checkpoint_of(module.state_dict(), prefix), hints)
    assert found is not None
    return found


class Block(nn.Module):
    """A basic block or, with `deep`, a bottleneck, as torchvision names them."""

    def __init__(self, inputs: int, width: int, stride: int, *, deep: bool, way: str = "downsample") -> None:
        super().__init__()
        outputs = 4 * width if deep else width
        self.deep = deep
        if deep:
            sizes = ((inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1))
        else:
            sizes = ((inputs, width, 3, stride), (width, width, 3, 1))
        for number, (before, after, kernel, step) in enumerate(sizes, start=1):
            conv = nn.Conv2d(before, after, kernel, step, kernel // 2, bias=False)
            setattr(self, f"conv{number}", conv)
            setattr(self, f"bn{number}", nn.BatchNorm2d(after))
        self.way = way
        changes = stride != 1 or inputs != outputs
        around = (nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)) if changes else ()
        setattr(self, way, nn.Sequential(*around))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        count = 3 if self.deep else 2
        for number in range(1, count + 1):
            y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(y))
            y = functional.relu(y) if number < count else y
        return functional.relu(y + getattr(self, self.way)(x))


class ResNet(nn.Module):
    """Three stages: torchvision's with a stem for large images, or that of the CIFAR repositories."""

    def __init__(self, *, deep: bool = False, small: bool = False) -> None:
        super().__init__()
        self.small = small
        self.conv1 = nn.Conv2d(3, 8, 3 if small else 7, 1 if small else 2, 1 if small else 3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        width, way = 8, "shortcut" if small else "downsample"
        for stage, size in enumerate((8, 12, 16), start=1):
            blocks = []
            for number in range(2):
                stride = 2 if stage > 1 and number == 0 else 1
                blocks.append(Block(width, size, stride, deep=deep, way=way))
                width = 4 * size if deep else size
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        setattr(self, "linear" if small else "fc", nn.Linear(width, 5))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = x if self.small else functional.max_pool2d(x, 3, 2, 1)
        x = self.layer3(self.layer2(self.layer1(x)))
        head = self.linear if self.small else self.fc
        return head(x.mean((2, 3)))


class Vgg(nn.Module):
    """torchvision's list of layers, for images of 16 by 16."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 3
        for size in (6, 0, 8, 8, 0, 10, 10, 10, 0):
            if size:
                layers += [nn.Conv2d(width, size, 3, padding=1), nn.BatchNorm2d(size), nn.ReLU()]
                width = size
            else:
                layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(40, 12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 9), nn.ReLU())
        self.classifier.append(nn.Dropout())
        self.classifier.append(nn.Linear(9, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


class Encoder(nn.Module):
    """One block of timm's ViT."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 2 * width), "fc2": nn.Linear(2 * width, width)})

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        fused = self.attn["qkv"](self.norm1(x)).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(fused[0], fused[1], fused[2])
        x = x + self.attn["proj"](mixed.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm2(x))))


class Vit(nn.Module):
    """timm's ViT: patches of four pixels of images of 16 by 16."""

    def __init__(self, width: int = 12, heads: int = 3) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 17, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, 4, 4)})
        self.blocks = nn.Sequential(*(Encoder(width, heads) for _ in range(2)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch_embed["proj"](x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token, tokens], 1) + self.pos_embed
        return self.head(self.norm(self.blocks(tokens))[:, 0])


class Sequence(nn.Module):
    """A recurrent network whose last states are classified."""

    def __init__(self, rnn: nn.RNNBase) -> None:
        super().__init__()
        self.rnn = rnn
        self.head = nn.Linear(rnn.hidden_size * (2 if rnn.bidirectional else 1), 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, -1])


class Pooled(nn.Module):
    """A stack of layers over a sequence, and a linear layer that reads the mean of its steps."""

    def __init__(self, encoder: nn.TransformerEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x).mean(1))


class Mixer(nn.Module):
    """timm's MLP-Mixer of one block: patches of four pixels of images of 12 by 12."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.ModuleDict({"proj": nn.Conv2d(3, 8, 4, 4)})
        block = {"norm1": nn.LayerNorm(8, eps=1e-6), "norm2": nn.LayerNorm(8, eps=1e-6)}
        mixers = {"mlp_tokens": 9, "mlp_channels": 8}
        layers = {
            name: nn.ModuleDict({"fc1": nn.Linear(width, 6), "fc2": nn.Linear(6, width)})
            for name, width in mixers.items()
        }
        self.blocks = nn.ModuleList([nn.ModuleDict({**block, **layers})])
        self.norm = nn.LayerNorm(8, eps=1e-6)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem["proj"](x).flatten(2).transpose(1, 2)
        block = self.blocks[0]
        turned = block["norm1"](x).transpose(1, 2)
        x = x + block["mlp_tokens"]["fc2"](functional.gelu(block["mlp_tokens"]["fc1"](turned))).transpose(1, 2)
        x = x + block["mlp_channels"]["fc2"](functional.gelu(block["mlp_channels"]["fc1"](block["norm2"](x))))
        return self.head(self.norm(x).mean(1))
