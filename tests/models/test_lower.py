"""A lowered architecture computes what its layers compute."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from metagauge.architecture.architecture import Architecture, Layout
from metagauge.architecture.codec import from_json, to_json
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.layers import Linear
from metagauge.architecture.lower import lower
from metagauge.architecture.operators.source import Weight
from metagauge.architecture.parameter import Parameter, Reshape, Scale, Slice, Transpose
from metagauge.architecture.resolve import parameter_shape
from models.in_memory import checkpoint_of
from models.interpreter.dataflow import run_dataflow
from models.interpreter.layers import run
from tests.models.test_interpreter import ACTIVATIONS, CASES, alone, source
from tests.sketches import convolutional, transformer, with_layer
from tests.zoo_networks import FAMILY_NAMES, drawn


def lowered(architecture: Architecture, tensors: dict[str, Tensor]) -> Dataflow:
    checkpoint = checkpoint_of({name: tensor.numpy() for name, tensor in tensors.items()})
    return lower(architecture, lambda parameter: parameter_shape(parameter, checkpoint))


def compare(architecture: Architecture, tensors: dict[str, Tensor]) -> None:
    """The first of a batch, in both forms."""
    inputs = source(*architecture.input_shape)[:1]
    with torch.no_grad():
        (output,) = run_dataflow(lowered(architecture, tensors), tensors, [inputs])
        torch.testing.assert_close(output, run(architecture, tensors, inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_a_lowered_layer_computes_what_the_layer_computes(name: str):
    layer, tensors, layout, shape, _ = CASES[name]()
    compare(alone(layer, layout, shape), tensors)


@pytest.mark.parametrize("layout", ["map", "vector"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_lowered_activation_computes_what_the_activation_computes(name: str, layout: Layout):
    layer, _ = ACTIVATIONS[name]
    compare(alone(layer, layout, (4, 3, 3) if layout == "map" else (6,)), {"idle": torch.zeros(1)})


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_lowered_network_computes_what_the_network_computes(family: str):
    architecture, arrays = drawn(family, 2)
    compare(architecture, {name: torch.from_numpy(array) for name, array in arrays.items()})


def test_causal_attention_looks_at_earlier_tokens_only():
    architecture, arrays = with_layer(transformer(), "attention", lambda layer: replace(layer, causal=True))
    compare(architecture, {name: torch.from_numpy(array) for name, array in arrays.items()})


def test_views_of_parameters_become_steps():
    views = (Transpose(axes=(1, 0)), Reshape(shape=(2, 8)), Slice(axis=1, start=1, stop=7), Scale(factor=2.0))
    layer = Linear(weight=Parameter(tensor="weight", views=views))
    weight = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    compare(alone(layer, "vector", (6,)), {"weight": weight})


def test_a_tensor_is_read_once_however_often_it_is_used():
    architecture, arrays = convolutional()
    twice = with_layer(
        (architecture, arrays), "norm1", lambda layer: replace(layer, shift=Parameter(tensor="norm0.bias"))
    )[0]
    flow = lowered(twice, {name: torch.from_numpy(array) for name, array in arrays.items()})
    read = [step.operator.tensor for step in flow.steps if isinstance(step.operator, Weight)]
    assert len(read) == len(set(read)) == len(arrays) - 1


def test_names_of_tensors_and_operations_may_collide():
    architecture, arrays = convolutional()
    others = {name: f"conv0.{number}" if number else "conv0" for number, name in enumerate(arrays)}
    compare(with_names(architecture, others), {others[name]: torch.from_numpy(arrays[name]) for name in arrays})


def with_names(architecture: Architecture, others: dict[str, str]) -> Architecture:
    text = to_json(architecture)
    for name, other in others.items():
        text = text.replace(f'"tensor":"{name}"', f'"tensor":"{other}"')
    return from_json(text)
