"""A graph metanetwork can compute what a network computes, from the network's graph (Lim et al. 2024).

Its weights are set by hand here. The network is an MLP with ReLU and one output; the metanetwork reads the network's
input as the biases of the input neurons, and its first output is the network's. Rounds take turns, one turn for each
layer of the network:

- the rounds of a turn add up the product of an edge's weight w and the value v of the neuron that it comes from,
  `w v = ((w + v)^2 - (w - v)^2) / 4`. Edge MLPs are piecewise linear, so a square is the sum of ramps that joins its
  values at KNOTS steps of h, too large by at most h^2 / 4 between them; every round adds UNITS / 4 of these ramps;
- the last one delivers the products, and each neuron adds its bias and applies its activation.

Then the output neuron has its value. Layer norms would divide values by their spread; features +M and -M beside them, M
large, make that spread a constant. GELU is the identity far from zero, and `gelu(K z) / K` is ReLU for large K.
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
from models.metanetworks.edge_round import GmnConfig, Round
from models.metanetworks.edges import GraphMetanetwork
from tests.zoo_networks import Tensors, graph_of

WIDTH, LAYERS, INPUTS = 5, 3, 7
BOUND = 8.0
"""More than any weight (times the root of its fan-in) and any value together."""
UNITS, ROUNDS = 256, 16
"""Hidden units of an edge MLP, and rounds of a turn."""
KNOTS = ROUNDS * UNITS // 4
CLOSE = 2e-5
"""Bound on the error: a product is off by at most (BOUND / KNOTS)^2 / 16."""
BIG, FAR, STEEP, CLOSED = 1e5, 100.0, 1e7, 1e3
"""M; where GELU is the identity; K; what closes a gate."""
VALUE, BIAS, LINEAR_NEURON = 0, 2, 4
"""Node features; each has its negative behind it, so that their mean is zero. The last two are +M and -M."""
WEIGHT, FIRST_PRODUCT = 0, 1
"""Edge features; every turn has a product of its own."""
CONFIG = GmnConfig(node_width=8, edge_width=UNITS, global_width=1, rounds=LAYERS * ROUNDS, dropout=0.0)


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
        turn, part = divmod(number, ROUNDS)
        multiply(each, FIRST_PRODUCT + turn, range(part * UNITS // 4, (part + 1) * UNITS // 4))
        if part == ROUNDS - 1:
            deliver(each, FIRST_PRODUCT + turn)
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
    metanetwork.encode_edge.weight[WEIGHT, 0] = 1.0  # times the root of its fan-in


def multiply(each: Round, product: int, knots: range) -> None:
    """Adds the ramps of some knots, of both squares and both sides of zero."""
    step = BOUND / KNOTS
    for place, knot in enumerate(knots):
        for side, (weight, value) in enumerate([(1, 1), (-1, -1), (1, -1), (-1, 1)]):
            unit = 4 * place + side
            each.edge_own.weight[unit, WEIGHT] = weight
            each.edge_source.weight[unit, VALUE] = value
            each.edge_target.bias[unit] = -knot * step
            each.edge_out.weight[product, unit] = (1 if side < 2 else -1) * (step if knot == 0 else 2 * step) / 4


def deliver(each: Round, product: int) -> None:
    """Neurons add the products that reach them to their bias; that of a bias block's node, whose value is 0, is 0."""
    each.forward_out.weight[VALUE, product] = 1
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
        simulated = simulator()([graphs_with_inputs(architecture, tensors, inputs)])[:, 0]
        return run(architecture, doubles, inputs)[:, 0], simulated


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_metanetwork_computes_what_the_network_computes(seed: int):
    expected, simulated = outputs(seed, LAYERS)
    assert expected.std() > 0.1
    torch.testing.assert_close(simulated, expected, rtol=0, atol=CLOSE)


def test_it_takes_a_turn_for_each_layer():
    expected, simulated = outputs(1, LAYERS + 1)
    assert (simulated - expected).abs().max() > 0.1


def test_fewer_ramps_are_less_exact():
    metanetwork = simulator()
    with torch.no_grad():
        for number, each in enumerate(metanetwork.rounds):
            if number % 2 == 0 and isinstance(each, Round):
                each.edge_out.weight.zero_()
    architecture, tensors = perceptron(1, LAYERS)
    graphs = graphs_with_inputs(architecture, tensors, torch.zeros(INPUTS, WIDTH, dtype=torch.float64))
    with torch.inference_mode():
        assert (metanetwork([graphs]) - simulator()([graphs])).abs().max() > 100 * CLOSE
