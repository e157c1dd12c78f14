"""Networks that were trained on pixels of another range, made of networks of the zoo."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.evaluation.judged import values_only
from models.evaluation.moves import Trained
from models.evaluation.pixels import IMAGENET, WAYS, pixel_scores, pixels_table, ranges, seen_from
from models.predictor import Predictor
from models.probes.convention import COMMON, Convention
from models.subject import Declared, Subject, Triple
from tests.predictors import answers, random_predictor, renormalised, unpadded


@pytest.fixture(scope="module")
def quick() -> Predictor:
    return values_only(random_predictor())


def read(subject: Subject, as_said: tuple[Triple, Triple]) -> Subject:
    return replace(subject, declared=Declared(mean=as_said[0], spread=as_said[1]))


@pytest.mark.parametrize("trained_on", [*COMMON, IMAGENET])
@pytest.mark.parametrize("read_as", [*COMMON, IMAGENET])
def test_a_network_of_the_zoo_stands_for_one_that_was_trained_on_other_pixels(
    trained_on: tuple[Triple, Triple], read_as: tuple[Triple, Triple], quick: Predictor
):
    usual, network = quick.config.convention, unpadded()
    other = renormalised(network, usual, Convention(mean=trained_on[0], spread=trained_on[1]))
    seen = answers(quick, read(network, seen_from(trained_on, read_as, usual)))
    assert seen == pytest.approx(answers(quick, read(other, read_as)), abs=2e-3)


def test_scores_tell_what_was_found_from_what_was_assumed(quick: Predictor, monkeypatch: pytest.MonkeyPatch):
    """A metanetwork that takes a network for good that is read as it was trained finds every range."""
    usual, network = quick.config.convention, unpadded()
    expected = answers(quick, network)
    real = quick.hybrid.metanetwork.forward

    def forward(graphs):
        is_right = all(np.abs(each.responses.numpy() - expected).max() < 1e-3 for each in graphs)
        return 0 * real(graphs) + torch.tensor([0.0 if is_right else -3.0, 0, 0, 0])

    monkeypatch.setattr(quick.hybrid.metanetwork, "forward", forward)
    trained = Trained(family="cnn", architecture=network.network, tensors=network.tensors, accuracy=0.5)
    scores = pixel_scores(quick, [trained])
    assert {each.way for each in scores} == set(WAYS)
    known = {name for name, each in ranges(usual).items() if each != IMAGENET}
    for each in scores:
        is_right = each.way == "declared" or (each.way == "found" and each.trained_on in known)
        assert (each.right, each.coverage) == ((1, 1) if is_right else (0, 0))
        assert each.error == pytest.approx(0 if is_right else 0.5 - 1 / (1 + np.exp(3)), abs=1e-5)
    table = pixels_table("anything-v1", scores)
    assert len(table.rows) == len(scores) == 3 * len(ranges(usual)) - 1
