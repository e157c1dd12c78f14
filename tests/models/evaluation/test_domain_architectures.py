"""Networks of other architectures: each comes out of a file as the network that went in."""

import pytest
import torch

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.dataflow import Dataflow
from metagauge.declare.declare import declare
from models.evaluation.domain_architectures import case_of, trained
from models.evaluation.domain_cases import HeldOut
from models.evaluation.domain_modules import CONTROL, MODULES, plain
from models.zoo.families import IMAGE
from tests.models.evaluation.fake_images import noise

IMAGES = noise()
MEASURED = HeldOut.of(IMAGES, 50)
LAYERS = ("dilated CNN", "depthwise CNN", "grouped CNN", "deep CNN", "wide MLP", "100 classes", CONTROL)
NO_CLASSIFIERS_OF_TEN = ("100 classes", "autoencoder")


@pytest.mark.parametrize("arm", MODULES)
def test_a_network_of_each_kind_gives_a_graph_and_an_accuracy_where_it_has_one(arm: str):
    case = case_of(arm, trained(MODULES[arm](8), IMAGES, steps=2), MEASURED)
    assert case.kind == ("control" if arm == CONTROL else "other architecture")
    assert case.subject.graph.edges > 0
    assert (case.test_accuracy is None) == (arm in NO_CLASSIFIERS_OF_TEN)


@pytest.mark.parametrize("arm", MODULES)
def test_kinds_that_are_made_of_layers_can_be_executed(arm: str):
    found = declare(MODULES[arm](8).eval(), IMAGE)
    assert isinstance(found, Architecture if arm in LAYERS else Dataflow)


def test_networks_are_trained_and_left_in_evaluation_mode():
    torch.manual_seed(0)
    module = plain(8)
    before = [parameter.detach().clone() for parameter in module.parameters()]
    after = list(trained(module, IMAGES, steps=3).parameters())
    assert not module.training
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
