"""From bare tensors through the whole ladder: the rung, the form and the coverage."""

import pytest
import torch
from torch import nn

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.coverage import coverage
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.architecture.operators.elementwise import Unary
from metagauge.errors import StructureNotInferableError
from metagauge.graph.build import build
from tests.architecture.templates.named_networks import ResNet, Vit, checkpoint_of


def test_a_resnet_for_small_images_becomes_layers() -> None:
    checkpoint = checkpoint_of(ResNet(small=True).state_dict())
    network = infer(checkpoint, None)
    assert isinstance(network, Architecture)
    assert network.input_shape == (3, 32, 32)
    assert network.provenance.rung == "template"
    assert coverage(network, checkpoint) == 1.0


def test_a_chain_keeps_its_unknown_functions_in_the_dataflow_and_the_graph() -> None:
    checkpoint = checkpoint_of(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).state_dict())
    network = infer(checkpoint, None)
    assert isinstance(network, Dataflow)
    assert network.provenance.rung == "chain"
    unknown = [step for step in network.steps if step.operator == Unary(function="unknown")]
    assert len(unknown) == 1
    assert "unknown" in {group.activation for group in build(network, checkpoint).groups}


def test_a_hint_settles_what_the_names_leave_open() -> None:
    chain = checkpoint_of(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).state_dict())
    assert isinstance(infer(chain, '{"activation": "relu"}'), Architecture)
    vit = checkpoint_of(Vit().state_dict())
    with pytest.raises(StructureNotInferableError, match="num_heads"):
        infer(vit, None)
    assert coverage(infer(vit, '{"num_heads": 3}'), vit) == 1.0


def test_names_without_a_place_are_refused_with_what_would_settle_them() -> None:
    checkpoint = checkpoint_of({"left.weight": torch.zeros(3, 4), "right.weight": torch.zeros(4, 3)})
    with pytest.raises(StructureNotInferableError, match=r"left\.weight.*ONNX export"):
        infer(checkpoint, None)
