"""A prediction does not depend on the networks that are judged beside it."""

import numpy as np
import pytest
import torch
from torch import nn

from models.calibration import Calibration
from models.domain import Neighbourhood, Task
from models.graph_tensors import stack
from models.metanetworks.edges_v2 import GraphMetanetwork
from models.prediction import Prediction
from models.predictor import Predictor, PredictorConfig, available
from models.zoo.families import draw
from tests.judges import JUDGES, judge, judged, random_metanetwork
from tests.zoo_networks import FAMILY_NAMES, drawn, filled, graph_of


@pytest.fixture(scope="module", params=("v2", *available()))
def predictor(request: pytest.FixtureRequest) -> Predictor:
    return around() if request.param == "v2" else Predictor.load(request.param)


@pytest.fixture(scope="module", params=JUDGES)
def metanetwork(request: pytest.FixtureRequest) -> nn.Module:
    return judge(request.param)


def around() -> Predictor:
    """A predictor that answers for every network with CIFAR-10's input and output."""
    metanetwork = judge("v2")
    assert isinstance(metanetwork, GraphMetanetwork)
    width = metanetwork.head[0].normalized_shape[0]
    flat = Calibration(coverage=0.9, edges=(), half_widths=(0.1,), bounds=(-1.0, 1.0))
    config = PredictorConfig(
        name="anything",
        version=1,
        title="",
        domain="",
        metanetwork=metanetwork.config,
        task=Task(channels=3, positions=1024, classes=10, coverage=0.5, edges=10**9, blocks=10**6),
        test_accuracy=flat,
        generalization_gap=flat,
        threshold=2.0,
    )
    everywhere = Neighbourhood(
        mean=torch.zeros(width),
        directions=torch.eye(width)[:, :2],
        residual_spread=torch.ones(()),
        quantiles=torch.arange(200.0),
    )
    return Predictor(config, metanetwork, everywhere)


def numbers(predictions: list[Prediction]) -> np.ndarray:
    """(networks, 2), with -9 where the predictor abstains."""
    return np.array(
        [
            [each.value if each is not None else -9 for each in (found.test_accuracy, found.generalization_gap)]
            for found in predictions
        ]
    )


def test_networks_are_judged_together_as_alone(predictor: Predictor):
    graphs = [graph_of(*drawn(family)) for family in FAMILY_NAMES]
    alone = [predictor.predict([graph])[0] for graph in graphs]
    np.testing.assert_allclose(numbers(predictor.predict(graphs)), numbers(alone), atol=1e-6)


def test_different_networks_are_judged_differently():
    graphs = [graph_of(*drawn(family)) for family in FAMILY_NAMES]
    found = numbers(around().predict(graphs))
    assert len(np.unique(found.round(6), axis=0)) == len(graphs)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_networks_of_one_structure_are_judged_stacked_as_alone(family: str, metanetwork: nn.Module):
    rng = np.random.default_rng(3)
    plan = draw(family, rng)
    graphs = [graph_of(plan.architecture, filled(plan, rng)) for _ in range(3)]
    alone = np.concatenate([judged(metanetwork, [graph]) for graph in graphs])
    np.testing.assert_allclose(judged(metanetwork, graphs), alone, atol=1e-6)
    assert np.abs(alone[0] - alone[1]).max() > 1e-5


def test_networks_of_different_structure_cannot_be_stacked():
    with pytest.raises(ValueError, match="different structure"):
        stack([graph_of(*drawn("mlp")), graph_of(*drawn("cnn"))])


def test_selected_networks_keep_their_rows():
    rng = np.random.default_rng(3)
    plan = draw("mlp", rng)
    graphs = stack([graph_of(plan.architecture, filled(plan, rng)) for _ in range(3)])
    metanetwork = random_metanetwork()
    with torch.inference_mode():
        together, chosen = metanetwork([graphs]), metanetwork([graphs.select(torch.tensor([2, 0]))])
    assert torch.allclose(chosen, together[[2, 0]], atol=1e-6)


@pytest.mark.parametrize("name", ["edges", "products"])
def test_networks_of_several_structures_are_judged_together_as_alone(name: str):
    metanetwork = judge(name)
    graphs = [stack([graph_of(*drawn(family))]) for family in FAMILY_NAMES]
    with torch.inference_mode():
        together, alone = metanetwork(graphs), torch.cat([metanetwork([each]) for each in graphs])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)
    assert len(alone.unique(dim=0)) == len(graphs)
