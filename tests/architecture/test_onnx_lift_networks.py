"""Every network of the zoo's families comes back from both exporters as an architecture that computes the same."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import nn
from torch.onnx import TrainingMode

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.coverage import unused_tensors
from metagauge.architecture.layers import Activation, Attention, BatchNorm, Conv, GroupNorm, LayerNorm
from metagauge.architecture.onnx.lift import lift
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import values
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from tests.architecture.onnx_export import Batch, Exporter, computed, export, exported, lifted, some_images
from tests.networks import Cnn, built, networks
from tests.vision_transformers import FusedAttention, SeparateAttention, vit

ALSO_STATIC = ("mlp_relu", "cnn_group_norm", "resnet_preactivation", "deepsets", "cnn1d", "vit_encoder_norm_first")
"""Networks that the slower exporter writes with a fixed batch too."""


def forms(name: str) -> list[tuple[Exporter, Batch]]:
    always: list[tuple[Exporter, Batch]] = [
        ("torchscript", "static"),
        ("torchscript", "dynamic"),
        ("dynamo", "dynamic"),
    ]
    return [*always, ("dynamo", "static")] if name in ALSO_STATIC else always


EVERY_EXPORT = [(name, *form) for name in networks() for form in forms(name)]


def wiring(architecture: Architecture) -> list[tuple[str, tuple[str, ...]]]:
    return [(operation.name, operation.inputs) for operation in architecture.operations]


def settings(architecture: Architecture) -> list[dict[str, object]]:
    """All of the layers but their parameters."""
    plain = (int, float, str, bool, tuple)
    return [
        {field.name: value for field in fields(layer) if isinstance(value := getattr(layer, field.name), plain)}
        for layer in (operation.layer for operation in architecture.operations)
    ]


def lift_module(network: nn.Module, exporter: Exporter = "torchscript", **more) -> Architecture:
    return lift(read_onnx(memoryview(export(network.eval(), exporter, "dynamic", **more)), Limits()))


@pytest.mark.parametrize(("name", "exporter", "batch"), EVERY_EXPORT)
def test_the_lifted_architecture_computes_what_the_network_computes(name: str, exporter: Exporter, batch: Batch):
    images = some_images()
    with torch.no_grad():
        expected = built(name)(images)
    found = computed(lifted(name, exporter, batch), exported(name, exporter, batch), images)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "exporter", "batch"), EVERY_EXPORT)
def test_every_parameter_is_used(name: str, exporter: Exporter, batch: Batch):
    architecture = lifted(name, exporter, batch)
    checkpoint = exported(name, exporter, batch)
    values(architecture, lambda parameter: parameter_shape(parameter, checkpoint))
    assert architecture.unsupported == ()
    assert architecture.provenance.assumed == ()
    for unused in unused_tensors(architecture, checkpoint):
        assert _is_one_number(checkpoint.tensor(unused).array())


def _is_one_number(array: np.ndarray) -> bool:
    """Whether it is all ones or all zeros, as exporters write a norm without parameters."""
    return bool((array == array.reshape(-1)[0]).all())


@pytest.mark.parametrize("name", networks())
def test_the_wiring_does_not_depend_on_exporter_or_batch_axis(name: str):
    first, *others = [
        lifted(name, *form) for form in forms(name) if name != "mlp_gelu_batch_norm" or form[0] == "dynamo"
    ]
    for other in others:
        assert wiring(other) == wiring(first)
        assert settings(other) == settings(first)


def test_another_network_computes_something_else():
    images = some_images()
    with torch.no_grad():
        other = built("cnn_group_norm", seed=1)(images)
    found = computed(
        lifted("cnn_group_norm", "torchscript", "static"), exported("cnn_group_norm", "torchscript", "static"), images
    )
    assert (found - other).abs().max() > 1e-2


@pytest.mark.parametrize("name", ["cnn_batch_norm", "cnn_group_norm", "deepsets", "vit_separate_attention", "cnn1d"])
@pytest.mark.parametrize("opset", [13, 20])
def test_older_and_newer_operator_sets_compute_the_same(name: str, opset: int):
    images = some_images()
    checkpoint = exported(name, "torchscript", "dynamic", opset)
    with torch.no_grad():
        expected = built(name)(images)
    torch.testing.assert_close(computed(lift(checkpoint), checkpoint, images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["cnn_batch_norm", "resnet_preactivation", "mlp_gelu_batch_norm", "vit_fused_attention"]
)
def test_an_export_without_constant_folding_keeps_its_norms_and_transposes(name: str):
    file = export(built(name), "torchscript", "dynamic", training=TrainingMode.PRESERVE, do_constant_folding=False)
    checkpoint = read_onnx(memoryview(file), Limits())
    architecture = lift(checkpoint)
    images = some_images()
    with torch.no_grad():
        expected = built(name)(images)
    torch.testing.assert_close(computed(architecture, checkpoint, images), expected, rtol=1e-4, atol=1e-5)
    norms = sum(isinstance(operation.layer, BatchNorm) for operation in architecture.operations)
    assert norms == sum(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in built(name).modules())


def test_attention_as_one_operator_is_the_same_attention():
    images = some_images()
    file = export(built("vit_fused_attention"), "dynamo", "static", opset_version=23)
    checkpoint = read_onnx(memoryview(file), Limits())
    assert checkpoint.program and any(node.operator == "Attention" for node in checkpoint.program.nodes)
    architecture = lift(checkpoint)
    assert settings(architecture) == settings(lifted("vit_fused_attention", "dynamo", "dynamic"))
    with torch.no_grad():
        expected = built("vit_fused_attention")(images)
    torch.testing.assert_close(computed(architecture, checkpoint, images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("attention", [FusedAttention, SeparateAttention])
def test_the_head_count_is_read_from_the_reshapes(attention: type[FusedAttention | SeparateAttention]):
    network = vit(attention, class_token=True)
    assert _heads(lift_module(network)) == [3, 3]
    for block in network.blocks:  # pyright: ignore[reportGeneralTypeIssues] - a Sequential
        block.attention.heads, block.attention.head_width = 2, 6
    assert _heads(lift_module(network)) == [2, 2]


def test_group_count_stride_and_slope_are_read():
    architecture = lift_module(Cnn(lambda channels: nn.GroupNorm(2, channels)))
    layers = [operation.layer for operation in architecture.operations]
    assert [layer.groups for layer in layers if isinstance(layer, GroupNorm)] == [2, 2, 2]
    convolutions = [(layer.stride, layer.dilation, layer.groups) for layer in layers if isinstance(layer, Conv)]
    assert convolutions == [((2, 2), (1, 1), 1), ((1, 1), (1, 1), 1), ((1, 1), (2, 2), 4)]
    assert Activation(function="leaky_relu", slope=0.1) in layers


def test_numbers_are_the_decimals_that_were_written():
    layers = [operation.layer for operation in lifted("vit_fused_attention", "torchscript", "static").operations]
    assert {layer.epsilon for layer in layers if isinstance(layer, LayerNorm)} == {1e-5}


def _heads(architecture: Architecture) -> list[int]:
    return [operation.layer.heads for operation in architecture.operations if isinstance(operation.layer, Attention)]
