"""Changes of a network's function that some graph metanetwork is blind to, each as two networks."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from metagauge.architecture.layers import Flatten, GlobalPool, Tokens
from metagauge.architecture.parameter import Parameter
from models.zoo.sketch import Sketch
from tests.blindness.dataflows import concatenated, gated, recurrent, subtracted
from tests.blindness.network import Network
from tests.sketches import (
    IMAGE,
    convolutional,
    finished,
    perceptron,
    residual,
    transformer,
    with_layer,
    with_tensor,
    without,
)

Pair = tuple[Callable[[], Network], Callable[[], Network]]


def one_sign(array: np.ndarray) -> np.ndarray:
    place = np.unravel_index(np.abs(array).argmax(), array.shape)
    array[place] *= -1
    return array


def two_heads_mixed(array: np.ndarray) -> np.ndarray:
    """The first feature of each of two heads, exchanged."""
    half = len(array) // 2
    array[[0, half]] = array[[half, 0]]
    return array


def two_heads_mixed_in_values() -> Network:
    network = with_tensor(transformer(), "attention.value.weight", two_heads_mixed)
    network = with_tensor(network, "attention.value.bias", two_heads_mixed)
    return with_tensor(network, "attention.output.weight", lambda array: two_heads_mixed(array.T).T)


def exchanged_norm_groups() -> Network:
    """Two channels of different norm groups exchanged, with everything that reads or writes them."""
    network = convolutional()
    for name in ("conv0.weight", "norm0.weight", "norm0.bias"):
        network = with_tensor(network, name, two_heads_mixed)
    return with_tensor(network, "conv1.weight", lambda array: two_heads_mixed(array.swapaxes(0, 1)).swapaxes(0, 1))


def flattened(*, norm: bool) -> Network:
    """A convolution, a flatten, and only then what makes neurons of it."""
    sketch = Sketch(IMAGE)
    sketch.conv("conv", 8, 8, 8, padding=0, bias=True)
    sketch.append("flatten", Flatten())
    if norm:
        sketch.norm("norm", "layer")
    sketch.activation("act", "relu")
    sketch.linear("head", 10)
    return finished(sketch)


def exchanged_positions(network: Network) -> Network:
    """Rows and columns of the flattened map exchanged in the weights that read them."""
    return with_tensor(network, "head.weight", lambda array: array.reshape(10, 8, 4, 4).swapaxes(2, 3).reshape(10, 128))


def normed_later() -> Network:
    """The transformer with its norm behind the sum instead of before the attention."""
    sketch = Sketch(IMAGE)
    sketch.conv("patches", 8, 8, 8, padding=0, bias=True)
    sketch.append("tokens", Tokens())
    stream = sketch.position_table("positions")
    mixed = sketch.attention("attention", 2)
    sketch.add("add", stream, mixed)
    sketch.norm("norm", "layer")
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", 10)
    architecture, _ = finished(sketch)
    return architecture, transformer()[1]


def tied() -> Network:
    """The residual network, both convolutions of the block with one weight."""
    shared = Parameter(tensor="conv1.weight")
    architecture, tensors = with_layer(residual(), "conv2", lambda layer: replace(layer, weight=shared))
    return architecture, {name: array for name, array in tensors.items() if name != "conv2.weight"}


def pooled(**fields: object) -> Network:
    return with_layer(convolutional(), "pool0", lambda layer: replace(layer, **fields))


def convolved(**fields: object) -> Network:
    return with_layer(convolutional(), "conv1", lambda layer: replace(layer, **fields))


def along_rows(array: np.ndarray) -> np.ndarray:
    return array[:, :, :, 1:2]


def along_columns(array: np.ndarray) -> np.ndarray:
    return array[:, :, :, 1:2].swapaxes(2, 3)


LOPSIDED = ((1, 1), (0, 2))
UPSIDE = ((1, 1), (2, 0))

CHANGES: dict[str, Pair] = {
    "the number of heads": (
        transformer,
        lambda: with_layer(transformer(), "attention", lambda layer: replace(layer, heads=4)),
    ),
    "query and value": (
        transformer,
        lambda: with_layer(
            transformer(), "attention", lambda layer: replace(layer, query=layer.value, value=layer.query)
        ),
    ),
    "query and key": (
        transformer,
        lambda: with_layer(transformer(), "attention", lambda layer: replace(layer, query=layer.key, key=layer.query)),
    ),
    "which head a value belongs to": (transformer, two_heads_mixed_in_values),
    "attention to later tokens": (
        transformer,
        lambda: with_layer(transformer(), "attention", lambda layer: replace(layer, causal=True)),
    ),
    "the running mean": (
        convolutional,
        lambda: with_tensor(convolutional(), "norm1.running_mean", lambda array: array + 0.5),
    ),
    "the running variance": (
        convolutional,
        lambda: with_tensor(convolutional(), "norm1.running_var", lambda array: array * 2),
    ),
    "the activation": (
        convolutional,
        lambda: with_layer(convolutional(), "act1", lambda layer: replace(layer, function="tanh")),
    ),
    "the slope of an activation": (
        convolutional,
        lambda: with_layer(convolutional(), "act0", lambda layer: replace(layer, slope=0.3)),
    ),
    "the group count of a norm": (
        convolutional,
        lambda: with_layer(convolutional(), "norm0", lambda layer: replace(layer, groups=4)),
    ),
    "the group count of a convolution": (
        convolutional,
        lambda: with_layer(
            with_tensor(convolutional(), "conv1.weight", lambda array: array[:, :4]),
            "conv1",
            lambda layer: replace(layer, groups=2),
        ),
    ),
    "the stride": (
        convolutional,
        lambda: with_layer(convolutional(), "conv1", lambda layer: replace(layer, stride=(2, 2))),
    ),
    "the dilation": (
        convolutional,
        lambda: with_layer(convolutional(), "conv1", lambda layer: replace(layer, dilation=(2, 2))),
    ),
    "the padding": (
        convolutional,
        lambda: with_layer(convolutional(), "conv1", lambda layer: replace(layer, padding=((0, 0), (0, 0)))),
    ),
    "the kernel's orientation": (
        convolutional,
        lambda: with_tensor(convolutional(), "conv1.weight", lambda array: array.swapaxes(2, 3)),
    ),
    "the reduction of a pool": (
        convolutional,
        lambda: with_layer(convolutional(), "pool0", lambda layer: replace(layer, reduction="mean")),
    ),
    "the reduction of the global pool": (
        convolutional,
        lambda: with_layer(convolutional(), "pool", lambda layer: replace(layer, reduction="max")),
    ),
    "a residual connection": (residual, lambda: without(residual(), "add", "conv2")),
    "the order of the classes": (
        residual,
        lambda: with_tensor(residual(), "head.weight", lambda array: array[::-1]),
    ),
    "the order of the colours": (
        residual,
        lambda: with_tensor(residual(), "stem.weight", lambda array: array[:, ::-1]),
    ),
    "one weight's sign": (residual, lambda: with_tensor(residual(), "conv1.weight", one_sign)),
    "the order of flattened positions": (
        perceptron,
        lambda: with_tensor(
            perceptron(),
            "hidden.weight",
            lambda array: array.reshape(8, 3, 4, 4).swapaxes(2, 3).reshape(8, 48).copy(),
        ),
    ),
    "the order of the positions": (
        transformer,
        lambda: with_tensor(transformer(), "positions", lambda array: array[::-1]),
    ),
    "which channels share a norm group": (convolutional, exchanged_norm_groups),
    "the epsilon of a group norm": (
        convolutional,
        lambda: with_layer(convolutional(), "norm0", lambda layer: replace(layer, epsilon=0.1)),
    ),
    "the epsilon of a layer norm": (
        transformer,
        lambda: with_layer(transformer(), "norm", lambda layer: replace(layer, epsilon=0.1)),
    ),
    "the epsilon of a batch norm": (
        convolutional,
        lambda: with_layer(convolutional(), "norm1", lambda layer: replace(layer, epsilon=0.1)),
    ),
    "a norm before or after": (transformer, normed_later),
    "which axis is strided": (lambda: convolved(stride=(2, 1)), lambda: convolved(stride=(1, 2))),
    "which axis is dilated": (
        lambda: convolved(dilation=(2, 1), padding=((2, 2), (1, 1))),
        lambda: convolved(dilation=(1, 2), padding=((1, 1), (2, 2))),
    ),
    "which axis is padded": (
        lambda: convolved(padding=((2, 2), (1, 1))),
        lambda: convolved(padding=((1, 1), (2, 2))),
    ),
    "which side is padded": (lambda: convolved(padding=LOPSIDED), lambda: convolved(padding=UPSIDE)),
    "which axis a kernel runs along": (
        lambda: with_tensor(convolved(padding=((1, 1), (0, 0))), "conv1.weight", along_rows),
        lambda: with_tensor(convolved(padding=((0, 0), (1, 1))), "conv1.weight", along_columns),
    ),
    "which axis a pool's window runs along": (lambda: pooled(kernel=(2, 1)), lambda: pooled(kernel=(1, 2))),
    "which axis a pool's stride runs along": (lambda: pooled(stride=(2, 1)), lambda: pooled(stride=(1, 2))),
    "which axis a pool pads": (
        lambda: pooled(padding=((1, 1), (0, 0))),
        lambda: pooled(padding=((0, 0), (1, 1))),
    ),
    "which side a pool pads": (
        lambda: pooled(padding=((1, 0), (0, 0))),
        lambda: pooled(padding=((0, 1), (0, 0))),
    ),
    "the window of a pool": (convolutional, lambda: pooled(kernel=(3, 3))),
    "whether a mean counts its padding": (
        lambda: pooled(reduction="mean", padding=((1, 1), (1, 1))),
        lambda: pooled(reduction="mean", padding=((1, 1), (1, 1)), count_padding=False),
    ),
    "tied weights": (tied, residual),
    "the order of positions flattened before an activation": (
        lambda: flattened(norm=False),
        lambda: exchanged_positions(flattened(norm=False)),
    ),
    "the order of positions flattened before a norm": (
        lambda: flattened(norm=True),
        lambda: exchanged_positions(flattened(norm=True)),
    ),
    "the order of a concatenation": (concatenated, lambda: concatenated(swapped=True)),
    "which operand is subtracted": (subtracted, lambda: subtracted(swapped=True)),
    "which half is the gate": (gated, lambda: gated(swapped=True)),
    "the direction of a recurrent layer": (recurrent, lambda: recurrent(direction="reverse")),
    "the recurrent cell": (recurrent, lambda: recurrent(linear_before_reset=True)),
}
