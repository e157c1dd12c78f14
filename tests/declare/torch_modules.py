"""PyTorch's modules, each with inputs of one sample; what has no weights of its own gets a linear layer in front."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Case = tuple[Callable[[], nn.Module], tuple[Tensor, ...]]


class Behind(nn.Module):
    """A module behind a linear layer on the last axis."""

    def __init__(self, module: nn.Module, width: int) -> None:
        super().__init__()
        self.linear, self.module = nn.Linear(width, width), module

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        return self.module(self.linear(first), *others)


class Unpooled(nn.Module):
    """A maximum over windows, and its values back where they came from."""

    def __init__(self, axes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.pool = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[axes - 1](2, return_indices=True)
        self.unpool = (nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d)[axes - 1](2)

    def forward(self, x: Tensor) -> Tensor:
        return self.unpool(*self.pool(self.linear(x)))


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def tokens(*shape: int) -> Tensor:
    return torch.randint(0, 11, shape, generator=torch.Generator().manual_seed(1))


LINE, IMAGE, VOLUME = numbers(1, 4, 8), numbers(1, 4, 6, 8), numbers(1, 4, 4, 6, 4)
SPACES = (LINE, IMAGE, VOLUME)
STEPS, STEPS_FIRST = numbers(1, 5, 4), numbers(5, 1, 4)
TALL = numbers(1, 4, 7, 9)


def behind(make: Callable[[], nn.Module], *inputs: Tensor) -> Case:
    return lambda: Behind(make(), inputs[0].shape[-1]), inputs


def on_each(prefix: str, make: Callable[[type[nn.Module]], nn.Module], *, plain: bool = False) -> dict[str, Case]:
    """One case for each number of axes."""
    found: dict[str, Case] = {}
    for axes, sample in enumerate(SPACES, 1):
        kind = getattr(nn, f"{prefix}{axes}d")
        found[f"{prefix}{axes}d"] = (
            (lambda kind=kind: make(kind), (sample,)) if plain else behind(lambda kind=kind: make(kind), sample)
        )
    return found


ACTIVATIONS = (
    "CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid Mish PReLU RReLU ReLU ReLU6 SELU SiLU"
    " Sigmoid Softplus Softshrink Softsign Tanh Tanhshrink Identity Dropout AlphaDropout FeatureAlphaDropout"
)

CASES: dict[str, Case] = {
    **{name: behind(getattr(nn, name), STEPS) for name in ACTIVATIONS.split()},
    **{
        name: behind(lambda name=name: getattr(nn, name)(dim=-1), STEPS)
        for name in ("Softmax", "LogSoftmax", "Softmin")
    },
    "Softmax2d": behind(nn.Softmax2d, IMAGE),
    "GLU": behind(nn.GLU, STEPS),
    "Threshold": behind(lambda: nn.Threshold(0.1, 2.0), STEPS),
    "Softplus steep": behind(lambda: nn.Softplus(beta=2.0, threshold=30.0), STEPS),
    "Dropout1d": behind(nn.Dropout1d, LINE),
    "Dropout2d": behind(nn.Dropout2d, IMAGE),
    "Dropout3d": behind(nn.Dropout3d, VOLUME),
    **on_each("Conv", lambda kind: kind(4, 6, 3, padding=1, groups=2), plain=True),
    **on_each("ConvTranspose", lambda kind: kind(4, 6, 3, 2, 1, 1, groups=2), plain=True),
    **on_each("BatchNorm", lambda kind: kind(4), plain=True),
    **on_each("InstanceNorm", lambda kind: kind(4, affine=True), plain=True),
    "InstanceNorm with statistics": (lambda: nn.InstanceNorm2d(4, affine=True, track_running_stats=True), (IMAGE,)),
    "SyncBatchNorm": (lambda: nn.SyncBatchNorm(4), (IMAGE,)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (IMAGE,)),
    "LayerNorm": (lambda: nn.LayerNorm((5, 4)), (STEPS,)),
    "RMSNorm": (lambda: nn.RMSNorm(4), (STEPS,)),
    "LocalResponseNorm": behind(lambda: nn.LocalResponseNorm(3, 0.5), IMAGE),
    **on_each("MaxPool", lambda kind: kind(3, 2, 1)),
    **on_each("AvgPool", lambda kind: kind(3, 2, 1)),
    **on_each("LPPool", lambda kind: kind(2.0, 2)),
    "LPPool of fourth powers": behind(lambda: nn.LPPool2d(4.0, (2, 3), stride=1), IMAGE),
    **on_each("AdaptiveAvgPool", lambda kind: kind(3)),
    **on_each("AdaptiveMaxPool", lambda kind: kind(3)),
    "AdaptiveAvgPool2d to more": behind(lambda: nn.AdaptiveAvgPool2d((7, 1)), IMAGE),
    "AdaptiveMaxPool2d of one axis": behind(lambda: nn.AdaptiveMaxPool2d((None, 5)), IMAGE),
    "MaxPool2d to the ceiling": behind(lambda: nn.MaxPool2d(2, ceil_mode=True), TALL),
    "AvgPool2d to the ceiling": behind(lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True), TALL),
    "AvgPool2d over another number": behind(lambda: nn.AvgPool2d(2, divisor_override=3), IMAGE),
    **on_each("ZeroPad", lambda kind: kind(1)),
    **on_each("ConstantPad", lambda kind: kind(2, 0.5)),
    **on_each("ReflectionPad", lambda kind: kind(2)),
    **on_each("ReplicationPad", lambda kind: kind(2)),
    **on_each("CircularPad", lambda kind: kind(2)),
    "padding that cuts": behind(lambda: nn.ZeroPad2d((-1, 2, 1, -1)), IMAGE),
    "Upsample": behind(lambda: nn.Upsample(scale_factor=2), IMAGE),
    "Upsample of a line": behind(lambda: nn.Upsample(scale_factor=2.5, mode="linear"), LINE),
    "Upsample of a volume": behind(lambda: nn.Upsample(scale_factor=2, mode="trilinear"), VOLUME),
    "Upsample to a size": behind(lambda: nn.Upsample((7, 13), mode="nearest"), IMAGE),
    "Upsample to a size by lines": behind(lambda: nn.Upsample((7, 13), mode="bilinear"), IMAGE),
    "Upsample with aligned corners": behind(lambda: nn.Upsample((7, 13), mode="bilinear", align_corners=True), IMAGE),
    "Upsample by cubes": behind(lambda: nn.Upsample(scale_factor=2, mode="bicubic"), IMAGE),
    "Upsample by cubes with aligned corners": behind(
        lambda: nn.Upsample((7, 13), mode="bicubic", align_corners=True), IMAGE
    ),
    "Upsample to exact neighbours": behind(lambda: nn.Upsample((7, 13), mode="nearest-exact"), IMAGE),
    "Upsample to fewer": behind(lambda: nn.Upsample(scale_factor=0.4, mode="bilinear"), IMAGE),
    "Upsample of volumes to neighbours": behind(lambda: nn.Upsample((5, 6, 7)), VOLUME),
    "UpsamplingBilinear2d": behind(lambda: nn.UpsamplingBilinear2d(scale_factor=2), IMAGE),
    "UpsamplingNearest2d": behind(lambda: nn.UpsamplingNearest2d(scale_factor=3), IMAGE),
    "PixelShuffle": behind(lambda: nn.PixelShuffle(2), IMAGE),
    "PixelUnshuffle": behind(lambda: nn.PixelUnshuffle(2), IMAGE),
    "ChannelShuffle": behind(lambda: nn.ChannelShuffle(2), IMAGE),
    "Flatten": behind(nn.Flatten, IMAGE),
    "Unflatten": behind(lambda: nn.Unflatten(1, (2, 2)), IMAGE),
    "Unfold": behind(lambda: nn.Unfold((2, 3), dilation=2, padding=1, stride=2), IMAGE),
    "Fold": behind(lambda: nn.Fold((4, 5), (2, 2), padding=1, stride=1), numbers(1, 8, 30)),
    "Linear": (lambda: nn.Linear(4, 3), (numbers(1, 4),)),
    "Bilinear": (lambda: nn.Bilinear(4, 3, 5), (STEPS, numbers(1, 5, 3))),
    "Embedding": (lambda: nn.Embedding(11, 4, padding_idx=0), (tokens(1, 5),)),
    "EmbeddingBag": (lambda: nn.EmbeddingBag(11, 4), (tokens(1, 5),)),
    "EmbeddingBag by sums": (lambda: nn.EmbeddingBag(11, 4, mode="sum"), (tokens(1, 5),)),
    "EmbeddingBag by maxima": (lambda: nn.EmbeddingBag(11, 4, mode="max"), (tokens(1, 5),)),
    "CosineSimilarity": behind(lambda: nn.CosineSimilarity(-1), STEPS, numbers(1, 5, 4).flip(1)),
    "PairwiseDistance": behind(lambda: nn.PairwiseDistance(2.0), STEPS, numbers(1, 5, 4).flip(1)),
    "RNN": (lambda: nn.RNN(4, 3, 2, batch_first=True), (STEPS,)),
    "LSTM": (lambda: nn.LSTM(4, 3, 2, bidirectional=True), (STEPS_FIRST,)),
    "GRU": (lambda: nn.GRU(4, 3, batch_first=True), (STEPS, numbers(1, 1, 3))),
    "RNNCell": (lambda: nn.RNNCell(4, 3), (numbers(1, 4), numbers(1, 3))),
    "LSTMCell": (lambda: nn.LSTMCell(4, 3), (numbers(1, 4),)),
    "GRUCell": (lambda: nn.GRUCell(4, 3), (numbers(1, 4),)),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2, batch_first=True), (STEPS, STEPS, STEPS)),
    "MultiheadAttention with biases": (
        lambda: nn.MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True, kdim=3, vdim=5),
        (STEPS_FIRST, numbers(6, 1, 3), numbers(6, 1, 5)),
    ),
    "MultiheadAttention with a mask": (
        lambda: nn.MultiheadAttention(4, 2, batch_first=True),
        (STEPS, STEPS, STEPS, torch.tensor([[False, False, True, False, True]])),
    ),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), (STEPS,)),
    "TransformerDecoderLayer": (lambda: nn.TransformerDecoderLayer(4, 2, 6), (STEPS_FIRST, numbers(3, 1, 4))),
    "TransformerEncoder": (
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(4, 2, 6, norm_first=True), 2, enable_nested_tensor=False
        ),
        (STEPS_FIRST,),
    ),
    "TransformerDecoder": (
        lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 6, batch_first=True, activation="gelu"), 2),
        (STEPS, numbers(1, 3, 4)),
    ),
    "Transformer": (lambda: nn.Transformer(4, 2, 1, 1, 6, batch_first=True), (STEPS, numbers(1, 3, 4))),
}

REFUSED: dict[str, tuple[Case, str]] = {
    "BatchNorm without statistics": (
        (lambda: nn.BatchNorm2d(4, track_running_stats=False), (IMAGE,)),
        "from the batch",
    ),
    "Embedding of bounded rows": (
        (lambda: nn.Embedding(11, 4, max_norm=1.0), (tokens(1, 5),)),
        "aten.embedding_renorm",
    ),
    "LSTM with projection": ((lambda: nn.LSTM(4, 3, proj_size=2), (STEPS_FIRST,)), "aten.lstm.input in LSTM"),
    "MaxUnpool1d": ((lambda: Unpooled(1), (numbers(1, 4, 4),)), "'pool' (MaxPool1d)"),
    "MaxUnpool2d": ((lambda: Unpooled(2), (numbers(1, 4, 4, 4),)), "'pool' (MaxPool2d)"),
    "MaxUnpool3d": ((lambda: Unpooled(3), (numbers(1, 4, 4, 4, 4),)), "'pool' (MaxPool3d)"),
    "FractionalMaxPool2d": (
        behind(lambda: nn.FractionalMaxPool2d(2, output_size=3), IMAGE),
        "aten.fractional_max_pool2d.default in 'module' (FractionalMaxPool2d)",
    ),
    "FractionalMaxPool3d": (
        behind(lambda: nn.FractionalMaxPool3d(2, output_size=2), VOLUME),
        "aten.fractional_max_pool3d.default in 'module' (FractionalMaxPool3d)",
    ),
    "CrossMapLRN2d": (behind(lambda: nn.CrossMapLRN2d(3, 0.5), IMAGE), "cannot be traced"),
}
"""What is refused, and what the message says."""

NOT_NETWORKS = frozenset(
    {
        "Container",
        "DataParallel",
        "Module",
        "ModuleDict",
        "ModuleList",
        "ParameterDict",
        "ParameterList",
        "RNNBase",
        "RNNCellBase",
        "Sequential",
    }
)
"""What holds modules, or is the base of others, and computes nothing by itself."""
