"""The interpreter computes what PyTorch's modules compute, and a population what its networks compute alone."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from metagauge.architecture.architecture import Architecture, Layout, Operation
from metagauge.architecture.layers import (
    Activation,
    Add,
    Attention,
    BatchNorm,
    ClassToken,
    Conv,
    Flatten,
    GlobalPool,
    GroupNorm,
    Layer,
    LayerNorm,
    Linear,
    Pool,
    PositionTable,
    Raster,
    SelectToken,
    SetPool,
    Tokens,
)
from metagauge.architecture.parameter import Parameter, Reshape, Scale, Slice, Transpose
from models.interpreter.layers import run, run_population
from models.zoo.families import draw
from tests.zoo_networks import FAMILY_NAMES, filled

BATCH = 2
Reference = Callable[[Tensor], Tensor]
Case = tuple[Layer, dict[str, Tensor], Layout, tuple[int, ...], Reference]


def named(name: str) -> Parameter:
    return Parameter(tensor=name)


def of_module(layer: Layer, module: nn.Module, layout: Layout, shape: tuple[int, ...]) -> Case:
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.uniform_(0.2, 1.2, generator=generator)
    return layer, dict(module.state_dict()), layout, shape, module.eval()


def linear() -> Linear:
    return Linear(weight=named("weight"), bias=named("bias"))


def conv(axes: int, stride: int, padding: int, dilation: int, groups: int = 1) -> Conv:
    return Conv(
        weight=named("weight"),
        bias=named("bias"),
        stride=(stride,) * axes,
        padding=((padding, padding),) * axes,
        dilation=(dilation,) * axes,
        groups=groups,
    )


def batch_norm() -> BatchNorm:
    names = ("running_mean", "running_var", "weight", "bias")
    mean, variance, scale, shift = (named(name) for name in names)
    return BatchNorm(mean=mean, variance=variance, scale=scale, shift=shift)


def uneven(layer: Conv) -> Case:
    module = nn.Conv2d(4, 6, 3)
    case = of_module(layer, module, "map", (4, 7, 7))
    return (*case[:4], lambda source: module(functional.pad(source, (0, 2, 1, 0))))


def attention(*, causal: bool) -> Case:
    module = nn.MultiheadAttention(12, 3, batch_first=True)
    nn.init.normal_(module.in_proj_bias)
    nn.init.normal_(module.out_proj.bias)
    tensors = {name: tensor.detach() for name, tensor in module.named_parameters()}

    def part(number: int) -> Linear:
        views = (Slice(axis=0, start=12 * number, stop=12 * (number + 1)),)
        return Linear(
            weight=Parameter(tensor="in_proj_weight", views=views), bias=Parameter(tensor="in_proj_bias", views=views)
        )

    output = Linear(weight=named("out_proj.weight"), bias=named("out_proj.bias"))
    layer = Attention(heads=3, query=part(0), key=part(1), value=part(2), output=output, causal=causal)
    mask = nn.Transformer.generate_square_subsequent_mask(5) if causal else None
    return layer, tensors, "sequence", (5, 12), lambda source: module(source, source, source, attn_mask=mask)[0]


def plain(layer: Layer, layout: Layout, shape: tuple[int, ...], reference: Reference) -> Case:
    return layer, {"idle": torch.zeros(1)}, layout, shape, reference


def learned(layer: Layer, shape: tuple[int, ...], reference: Callable[[Tensor, Tensor], Tensor]) -> Case:
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return layer, {"table": tensor}, "sequence", (5, 6), lambda source: reference(source, tensor)


CASES: dict[str, Callable[[], Case]] = {
    "linear": lambda: of_module(linear(), nn.Linear(6, 4), "vector", (6,)),
    "linear of tokens": lambda: of_module(linear(), nn.Linear(6, 4), "sequence", (5, 6)),
    "linear without bias": lambda: of_module(
        Linear(weight=named("weight")), nn.Linear(6, 4, bias=False), "vector", (6,)
    ),
    "conv 1d": lambda: of_module(conv(1, 2, 1, 1), nn.Conv1d(4, 6, 3, 2, 1), "map", (4, 9)),
    "conv 2d": lambda: of_module(conv(2, 2, 2, 2), nn.Conv2d(4, 6, 3, 2, 2, 2), "map", (4, 9, 8)),
    "conv 3d": lambda: of_module(conv(3, 1, 1, 1), nn.Conv3d(4, 6, 3, 1, 1), "map", (4, 5, 4, 3)),
    "grouped conv": lambda: of_module(conv(2, 1, 1, 1, 2), nn.Conv2d(4, 6, 3, 1, 1, groups=2), "map", (4, 7, 7)),
    "conv with uneven padding": lambda: uneven(
        Conv(weight=named("weight"), bias=named("bias"), stride=(1, 1), padding=((1, 0), (0, 2)), dilation=(1, 1))
    ),
    "batch norm of a map": lambda: of_module(batch_norm(), nn.BatchNorm2d(4), "map", (4, 5, 5)),
    "batch norm of a vector": lambda: of_module(batch_norm(), nn.BatchNorm1d(6), "vector", (6,)),
    "group norm": lambda: of_module(
        GroupNorm(groups=2, scale=named("weight"), shift=named("bias")), nn.GroupNorm(2, 6), "map", (6, 4, 4)
    ),
    "layer norm": lambda: of_module(
        LayerNorm(scale=named("weight"), shift=named("bias")), nn.LayerNorm(6), "sequence", (5, 6)
    ),
    "layer norm of a vector": lambda: of_module(
        LayerNorm(scale=named("weight"), shift=named("bias")), nn.LayerNorm(6), "vector", (6,)
    ),
    "attention": lambda: attention(causal=False),
    "causal attention": lambda: attention(causal=True),
    "max pool": lambda: plain(
        Pool(reduction="max", kernel=(3, 3), stride=(2, 2), padding=((1, 1), (1, 1))),
        "map",
        (3, 8, 8),
        nn.MaxPool2d(3, 2, 1),
    ),
    "mean pool": lambda: plain(
        Pool(reduction="mean", kernel=(3,), stride=(2,), padding=((1, 1),)), "map", (3, 9), nn.AvgPool1d(3, 2, 1)
    ),
    "mean pool without its padding": lambda: plain(
        Pool(reduction="mean", kernel=(3, 3), stride=(2, 2), padding=((1, 1), (1, 1)), count_padding=False),
        "map",
        (3, 8, 8),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    ),
    "max pool with more padding than half its window": lambda: plain(
        Pool(reduction="max", kernel=(3, 3), stride=(2, 2), padding=((2, 2), (2, 2))),
        "map",
        (3, 8, 8),
        lambda source: functional.max_pool2d(functional.pad(source, (2, 2, 2, 2), value=-torch.inf), 3, 2),
    ),
    "mean pool with more padding than half its window": lambda: plain(
        Pool(reduction="mean", kernel=(3, 3), stride=(2, 2), padding=((2, 2), (2, 2))),
        "map",
        (3, 8, 8),
        lambda source: functional.avg_pool2d(functional.pad(source, (2, 2, 2, 2)), 3, 2),
    ),
    "global mean": lambda: plain(GlobalPool(reduction="mean"), "map", (3, 4, 5), lambda source: source.mean((2, 3))),
    "global max of tokens": lambda: plain(
        GlobalPool(reduction="max"), "sequence", (5, 6), lambda source: source.amax(1)
    ),
    "set pool": lambda: plain(
        SetPool(reduction="mean"), "sequence", (5, 6), lambda source: source.mean(1, keepdim=True)
    ),
    "flatten of a map": lambda: plain(Flatten(), "map", (3, 4, 5), nn.Flatten()),
    "flatten of tokens": lambda: plain(Flatten(), "sequence", (5, 6), nn.Flatten()),
    "tokens": lambda: plain(Tokens(), "map", (3, 4, 5), lambda source: source.flatten(2).transpose(1, 2)),
    "raster": lambda: plain(Raster(), "map", (3, 4, 5), lambda source: source.flatten(2)),
    "select token": lambda: plain(SelectToken(index=2), "sequence", (5, 6), lambda source: source[:, 2]),
    "class token": lambda: learned(
        ClassToken(token=named("table")),
        (6,),
        lambda source, token: torch.cat([token.expand(len(source), 1, 6), source], dim=1),
    ),
    "position table": lambda: learned(
        PositionTable(table=named("table")), (5, 6), lambda source, table: source + table
    ),
}

ACTIVATIONS: dict[str, tuple[Activation, Reference]] = {
    "identity": (Activation(function="identity"), nn.Identity()),
    "relu": (Activation(function="relu"), nn.ReLU()),
    "relu6": (Activation(function="relu6"), nn.ReLU6()),
    "leaky_relu": (Activation(function="leaky_relu", slope=0.2), nn.LeakyReLU(0.2)),
    "elu": (Activation(function="elu", slope=0.7), nn.ELU(0.7)),
    "selu": (Activation(function="selu"), nn.SELU()),
    "gelu": (Activation(function="gelu"), nn.GELU()),
    "gelu_tanh": (Activation(function="gelu_tanh"), nn.GELU("tanh")),
    "silu": (Activation(function="silu"), nn.SiLU()),
    "hardswish": (Activation(function="hardswish"), nn.Hardswish()),
    "hardsigmoid": (Activation(function="hardsigmoid"), nn.Hardsigmoid()),
    "mish": (Activation(function="mish"), nn.Mish()),
    "tanh": (Activation(function="tanh"), nn.Tanh()),
    "sigmoid": (Activation(function="sigmoid"), nn.Sigmoid()),
    "softplus": (Activation(function="softplus"), nn.Softplus()),
    "softmax": (Activation(function="softmax"), nn.Softmax(dim=1)),
    "log_softmax": (Activation(function="log_softmax"), nn.LogSoftmax(dim=1)),
}


def alone(layer: Layer, layout: Layout, shape: tuple[int, ...]) -> Architecture:
    operation = Operation(name="layer", inputs=("input",), layer=layer)
    return Architecture(input_shape=shape, input_layout=layout, operations=(operation,))


def source(*shape: int) -> Tensor:
    return 3 * torch.randn(BATCH, *shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", CASES)
def test_a_layer_computes_what_its_module_computes(name: str):
    layer, tensors, layout, shape, reference = CASES[name]()
    inputs = source(*shape)
    with torch.no_grad():
        torch.testing.assert_close(run(alone(layer, layout, shape), tensors, inputs), reference(inputs))


@pytest.mark.parametrize("layout", ["map", "vector"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_computes_what_its_module_computes(name: str, layout: Layout):
    layer, reference = ACTIVATIONS[name]
    shape = (4, 3, 3) if layout == "map" else (6,)
    inputs = source(*shape)
    torch.testing.assert_close(run(alone(layer, layout, shape), {"idle": torch.zeros(1)}, inputs), reference(inputs))


def test_every_activation_is_tried():
    assert set(ACTIVATIONS) == set(Activation.__annotations__["function"].__args__)


def test_views_of_parameters_are_followed():
    views = (Transpose(axes=(1, 0)), Reshape(shape=(2, 8)), Slice(axis=1, start=1, stop=7), Scale(factor=2.0))
    layer = Linear(weight=Parameter(tensor="weight", views=views))
    weight = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    inputs = source(6)
    expected = inputs @ (2 * weight.T.reshape(2, 8)[:, 1:7]).T
    torch.testing.assert_close(run(alone(layer, "vector", (6,)), {"weight": weight}, inputs), expected)


def test_a_sum_adds_all_its_inputs():
    operations = (
        Operation(name="turned", inputs=("input",), layer=Activation(function="tanh")),
        Operation(name="sum", inputs=("input", "turned", "input"), layer=Add()),
    )
    architecture = Architecture(input_shape=(6,), input_layout="vector", operations=operations)
    inputs = source(6)
    torch.testing.assert_close(
        run(architecture, {"idle": torch.zeros(1)}, inputs), inputs + torch.tanh(inputs) + inputs
    )


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_population_computes_what_its_networks_compute_alone(family: str):
    rng = np.random.default_rng(1)
    plan = draw(family, rng)
    networks = [filled(plan, rng) for _ in range(3)]
    tensors = {name: torch.from_numpy(np.stack([each[name] for each in networks])) for name in plan.tensors}
    images = source(3, 32, 32)
    outputs, layout = run_population(plan.architecture, tensors, images.repeat(1, 3, 1, 1), training=False)
    assert layout == "vector"
    for number, output in enumerate(outputs):
        member = {name: tensor[number] for name, tensor in tensors.items()}
        torch.testing.assert_close(output, run(plan.architecture, member, images), rtol=1e-4, atol=1e-4)
    assert (outputs[0] - outputs[1]).abs().max() > 0.01


def test_batch_norm_in_training_is_that_of_pytorch():
    module = nn.BatchNorm2d(4).train()
    tensors = {name: tensor.detach().clone()[None] for name, tensor in module.state_dict().items() if tensor.dim()}
    inputs = source(4, 5, 5)
    output, _ = run_population(alone(batch_norm(), "map", (4, 5, 5)), tensors, inputs, training=True)
    torch.testing.assert_close(output, module(inputs))
    torch.testing.assert_close(tensors["running_mean"][0], module.running_mean)
    torch.testing.assert_close(tensors["running_var"][0], module.running_var)
