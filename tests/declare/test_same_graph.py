"""The same network gives the same parameter graph as ONNX and as safetensors, and another network another one."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from metagauge.architecture.onnx.lift import lift
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import ParameterGraph
from tests.architecture.onnx_export import Exporter, export, exported, lifted
from tests.declare.modules import MODULES
from tests.declare.saved import module, saved, through_file
from tests.graphs import assert_same_graph, differences
from tests.networks import built, networks
from tests.vision_transformers import FusedAttention

EXPORTERS: tuple[Exporter, ...] = ("torchscript", "dynamo")


def declared_graph(name: str) -> ParameterGraph:
    checkpoint, architecture = through_file(name)
    return build(architecture, checkpoint)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("name", networks())
def test_a_network_has_one_graph_in_both_formats(name: str, exporter: Exporter):
    from_onnx = build(lifted(name, exporter, "dynamic"), exported(name, exporter, "dynamic"))
    assert_same_graph(declared_graph(name), from_onnx)


@pytest.mark.parametrize("name", MODULES)
def test_an_unusual_module_has_one_graph_in_both_formats(name: str):
    # The older exporter cannot write a pool of several windows behind an activation, the newer one can.
    exporter: Exporter = "dynamo" if name == "odd_sizes" else "torchscript"
    checkpoint = read_onnx(memoryview(export(module(name), exporter, "dynamic")), Limits())
    assert_same_graph(declared_graph(name), build(lift(checkpoint), checkpoint))


def one_statistic(network: nn.Module) -> None:
    network.get_buffer("norm.running_mean")[2] += 0.1


def one_variance(network: nn.Module) -> None:
    network.get_buffer("layers.2.shortcut.1.running_var")[0] *= 1.1


def one_weight(network: nn.Module) -> None:
    with torch.no_grad():
        network.get_parameter("layers.0.conv1.weight")[1, 2, 0, 0] += 0.01


def one_head_more(network: nn.Module) -> None:
    for part in network.modules():
        if isinstance(part, FusedAttention):
            part.heads = 4
            return


def another_activation(network: nn.Module) -> None:
    network.get_submodule("blocks.1.mlp").register_module("1", nn.GELU("tanh"))


def another_stride(network: nn.Module) -> None:
    for name in ("layers.2.conv1", "layers.2.shortcut.0"):
        convolution = network.get_submodule(name)
        assert isinstance(convolution, nn.Conv2d)
        convolution.stride = (1, 1)


CHANGES: dict[str, tuple[str, Callable[[nn.Module], None]]] = {
    "one running mean": ("resnet_basic", one_statistic),
    "one running variance": ("resnet_basic", one_variance),
    "one weight": ("resnet_basic", one_weight),
    "a stride": ("resnet_basic", another_stride),
    "the heads of one block": ("vit_fused_attention", one_head_more),
    "one activation": ("vit_fused_attention", another_activation),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_small_change_gives_another_graph(change: str):
    name, alter = CHANGES[change]
    network = built(name)
    alter(network)
    checkpoint, architecture = saved(network)
    assert differences(build(architecture, checkpoint), declared_graph(name))


def test_the_order_of_groups_and_blocks_does_not_matter():
    graph = declared_graph("resnet_basic")
    order = torch.randperm(len(graph.groups), generator=torch.Generator().manual_seed(1)).tolist()
    blocks = tuple(
        replace(block, source=order.index(block.source), target=order.index(block.target))
        for block in reversed(graph.blocks)
    )
    moved = replace(graph, groups=tuple(graph.groups[number] for number in order), blocks=blocks)
    assert moved.groups != graph.groups
    assert_same_graph(graph, moved)


def test_where_a_block_comes_from_does_matter():
    graph = declared_graph("resnet_basic")
    first, second = (number for number, block in enumerate(graph.blocks) if block.role == "residual")
    swapped = list(graph.blocks)
    swapped[first] = replace(graph.blocks[first], source=graph.blocks[second].source)
    assert differences(graph, replace(graph, blocks=tuple(swapped)))
