"""The exponent of a spectrum's tail is found, and large layers have one."""

import numpy as np
import pytest
import torch

from metagauge.graph.parameter_graph import Role
from models import features
from models.baselines.power_law import LEAST_EIGENVALUES, Alpha, eigenvalues, exponent
from models.graph_tensors import BlockTensors
from models.training.networks import load_networks
from tests.models.conftest import Zoo


def block(weight: torch.Tensor, role: Role = "linear") -> BlockTensors:
    static = torch.zeros(features.BLOCK_FEATURES)
    static[features.ROLES.index(role)] = 1
    return BlockTensors(
        source=0,
        target=1,
        weight=weight,
        static=static,
        positions=torch.zeros(weight.shape[4], features.POSITION_FEATURES),
        statistics=torch.zeros(len(weight), features.BLOCK_STATISTICS),
    )


@pytest.mark.parametrize("true", [1.8, 2.5, 4.0])
def test_the_exponent_of_a_power_law_is_found(true: float):
    rng = np.random.default_rng(0)
    found = [exponent(np.sort((1 - rng.random(800)) ** (-1 / (true - 1)))) for _ in range(5)]
    assert np.mean(found) == pytest.approx(true, rel=0.12)


def test_a_start_below_the_tail_is_left_out():
    rng = np.random.default_rng(1)
    tail = 5 * (1 - rng.random(500)) ** (-1 / 1.5)
    body = rng.uniform(0.01, 5, 500)
    assert exponent(np.sort(np.concatenate([tail, body]))) == pytest.approx(2.5, rel=0.15)


def test_scale_does_not_matter_and_shape_does():
    rng = np.random.default_rng(2)
    spectrum = np.sort(rng.pareto(1.5, 100) + 0.1)
    assert exponent(7 * spectrum) == pytest.approx(exponent(spectrum))
    assert exponent(np.sort(spectrum**2)) < exponent(spectrum)


def test_a_convolution_has_the_eigenvalues_of_all_its_positions():
    weight = torch.randn(3, 2, 5, 4, 9, generator=torch.Generator().manual_seed(0))
    found = eigenvalues(block(weight))
    assert found is not None
    assert found.shape == (3, 2 * 4 * 9)
    assert (np.diff(found, axis=1) >= 0).all()
    assert found[0].sum() == pytest.approx(float(weight[0].square().sum()), rel=1e-5)


def test_vectors_and_small_layers_have_none():
    assert eigenvalues(block(torch.ones(1, 1, LEAST_EIGENVALUES - 1, 50, 1))) is None
    assert eigenvalues(block(torch.ones(1, 1, 50, 1, 25))) is None
    assert eigenvalues(block(torch.randn(1, 1, 50, 50, 1), "norm_scale")) is None
    assert eigenvalues(block(torch.randn(1, 1, LEAST_EIGENVALUES, 50, 1))) is not None


def test_networks_are_ranked_without_a_fit(mlp_zoo: Zoo):
    networks = load_networks([mlp_zoo.folder])
    one, other = (Alpha().fit(train, seed).predict(networks) for train, seed in ((networks[:1], 0), ([], 9)))
    assert np.array_equal(one, other)
    assert len(np.unique(one)) > len(networks)
    assert not np.array_equal(one, Alpha(weighted=True).predict(networks))
