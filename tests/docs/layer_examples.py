"""One small network for each row of the table of layers in docs/layers.md, as a user of PyTorch would write it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

WIDTH, TOKENS, HEADS = 8, 5, 2


class Function(nn.Module):
    """Modules by name, and what is computed with them."""

    def __init__(self, forward: Callable[..., Tensor], **modules: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(modules)
        self._forward = forward

    def forward(self, *inputs: Tensor) -> Tensor:
        return self._forward(self.parts, *inputs)


class Table(nn.Module):
    """A parameter of its own."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(*shape))


class Slopes(nn.PReLU):
    """A slope of its own for each channel; all alike they are a leaky ReLU."""

    def __init__(self) -> None:
        super().__init__(WIDTH)
        nn.init.uniform_(self.weight, 0.1, 0.5)


class RmsNorm(nn.Module):
    """As the models of the Llama family write it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(WIDTH) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A network and inputs it takes, batch axis included."""

    network: nn.Module
    inputs: tuple[Tensor, ...]


def sequence(*more: int) -> Tensor:
    return torch.randn(1, TOKENS, *(more or (WIDTH,)))


def images() -> Tensor:
    return torch.randn(1, 3, 8, 8)


def ids() -> Tensor:
    return torch.arange(TOKENS)[None]


def after_conv(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, WIDTH, 3, padding=1), *layers, nn.Conv2d(WIDTH, 4, 1))


def after_linear(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), *layers, nn.Linear(WIDTH, 4))


def heads(x: Tensor, count: int) -> Tensor:
    return x.unflatten(-1, (count, -1)).transpose(1, 2)  # (batch, heads, tokens, features)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | float = 0.0) -> Tensor:
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + bias
    return (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)


def projections(key_width: int = WIDTH) -> dict[str, nn.Module]:
    return {
        "query": nn.Linear(WIDTH, WIDTH),
        "key": nn.Linear(WIDTH, key_width),
        "value": nn.Linear(WIDTH, key_width),
        "output": nn.Linear(WIDTH, WIDTH),
    }


def multi_head(parts: nn.ModuleDict, x: Tensor, source: Tensor | None = None) -> Tensor:
    other = x if source is None else source
    query, key, value = parts["query"](x), parts["key"](other), parts["value"](other)
    return parts["output"](attend(*(heads(each, HEADS) for each in (query, key, value))))


def grouped_query(parts: nn.ModuleDict, x: Tensor) -> Tensor:
    query = heads(parts["query"](x), 4)
    key, value = (heads(parts[name](x), 2).repeat_interleave(2, dim=1) for name in ("key", "value"))
    return parts["output"](attend(query, key, value))


def fused(parts: nn.ModuleDict, x: Tensor) -> Tensor:
    query, key, value = parts["fused"](x).chunk(3, dim=-1)
    return parts["output"](attend(*(heads(each, HEADS) for each in (query, key, value))))


def relative(parts: nn.ModuleDict, x: Tensor) -> Tensor:
    place = torch.arange(TOKENS)
    bias = parts["distance"](place[None] - place[:, None] + TOKENS - 1).permute(2, 0, 1)
    query, key, value = (heads(parts[name](x), HEADS) for name in ("query", "key", "value"))
    return parts["output"](attend(query, key, value, bias))


def experts(parts: nn.ModuleDict, x: Tensor) -> Tensor:
    weights = parts["router"](x).softmax(-1)
    values = torch.stack([parts["first"](x), parts["second"](x)], dim=-1)
    return parts["output"]((values * weights[..., None, :]).sum(-1))


def state_space(parts: nn.ModuleDict, x: Tensor) -> Tensor:
    """One step of a discretised selective scan, unrolled over the tokens (Gu and Dao 2023, algorithm 2)."""
    decay = -torch.exp(parts["decay"].table)
    step = functional.softplus(parts["step"](x))
    write, readout = parts["write"](x), parts["read"](x)
    state = torch.zeros(1, WIDTH, 4)
    outputs = []
    for token in range(TOKENS):
        change = torch.exp(step[:, token, :, None] * decay)
        state = change * state + (step[:, token] * x[:, token])[..., None] * write[:, token, None]
        outputs.append((state * readout[:, token, None]).sum(-1))
    return parts["output"](torch.stack(outputs, dim=1))


def deep_set(parts: nn.ModuleDict, x: Tensor) -> Tensor:
    return parts["head"](functional.relu(parts["own"](x) + parts["mean"](x.mean(1, keepdim=True))))


def quarter_turns(parts: nn.ModuleDict, x: Tensor) -> Tensor:
    """A lifting convolution of the cyclic group C4: one kernel, turned four times (Cohen and Welling 2016)."""
    turned = [parts["kernel"].table]
    while len(turned) < 4:
        turned.append(turned[-1].transpose(2, 3).flip(2))
    maps = functional.relu(functional.conv2d(x, torch.cat(turned), padding=1))
    return parts["head"](maps.unflatten(1, (4, -1)).mean(1))


def planes(parts: nn.ModuleDict, points: Tensor) -> Tensor:
    """A triplane: three feature planes, sampled where a point falls (Chan et al. 2022)."""
    pairs = points[..., [0, 1]], points[..., [0, 2]], points[..., [1, 2]]
    sampled = [
        functional.grid_sample(parts["planes"].table[number : number + 1], pair[:, None], align_corners=True)
        for number, pair in enumerate(pairs)
    ]
    return parts["head"](torch.stack(sampled).sum(0)[:, :, 0].transpose(1, 2))


def graph_convolution(parts: nn.ModuleDict, x: Tensor, adjacency: Tensor) -> Tensor:
    return parts["head"](functional.relu(adjacency @ parts["own"](x)))


def tied(parts: nn.ModuleDict, tokens: Tensor) -> Tensor:
    hidden = parts["hidden"](parts["table"](tokens)).tanh()
    return hidden @ parts["table"].weight.T


def recurrent(cell: type[nn.RNNBase], **options: bool | int) -> Example:
    network = cell(WIDTH, 6, batch_first=True, **options)
    both = 2 if options.get("bidirectional") else 1
    head = nn.Linear(6 * both, 3)
    return Example(
        network=Function(lambda parts, x: parts["head"](parts["cell"](x)[0]), cell=network, head=head),
        inputs=(sequence(),),
    )


def of_images(network: nn.Module) -> Example:
    return Example(network=network, inputs=(images(),))


def of_tokens(network: nn.Module) -> Example:
    return Example(network=network, inputs=(sequence(),))


def function(forward: Callable[..., Tensor], *inputs: Tensor, **modules: nn.Module) -> Example:
    return Example(network=Function(forward, **modules), inputs=inputs or (sequence(),))


def linear() -> nn.Linear:
    return nn.Linear(WIDTH, WIDTH)


def conv(channels: int = WIDTH, **options: int) -> nn.Conv2d:
    return nn.Conv2d(channels, WIDTH, 3, padding=1, **options)


EXAMPLES: dict[str, Callable[[], Example]] = {
    "linear": lambda: of_tokens(after_linear(nn.ReLU())),
    "conv1d": lambda: Example(network=nn.Conv1d(3, WIDTH, 3), inputs=(torch.randn(1, 3, 16),)),
    "conv2d": lambda: of_images(after_conv(nn.ReLU())),
    "conv3d": lambda: Example(network=nn.Conv3d(3, WIDTH, 3), inputs=(torch.randn(1, 3, 6, 6, 6),)),
    "grouped": lambda: of_images(after_conv(conv(groups=2))),
    "depthwise": lambda: of_images(after_conv(conv(groups=WIDTH))),
    "strided, dilated": lambda: of_images(after_conv(nn.Conv2d(WIDTH, WIDTH, 3, stride=2, dilation=2, padding=2))),
    "transposed": lambda: of_images(after_conv(nn.ConvTranspose2d(WIDTH, WIDTH, 2, stride=2))),
    "batch norm": lambda: of_images(after_conv(nn.BatchNorm2d(WIDTH), nn.ReLU())),
    "layer norm": lambda: of_tokens(after_linear(nn.LayerNorm(WIDTH))),
    "group norm": lambda: of_images(after_conv(nn.GroupNorm(2, WIDTH))),
    "instance norm": lambda: of_images(after_conv(nn.InstanceNorm2d(WIDTH, affine=True))),
    "rms norm": lambda: of_tokens(after_linear(RmsNorm())),
    "prelu": lambda: of_images(after_conv(Slopes())),
    "layer scale": lambda: function(
        lambda parts, x: parts["head"](x + parts["scale"].table * parts["branch"](x)),
        scale=Table(WIDTH),
        branch=linear(),
        head=linear(),
    ),
    "residual": lambda: function(
        lambda parts, x: parts["head"](parts["stem"](x) + parts["branch"](parts["stem"](x)).relu()),
        images(),
        stem=conv(3),
        branch=conv(),
        head=conv(),
    ),
    "concat": lambda: function(
        lambda parts, x: parts["head"](torch.cat([parts["one"](x), parts["other"](x)], dim=1)),
        images(),
        one=conv(3),
        other=conv(3),
        head=conv(2 * WIDTH),
    ),
    "gate": lambda: function(
        lambda parts, x: parts["down"](functional.silu(parts["gate"](x)) * parts["up"](x)),
        gate=linear(),
        up=linear(),
        down=linear(),
    ),
    "squeeze and excitation": lambda: function(
        lambda parts, x: parts["head"](parts["stem"](x) * parts["gate"](parts["stem"](x).mean((2, 3), True)).sigmoid()),
        images(),
        stem=conv(3),
        gate=nn.Conv2d(WIDTH, WIDTH, 1),
        head=conv(),
    ),
    "attention": lambda: function(multi_head, **projections()),
    "grouped-query attention": lambda: function(grouped_query, **projections(4)),
    "fused attention": lambda: function(fused, fused=nn.Linear(WIDTH, 3 * WIDTH), output=linear()),
    "cross attention": lambda: function(multi_head, sequence(), sequence(), **projections()),
    "relative positions": lambda: function(relative, distance=nn.Embedding(2 * TOKENS - 1, HEADS), **projections()),
    "embedding": lambda: function(
        lambda parts, tokens: parts["head"](parts["table"](tokens) + parts["places"].table),
        ids(),
        table=nn.Embedding(11, WIDTH),
        places=Table(TOKENS, WIDTH),
        head=linear(),
    ),
    "rnn": lambda: recurrent(nn.RNN),
    "gru": lambda: recurrent(nn.GRU, num_layers=2),
    "lstm": lambda: recurrent(nn.LSTM),
    "bidirectional": lambda: recurrent(nn.LSTM, bidirectional=True),
    "mixture of experts": lambda: function(
        experts, router=nn.Linear(WIDTH, 2), first=linear(), second=linear(), output=linear()
    ),
    "state space": lambda: function(
        state_space,
        decay=Table(WIDTH, 4),
        step=linear(),
        write=nn.Linear(WIDTH, 4),
        read=nn.Linear(WIDTH, 4),
        output=linear(),
    ),
    "deep sets": lambda: function(deep_set, own=linear(), mean=nn.Linear(WIDTH, WIDTH, bias=False), head=linear()),
    "quarter turns": lambda: function(
        quarter_turns, images(), kernel=Table(WIDTH, 3, 3, 3), head=nn.Conv2d(WIDTH, 4, 1)
    ),
    "planes": lambda: function(
        planes, torch.rand(1, 6, 3) * 2 - 1, planes=Table(3, WIDTH, 4, 4), head=nn.Linear(WIDTH, 3)
    ),
    "graph convolution": lambda: function(
        graph_convolution, sequence(), torch.rand(1, TOKENS, TOKENS), own=linear(), head=linear()
    ),
    "weight norm": lambda: of_tokens(nn.Sequential(parametrizations.weight_norm(linear()), nn.ReLU(), linear())),
    "spectral norm": lambda: of_tokens(nn.Sequential(nn.utils.spectral_norm(linear()), nn.ReLU(), linear())),
    "tied": lambda: function(tied, ids(), table=nn.Embedding(11, WIDTH), hidden=linear()),
    "flatten": lambda: of_images(nn.Sequential(conv(3), nn.Flatten(), nn.Linear(WIDTH * 64, 4))),
}
