"""A changed export is refused, or lifts to what the changed export computes: never to what it no longer is."""

from functools import cache

import numpy as np
import onnx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from metagauge.architecture.onnx.lift import lift
from metagauge.errors import InputError
from tests.architecture.onnx_export import by_runtime, computed, export, some_images
from tests.architecture.onnx_programs import checkpoint_of
from tests.networks import built

REFUSALS = (
    runtime.Fail,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.NotImplemented,
    runtime.RuntimeException,
)
"""What ONNX Runtime raises for a program that is not valid."""

NAMES = ["mlp_gelu_batch_norm", "cnn_group_norm", "resnet_basic", "deepsets", "cnn1d", "vit_fused_attention"]


@cache
def unchanged(name: str) -> onnx.ModelProto:
    return onnx.load_model_from_string(export(built(name), "torchscript", "static"))


@st.composite
def changed(draw: st.DrawFn) -> onnx.ModelProto:
    """An export in which one node got another operand, attribute or operator."""
    model = onnx.ModelProto()
    model.CopyFrom(unchanged(draw(st.sampled_from(NAMES))))
    nodes = list(model.graph.node)
    node = nodes[draw(st.integers(0, len(nodes) - 1))]
    other = nodes[draw(st.integers(0, len(nodes) - 1))]
    attributes = [attribute for attribute in node.attribute if attribute.ints or attribute.type == attribute.INT]
    match draw(st.sampled_from(["operator", "operand", "attribute"])):
        case "operator":
            node.op_type = other.op_type
        case "operand" if node.input and other.output:
            node.input[draw(st.integers(0, len(node.input) - 1))] = other.output[0]
        case "attribute" if attributes:
            attribute = attributes[draw(st.integers(0, len(attributes) - 1))]
            value = draw(st.integers(-1, 4))
            if attribute.ints:
                attribute.ints[draw(st.integers(0, len(attribute.ints) - 1))] = value
            else:
                attribute.i = value
        case _:
            pass
    return model


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(changed())
def test_what_lifts_computes_the_same(model: onnx.ModelProto):
    try:
        checkpoint = checkpoint_of(model)
        architecture = lift(checkpoint)
    except InputError:
        return
    images = some_images(1)
    try:
        expected = by_runtime(model, images.numpy())
    except REFUSALS:
        return  # not a valid program, whatever it was taken for
    found = computed(architecture, checkpoint, images).numpy()
    np.testing.assert_allclose(found.reshape(-1), expected.reshape(-1), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_unchanged_the_export_lifts(name: str):
    checkpoint = checkpoint_of(unchanged(name))
    with torch.no_grad():
        expected = built(name)(some_images(1))
    found = computed(lift(checkpoint), checkpoint, some_images(1))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
