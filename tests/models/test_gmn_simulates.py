"""A graph metanetwork can compute what a network computes, from the network's graph (Lim et al. 2024).

Its weights are set by hand here. The network is an MLP with ReLU and one output; the metanetwork reads the network's
input as the biases of the input neurons, and its first output is the network's. Rounds take turns:

- the first of each turn puts `|w + v|` and `|w - v|` on an edge with weight w from a neuron with value v;
- the others refine the product `w v = ((w + v)^2 - (w - v)^2) / 4`. Edge MLPs are piecewise linear, so the squares
  come from repeated tent maps, `t^2 = t - sum_k T^k(t) / 4^k` on [0, 1], of which each round adds a term
  (Yarotsky 2017, prop. 2);
- the last one delivers the products, and each neuron adds its bias and applies its activation.

After as many turns as the network has layers, the output neuron has its value. Layer norms would divide values by
their spread; features +M and -M beside them, M large, make that spread a constant. GELU is the identity far from zero,
and `gelu(K z) / K` is ReLU for large K.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.layers import Activation, Linear
from metagauge.architecture.parameter import Parameter
from models import features
from models.graph_tensors import GraphTensors, stack
from models.interpreter.layers import run
from models.metanetworks.edges import GmnConfig, GraphMetanetwork, Round
from tests.zoo_networks import Tensors, graph_of

WIDTH, LAYERS, INPUTS = 5, 3, 7
TERMS = 15
"""Tent maps for each product: an error of 4 ** -16 times the square of what is multiplied."""
BOUND = 16.0
"""More than any weight (times the root of its fan-in) and any value together."""
BIG, FAR, STEEP, CLOSED = 1e5, 100.0, 1e7, 1e3
"""M; where GELU is the identity; K; what closes a gate."""
VALUE, BIAS, LINEAR_NEURON = 0, 2, 4
"""Node features; each has its negative behind it, so that their mean is zero. The last two are +M and -M."""
WEIGHT, PLUS, MINUS, PRODUCT = range(4)
"""Edge features."""
BIAS_BLOCK = 0
"""Block feature."""
CONFIG = GmnConfig(node_width=8, edge_width=8, global_width=1, rounds=LAYERS * TERMS + LAYERS, dropout=0.0)


def perceptron(seed: int, layers: int) -> tuple[Architecture, Tensors]:
    """An MLP of WIDTH inputs, hidden layers as wide, and one output."""
    rng = np.random.default_rng(seed)
    operations: list[Operation] = []
    tensors: Tensors = {}
    here = "input"
    for number in range(layers):
        outputs = WIDTH if number < layers - 1 else 1
        name = f"linear{number}"
        tensors[f"{name}.weight"] = rng.uniform(-1, 1, (outputs, WIDTH)).astype(np.float32)
        tensors[f"{name}.bias"] = rng.uniform(-1, 1, outputs).astype(np.float32)
        layer = Linear(weight=Parameter(tensor=f"{name}.weight"), bias=Parameter(tensor=f"{name}.bias"))
        operations.append(Operation(name=name, inputs=(here,), layer=layer))
        here = name
        if number < layers - 1:
            here = f"relu{number}"
            operations.append(Operation(name=here, inputs=(name,), layer=Activation(function="relu")))
    return Architecture(input_shape=(WIDTH,), input_layout="vector", operations=tuple(operations)), tensors


def graphs_with_inputs(architecture: Architecture, tensors: Tensors, inputs: Tensor) -> GraphTensors:
    """The network's graph once for each input, which is written where neurons have their biases."""
    graphs = stack([graph_of(architecture, tensors)] * len(inputs)).double()
    first = graphs.groups[0]
    statistics = torch.zeros_like(first.statistics)
    statistics[:, :, features.BIAS_STATISTIC] = inputs
    return replace(graphs, groups=(replace(first, statistics=statistics), *graphs.groups[1:]))


@torch.no_grad()
def simulator() -> GraphMetanetwork:
    metanetwork = GraphMetanetwork(CONFIG).double().eval()
    for parameter in metanetwork.parameters():
        parameter.zero_()
    encode(metanetwork)
    for number, each in enumerate(metanetwork.rounds):
        assert isinstance(each, Round)
        each.norm.weight.fill_(BIG / 2)  # the spread of eight features, two of which are +M and -M
        term = number % (TERMS + 1)
        if term == 0:
            start_products(each)
        else:
            refine_products(each, term)
        if term == TERMS:
            deliver(each)
    read_out(metanetwork)
    return metanetwork


def set_feature(layer: nn.Linear, feature: int, inputs: dict[int, float], bias: float = 0.0, sign: float = 1.0) -> None:
    """One output of a linear layer, as a combination of its inputs."""
    for column, factor in inputs.items():
        layer.weight[feature, column] = sign * factor
    layer.bias[feature] = sign * bias


def set_pair(layer: nn.Linear, feature: int, inputs: dict[int, float], bias: float = 0.0) -> None:
    """A node feature, and its negative behind it."""
    set_feature(layer, feature, inputs, bias)
    set_feature(layer, feature + 1, inputs, bias, sign=-1.0)


def encode(metanetwork: GraphMetanetwork) -> None:
    first, last = metanetwork.encode_node[0], metanetwork.encode_node[2]
    bias = first.in_features - features.NODE_STATISTICS + features.BIAS_STATISTIC
    set_feature(first, 0, {bias: 1.0}, FAR)
    set_feature(first, 1, {features.FIRST_ACTIVATION + features.ACTIVATIONS.index("identity"): 1.0}, FAR)
    set_pair(last, VALUE, {0: 1.0}, -FAR)
    set_pair(last, BIAS, {0: 1.0}, -FAR)
    set_pair(last, LINEAR_NEURON, {1: 1.0}, -FAR)
    set_pair(last, 6, {}, BIG)
    first, last = metanetwork.encode_block[0], metanetwork.encode_block[2]
    set_feature(first, 0, {features.ROLES.index("bias"): 1.0}, FAR)
    set_feature(last, BIAS_BLOCK, {0: 1.0}, -FAR)
    metanetwork.encode_edge.weight[WEIGHT, 0] = 1.0  # times the root of its fan-in


def start_products(each: Round) -> None:
    """PLUS and MINUS of [0, 1], and the product's first approximation; what is left of the last turn goes."""
    hidden, out = each.edge_own.weight, each.edge_out.weight
    for unit, (weight, value) in enumerate([(1, 1), (-1, -1), (1, -1), (-1, 1)]):
        hidden[unit, WEIGHT] = weight
        each.edge_source.weight[unit, VALUE] = value
        feature, sign = (PLUS, 1) if unit < 2 else (MINUS, -1)
        out[feature, unit] = 1 / BOUND
        out[PRODUCT, unit] = sign * BOUND / 4
    for unit, (feature, sign) in enumerate([(PLUS, 1), (MINUS, 1), (PRODUCT, 1), (PRODUCT, -1)], 4):
        hidden[unit, feature] = sign
        out[feature, unit] = -sign


def refine_products(each: Round, term: int) -> None:
    """`t` becomes its tent `2 t - 4 relu(t - 1/2)`, and the product the sum of one term more."""
    share = BOUND**2 / 4 / 4**term
    for unit, (feature, sign) in enumerate([(PLUS, 1), (MINUS, -1)]):
        each.edge_own.weight[2 * unit, feature] = each.edge_own.weight[2 * unit + 1, feature] = 1
        each.edge_target.bias[2 * unit + 1] = -0.5
        each.edge_out.weight[feature, 2 * unit] = 1
        each.edge_out.weight[feature, 2 * unit + 1] = -4
        each.edge_out.weight[PRODUCT, 2 * unit] = -2 * sign * share
        each.edge_out.weight[PRODUCT, 2 * unit + 1] = 4 * sign * share


def deliver(each: Round) -> None:
    """Neurons add the products that reach them, but for those of bias blocks, to their bias."""
    for unit, sign in enumerate([1, -1]):
        each.message_own.weight[unit, PRODUCT] = sign
        each.message_context.weight[unit, BIAS_BLOCK] = -CLOSED
        each.forward_out.weight[VALUE, unit] = sign
    first, last = each.update_node[0], each.update_node[2]
    total = {CONFIG.node_width + VALUE: WIDTH**0.5, BIAS: 1.0}  # a mean over WIDTH edges, of weights times its root
    set_feature(first, 0, total, FAR)
    set_feature(
        first, 1, {**{column: -STEEP * factor for column, factor in total.items()}, LINEAR_NEURON: -STEEP * CLOSED}
    )
    set_feature(first, 2, {VALUE: 1.0}, FAR)
    set_pair(last, VALUE, {0: 1.0, 1: 1 / STEEP, 2: -1.0})


def read_out(metanetwork: GraphMetanetwork) -> None:
    """The first output is the value of the output neuron."""
    first, last = metanetwork.read_group[0], metanetwork.read_group[2]
    set_feature(first, 0, {VALUE: 1.0}, FAR)
    set_pair(last, 0, {0: 1.0}, -FAR)
    set_pair(last, 2, {}, BIG)
    norm, first, last = metanetwork.head[0], metanetwork.head[1], metanetwork.head[4]
    norm.weight.fill_(BIG * (6 / norm.normalized_shape[0]) ** 0.5)  # +M and -M are in three parts of what is read
    output = 4 * CONFIG.node_width
    set_feature(first, 0, {output: 0.5, output + 1: -0.5}, FAR)
    set_feature(last, 0, {0: 1.0}, -FAR)


def outputs(seed: int, layers: int) -> tuple[Tensor, Tensor]:
    """What the network says of INPUTS inputs, and what the metanetwork says of its graph."""
    architecture, tensors = perceptron(seed, layers)
    inputs = torch.from_numpy(np.random.default_rng(seed + 1).normal(size=(INPUTS, WIDTH)))
    doubles = {name: torch.from_numpy(array).double() for name, array in tensors.items()}
    with torch.inference_mode():
        simulated = simulator()(graphs_with_inputs(architecture, tensors, inputs))[:, 0]
        return run(architecture, doubles, inputs)[:, 0], simulated


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_metanetwork_computes_what_the_network_computes(seed: int):
    expected, simulated = outputs(seed, LAYERS)
    assert expected.std() > 0.1
    torch.testing.assert_close(simulated, expected, rtol=0, atol=1e-5)


def test_it_takes_a_turn_for_each_layer():
    expected, simulated = outputs(1, LAYERS + 1)
    assert (simulated - expected).abs().max() > 0.1
