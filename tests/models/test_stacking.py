"""A prediction does not depend on the networks that are judged beside it."""

import numpy as np
import pytest
import torch

from models.evaluation.judged import values_only
from models.graph_tensors import stack
from models.metanetworks.config import AnyMetanetwork
from models.predictor import Predictor
from models.zoo.families import draw
from tests.judges import JUDGES, judge, judged, random_metanetwork
from tests.predictors import PREDICTORS, executed, numbers, predictor, random_predictor, subject_of
from tests.zoo_networks import FAMILY_NAMES, drawn, filled, graph_of


@pytest.fixture(scope="module", params=PREDICTORS)
def judging(request: pytest.FixtureRequest) -> Predictor:
    return values_only(predictor(request.param))


@pytest.fixture(scope="module", params=JUDGES)
def metanetwork(request: pytest.FixtureRequest) -> AnyMetanetwork:
    return judge(request.param)


def test_networks_are_judged_together_as_alone(judging: Predictor):
    subjects = [subject_of(*drawn(family)) for family in FAMILY_NAMES]
    alone = [judging.predict([subject])[0] for subject in subjects]
    np.testing.assert_allclose(numbers(judging.predict(subjects)), numbers(alone), atol=1e-6)


def test_different_networks_are_judged_differently(judging: Predictor):
    subjects = [subject_of(*drawn(family)) for family in FAMILY_NAMES]
    found = torch.stack([executed(judging, subject) for subject in subjects])
    assert len(found.round(decimals=5).unique(dim=0)) == len(subjects)
    answered = numbers(values_only(random_predictor()).predict(subjects))
    assert len(np.unique(answered.round(6), axis=0)) == len(subjects)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_networks_of_one_structure_are_judged_stacked_as_alone(family: str, metanetwork: AnyMetanetwork):
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
