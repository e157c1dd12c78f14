"""The parameter graph: complete, consistent, and the same for the same function."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.layers import Activation, Add, BatchNorm, Conv, Flatten, LayerNorm, Linear
from metagauge.architecture.parameter import Parameter, Transpose
from metagauge.errors import ArchitectureMismatchError, TensorMissingError
from metagauge.graph.parameter_graph import ParameterGraph
from models.graph_tensors import same_structure
from models.zoo.families import FAMILIES
from tests.sketches import Network, convolutional, perceptron, residual, transformer, with_layer, with_tensor
from tests.zoo_networks import FAMILY_NAMES, filled, graph_of

zoo_networks = st.builds(
    lambda family, seed: zoo_network(family, seed), st.sampled_from(FAMILY_NAMES), st.integers(0, 10_000)
)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def zoo_network(family: str, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    plan = FAMILIES[family](rng)
    return plan.architecture, filled(plan, rng)


def assert_equal(one: ParameterGraph, other: ParameterGraph, tolerance: float = 0.0) -> None:
    assert same_structure(one, other)
    for mine, its in zip(one.blocks, other.blocks, strict=True):
        np.testing.assert_allclose(mine.weight, its.weight, atol=tolerance)


@few
@given(zoo_networks)
def test_every_block_fits_the_groups_it_joins(network: Network):
    graph = graph_of(*network)
    for block in graph.blocks:
        targets, sources_per_run, positions = block.weight.shape
        assert targets == graph.groups[block.target].size
        assert targets % block.groups == 0
        assert sources_per_run * block.groups == graph.groups[block.source].size
        assert positions == prod(block.kernel)


@few
@given(zoo_networks)
def test_values_flow_from_the_input_to_the_output(network: Network):
    graph = graph_of(*network)
    assert [group.kind for group in graph.groups].count("input") == 1
    assert [group.kind for group in graph.groups].count("output") == 1
    assert graph.groups[0].kind == "input"
    assert graph.output.size == 10
    assert {group.kind for group in graph.groups if group.ordered} == {"input", "output"}
    for block in graph.blocks:
        if block.role != "attend":
            assert graph.groups[block.source].depth < graph.groups[block.target].depth
    read = {block.target for block in graph.blocks}
    assert all(number in read or group.kind in ("input", "parameter") for number, group in enumerate(graph.groups))


@few
@given(zoo_networks)
def test_every_parameter_is_one_edge(network: Network):
    """But for batch norm, which is folded away, and for biases of zeros, which the canonical form adds."""
    architecture, tensors = network
    graph = graph_of(architecture, tensors)
    folded = {
        parameter.tensor
        for operation in architecture.operations
        if isinstance(layer := operation.layer, BatchNorm)
        for parameter in (layer.mean, layer.variance, layer.scale, layer.shift)
        if parameter is not None
    }
    named = {block.name for block in graph.blocks}
    biases = sum(block.weight.size for block in graph.blocks if block.role in ("bias", "norm_scale", "norm_shift"))
    weights = sum(
        block.weight.size
        for block in graph.blocks
        if not block.is_wiring and block.role not in ("bias", "norm_scale", "norm_shift")
    )
    wiring = sum(block.weight.size for block in graph.blocks if block.is_wiring)
    expected = sum(array.size for name, array in tensors.items() if array.ndim > 1 or name == "class_token")
    assert weights == expected
    assert graph.edges == weights + biases + wiring
    assert {name for name, array in tensors.items() if array.ndim > 1} <= named | folded
    assert graph.coverage == 1.0


@few
@given(zoo_networks)
def test_the_edge_list_is_the_blocks_written_out(network: Network):
    graph = graph_of(*network)
    edges = graph.edge_list()
    assert len(edges.value) == graph.edges
    assert max(edges.source.max(), edges.target.max()) < graph.nodes
    offsets = np.cumsum([0, *(group.size for group in graph.groups)])
    for number, block in enumerate(graph.blocks):
        mine = edges.block == number
        written = np.zeros((graph.groups[block.target].size, graph.groups[block.source].size, block.weight.shape[2]))
        places = (
            edges.target[mine] - offsets[block.target],
            edges.source[mine] - offsets[block.source],
            edges.position[mine],
        )
        written[places] = edges.value[mine]
        np.testing.assert_array_equal(written, dense(block.weight, block.groups))


def dense(weight: np.ndarray, groups: int) -> np.ndarray:
    """A grouped weight as (targets, sources, positions), zero between groups."""
    targets, sources, positions = weight.shape
    written = np.zeros((targets, sources * groups, positions))
    for run in range(groups):
        rows = slice(run * targets // groups, (run + 1) * targets // groups)
        written[rows, run * sources : (run + 1) * sources] = weight[rows]
    return written


def test_batch_norm_is_folded_as_exporters_do():
    architecture, tensors = convolutional()
    norm = next(each.layer for each in architecture.operations if isinstance(each.layer, BatchNorm))
    scale = tensors["norm1.weight"] / np.sqrt(tensors["norm1.running_var"] + norm.epsilon)
    folded = {
        **tensors,
        "conv1.weight": tensors["conv1.weight"] * scale[:, None, None, None],
        "conv1.bias": (tensors["conv1.bias"] - tensors["norm1.running_mean"]) * scale + tensors["norm1.bias"],
    }
    kept = tuple(
        replace(each, inputs=tuple("conv1" if name == "norm1" else name for name in each.inputs))
        for each in architecture.operations
        if each.name != "norm1"
    )
    assert_equal(graph_of(architecture, tensors), graph_of(replace(architecture, operations=kept), folded), 1e-6)


def test_batch_norm_that_nothing_linear_precedes_is_kept():
    graph = graph_of(*with_norm_after_activation())
    assert [group.norm for group in graph.groups if group.norm != "none"] == ["batch"]
    assert {block.role for block in graph.blocks} >= {"norm_scale", "norm_shift"}


def with_norm_after_activation() -> Network:
    architecture, tensors = perceptron()
    norm = BatchNorm(**{part: Parameter(tensor=f"norm.{part}") for part in ("mean", "variance", "scale", "shift")})
    operations = list(architecture.operations)
    place = next(number for number, each in enumerate(operations) if each.name == "act")
    operations[place + 1] = replace(operations[place + 1], inputs=("norm",))
    operations.insert(place + 1, Operation(name="norm", inputs=("act",), layer=norm))
    statistics = {f"norm.{part}": np.full(8, 1.5, np.float32) for part in ("mean", "variance", "scale", "shift")}
    return replace(architecture, operations=tuple(operations)), {**tensors, **statistics}


def test_an_absent_bias_is_a_bias_of_zeros():
    zeroed = with_tensor(residual(), "conv1.bias", np.zeros_like)

    def drop(layer: Conv) -> Conv:
        return replace(layer, bias=None)

    assert_equal(graph_of(*zeroed), graph_of(*with_layer(zeroed, "conv1", drop)))


def test_a_bias_that_is_not_zero_is_not_an_absent_one():
    dropped = with_layer(residual(), "conv1", lambda layer: replace(layer, bias=None))
    with pytest.raises(AssertionError):
        assert_equal(graph_of(*residual()), graph_of(*dropped))


def test_identity_activations_leave_no_trace():
    architecture, tensors = residual()
    first = architecture.operations[0]
    idle = Operation(name="idle", inputs=(first.name,), layer=Activation(function="identity"))
    rest = [
        replace(each, inputs=tuple("idle" if name == first.name else name for name in each.inputs))
        for each in architecture.operations[1:]
    ]
    longer = replace(architecture, operations=(first, idle, *rest))
    assert_equal(graph_of(architecture, tensors), graph_of(longer, tensors))


@pytest.mark.parametrize("family", ["resnet", "deepsets", "vit"])
def test_a_sum_has_no_order(family: str):
    architecture, tensors = zoo_network(family, 3)
    turned = tuple(
        replace(each, inputs=each.inputs[::-1]) if isinstance(each.layer, Add) else each
        for each in architecture.operations
    )
    assert turned != architecture.operations
    assert_equal(graph_of(architecture, tensors), graph_of(replace(architecture, operations=turned), tensors))


def test_a_transposed_weight_gives_the_same_graph():
    architecture, tensors = transformer()

    def transposed(layer: Linear) -> Linear:
        return replace(layer, weight=replace(layer.weight, views=(Transpose(axes=(1, 0)),)))

    turned = with_layer((architecture, tensors), "head", transposed)
    turned = with_tensor(turned, "head.weight", lambda array: array.T.copy())
    assert_equal(graph_of(architecture, tensors), graph_of(*turned))


def test_a_sum_of_two_linear_maps_is_one_group_of_neurons():
    graph = graph_of(*zoo_network("deepsets", 3))
    linear = [block.target for block in graph.blocks if block.role == "linear" and block.reading.broadcast]
    assert linear
    for target in linear:
        roles = sorted(block.role for block in graph.blocks if block.target == target)
        assert [role for role in roles if not role.startswith("norm")] == ["bias", "linear", "linear"]


def test_weights_are_views_over_the_checkpoint():
    architecture, tensors = transformer()
    graph = graph_of(architecture, tensors)
    for name in ("patches.weight", "attention.query.weight", "positions"):
        block = next(block for block in graph.blocks if block.name == name)
        assert np.shares_memory(block.weight, tensors[name])


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_the_family_is_told_from_the_layers(family: str):
    special_cnns = ("small_cnn", "c4")  # which are told from others by what their weights are, not by their layers
    assert graph_of(*zoo_network(family, 3)).family == ("cnn" if family in special_cnns else family)


def test_a_missing_tensor_is_named():
    architecture, tensors = residual()
    del tensors["conv2.bias"]
    with pytest.raises(TensorMissingError, match=r"conv2\.bias"):
        graph_of(architecture, tensors)


def test_a_tensor_of_another_shape_is_refused():
    network: tuple[Architecture, dict[str, np.ndarray]] = with_tensor(residual(), "head.weight", lambda a: a[:, :-1])
    with pytest.raises(ArchitectureMismatchError, match=r"head\.weight"):
        graph_of(*network)


def test_an_activation_after_a_flatten_is_one_before_it():
    def network(*order: str) -> Network:
        layers = {"flatten": Flatten(), "act": Activation(function="relu")}
        names = ("conv", *order)
        conv = Conv(weight=Parameter(tensor="conv"), stride=(2,), padding=((0, 0),), dilation=(1,))
        operations = (
            Operation(name="conv", inputs=("input",), layer=conv),
            *(
                Operation(name=name, inputs=(before,), layer=layers[name])
                for before, name in zip(names, order, strict=False)
            ),
            Operation(name="head", inputs=(names[-1],), layer=Linear(weight=Parameter(tensor="head"))),
        )
        rng = np.random.default_rng(0)
        tensors = {"conv": rng.normal(size=(4, 2, 2)), "head": rng.normal(size=(3, 12))}
        architecture = Architecture(input_shape=(2, 6), operations=operations)
        return architecture, {name: array.astype(np.float32) for name, array in tensors.items()}

    assert_equal(graph_of(*network("act", "flatten")), graph_of(*network("flatten", "act")))


def test_neurons_of_a_flattened_sequence_come_channel_by_channel():
    """However the file counts them: a norm's parameters and the next layer's columns are put in that order."""
    tokens, channels = 3, 2
    rng = np.random.default_rng(0)
    tensors = {
        name: rng.normal(size=shape).astype(np.float32)
        for name, shape in {"table": (channels, 5), "scale": (6,), "shift": (6,), "head": (4, 6)}.items()
    }
    norm = LayerNorm(scale=Parameter(tensor="scale"), shift=Parameter(tensor="shift"))
    operations = (
        Operation(name="wide", inputs=("input",), layer=Linear(weight=Parameter(tensor="table"))),
        Operation(name="flatten", inputs=("wide",), layer=Flatten()),
        Operation(name="norm", inputs=("flatten",), layer=norm),
        Operation(name="head", inputs=("norm",), layer=Linear(weight=Parameter(tensor="head"))),
    )
    graph = graph_of(Architecture(input_shape=(tokens, 5), input_layout="sequence", operations=operations), tensors)
    (normal,) = (group for group in graph.groups if group.norm == "layer")
    assert (normal.size, normal.places) == (6, (tokens,))
    (scale,) = (block.weight.ravel() for block in graph.blocks if block.role == "norm_scale")
    np.testing.assert_array_equal(scale, tensors["scale"].reshape(tokens, channels).T.ravel())
    (head,) = (block.weight for block in graph.blocks if block.name == "head")
    np.testing.assert_array_equal(
        head[:, :, 0], tensors["head"].reshape(4, tokens, channels).transpose(0, 2, 1).reshape(4, 6)
    )
