"""What running a network would cost is known before it runs, whatever its layers spend it on."""

from math import isqrt

import numpy as np
import pytest
import torch

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.layers import Conv, GlobalPool, Layer, Linear, Parameter, Pool
from models.probes.cost import is_affordable
from models.probes.recording import Stacked, prepare
from models.zoo.families import MAX_COST

WIDTH = 3


def network(*between: Layer) -> tuple[Architecture, Stacked]:
    """A pointwise convolution, some layers that keep its channels, and a head."""
    first = Conv(weight=Parameter(tensor="conv"), stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1))
    head = Linear(weight=Parameter(tensor="head"))
    layers: list[Layer] = [first, *between, GlobalPool(reduction="mean"), head]
    names = ["image", *(f"layer{number}" for number in range(len(layers)))]
    operations = tuple(
        Operation(name=name, inputs=(before,), layer=layer)
        for before, name, layer in zip(names, names[1:], layers, strict=False)
    )
    rng = np.random.default_rng(0)
    shapes = {"conv": (WIDTH, 3, 1, 1), "head": (10, WIDTH)}
    tensors = {
        name: torch.from_numpy(rng.normal(size=(1, *shape)).astype(np.float32)) for name, shape in shapes.items()
    }
    return Architecture(input_name="image", input_layout="map", input_shape=(3, 32, 32), operations=operations), tensors


def pool(kernel: int, padding: tuple[int, int], stride: int = 1) -> Pool:
    return Pool(reduction="max", kernel=(kernel, kernel), stride=(stride, stride), padding=(padding, padding))


def padded(before: int, after: int, stride: int, tensor: str = "conv", groups: int = 1) -> Conv:
    weight, around = Parameter(tensor=tensor), ((before, after), (before, after))
    return Conv(weight=weight, stride=(stride, stride), padding=around, dilation=(1, 1), groups=groups)


@pytest.mark.parametrize("layer", [pool(3, (1, 1)), pool(2, (0, 0), stride=2), padded(1, 1, 1), padded(1, 0, 2)])
def test_usual_layers_are_affordable(layer: Layer):
    assert is_affordable(*network(layer))


@pytest.mark.parametrize(
    "layers",
    [(pool(151, (75, 75)), pool(151, (75, 75))), (padded(5000, 4999, 1000),), (padded(5000, 5000, 1000),)],
    ids=["wide windows", "uneven padding", "even padding"],
)
def test_what_costs_without_weights_is_counted(layers: tuple[Layer, ...]):
    assert not is_affordable(*network(*layers))


def test_what_takes_longer_than_matrix_products_costs_more():
    channels = isqrt(64 * MAX_COST // (9 * 32 * 32))
    widened, _ = network(padded(1, 1, 1, "wide"))
    apart, _ = network(padded(15, 15, 1, "apart", channels))
    shapes = {
        "conv": (channels, 3, 1, 1),
        "wide": (channels, channels, 3, 3),
        "apart": (channels, 1, 31, 31),
        "head": (10, channels),
    }
    tensors = {name: torch.zeros(1, *shape) for name, shape in shapes.items()}
    assert is_affordable(widened, tensors)  # the dearest network of a zoo, eight times as wide
    assert not is_affordable(apart, tensors)


def test_padding_counts_in_how_many_images_run_at_once():
    plain, around = (prepare(*network(layer), places=()) for layer in (padded(0, 0, 16), padded(64, 63, 80)))
    assert around.elements - plain.elements > WIDTH * (32 + 127) ** 2 / 2
