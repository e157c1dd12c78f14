"""Readers: what is said of whole networks beside what is said of their graphs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.canonical.random_symmetry import permute_randomly
from models.graph_tensors import stack
from models.metanetworks.ensemble import numbers_read, read_of
from models.metanetworks.products import ProductConfig
from models.metanetworks.reader import Reader, ReaderConfig, Squash
from models.metanetworks.summary import SUMMARY, summary
from models.metanetworks.targets import Measured, loss
from models.probes.responses import response_names
from models.training.fit_reader import ReaderFitConfig, fit_reader
from models.training.networks import JobNetworks, load_networks
from models.training.rounded import rounded
from tests.models.conftest import Zoo
from tests.product_networks import SMALL, random_ensemble
from tests.zoo_networks import FAMILY_NAMES, drawn, graph_of

BESIDE = replace(SMALL, shape=True, told_width=8, members=2, readers=ReaderConfig(count=2, width=8, summary=True))
SHORT = ReaderFitConfig(steps=60, batch=32)


@pytest.fixture(scope="module")
def networks(mlp_zoo: Zoo) -> list[JobNetworks]:
    return load_networks([mlp_zoo.folder])[:4]


@pytest.fixture(scope="module")
def numbers(networks: list[JobNetworks]) -> torch.Tensor:
    return torch.cat([read_of(BESIDE, job.graphs) for job in networks])


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_summary_does_not_depend_on_the_order_of_neurons(family: str):
    graph = graph_of(*drawn(family))
    permuted = permute_randomly(graph, np.random.default_rng(0))
    one, other = (summary(stack([each]).double()) for each in (graph, permuted))
    assert one.shape == (1, SUMMARY)
    assert any(not np.array_equal(a.weight, b.weight) for a, b in zip(graph.blocks, permuted.blocks, strict=True))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_summary_sees_the_weights_of_every_kind_of_network(family: str):
    network, tensors = drawn(family)
    doubled = {name: array * np.float32(2) for name, array in tensors.items()}
    one, other = (summary(stack([graph_of(network, each)])) for each in (tensors, doubled))
    assert one.isfinite().all()
    assert (one - other).abs().max() > 0.1


def test_a_squash_keeps_the_middle_and_holds_back_what_is_far():
    rows = torch.linspace(-1, 1, 1001)[:, None] * torch.tensor([1.0, 100.0, 0.0])
    scale = Squash(3)
    scale.fit(rows)
    same = scale(rows)
    torch.testing.assert_close(same[:, 0], same[:, 1])
    assert (same[:, 2] == 0).all() and same[500].abs().max() < 1e-6
    far = scale(torch.tensor([[1e9, -1e9, 1e9]]))[0]
    assert (far.abs() < 40).all() and far[0] > 10 > -10 > far[1]


def test_readers_count_their_share(networks: list[JobNetworks]):
    whole, graphs = random_ensemble(BESIDE), [job.graphs for job in networks]
    alone, readers = (whole.leaning(share)(graphs) for share in (0.0, 1.0))
    assert (alone - readers).abs().max() > 1e-3
    torch.testing.assert_close(whole(graphs), (alone + readers) / 2)
    torch.testing.assert_close(alone, torch.stack([member(graphs) for member in whole.members]).mean(0))
    given = torch.cat([read_of(BESIDE, each) for each in graphs])
    torch.testing.assert_close(readers, torch.stack([reader(given) for reader in whole.readers]).mean(0))


def test_readers_take_turns_with_sets_of_images(networks: list[JobNetworks]):
    """The metanetwork reads what was said to the first set, and each reader what was said to its own."""
    drawn_answers, each, sets = len(response_names()), 20, 2
    config = replace(
        SMALL, responses=drawn_answers + each, told_width=8, readers=ReaderConfig(count=3, width=8, sets=sets)
    )
    graphs = networks[0].graphs
    answers = torch.randn(graphs.networks, drawn_answers + sets * each, generator=torch.Generator().manual_seed(0))
    asked, whole = replace(graphs, responses=answers), random_ensemble(config)
    first, second = answers[:, : drawn_answers + each], answers[:, [*range(drawn_answers), *range(-each, 0)]]
    assert torch.equal(read_of(config, asked, 0), first) and torch.equal(read_of(config, asked, 1), second)
    one, other, third = whole.readers
    wanted = torch.stack([one(first), other(second), third(first)]).mean(0)
    torch.testing.assert_close(whole.leaning(1.0)([asked]), wanted)
    changed = replace(graphs, responses=torch.cat([first, answers[:, -each:] + 1], dim=1))
    assert torch.equal(whole.leaning(0.0)([asked]), whole.leaning(0.0)([changed]))


def test_no_share_of_readers_that_are_not_there():
    with pytest.raises(ValueError, match="no readers"):
        random_ensemble(replace(BESIDE, readers=None)).leaning(0.5)


@pytest.mark.parametrize("config", [BESIDE, replace(BESIDE, readers=ReaderConfig(count=1, width=8))])
def test_a_reader_is_given_what_it_was_made_for(config: ProductConfig, networks: list[JobNetworks]):
    assert read_of(config, networks[0].graphs).shape == (len(networks[0].entries), numbers_read(config))


def test_a_fitted_reader_fits_and_repeats(networks: list[JobNetworks], numbers: torch.Tensor):
    model, measured = ReaderConfig(width=16), Measured.joined([job.measured for job in networks])
    fitted, again, other = (fit_reader(numbers, networks, model, SHORT, seed) for seed in (0, 0, 1))
    fresh = Reader(model, numbers.shape[1])
    fresh.scale = fitted.scale
    assert loss(fitted(numbers), measured) < loss(fresh.eval()(numbers), measured)
    assert torch.equal(fitted(numbers), again(numbers))
    assert not torch.allclose(fitted(numbers), other(numbers))


def test_what_is_fitted_can_be_stored_in_half_as_many_bits(networks: list[JobNetworks], numbers: torch.Tensor):
    fitted = fit_reader(numbers, networks, ReaderConfig(width=8), SHORT, 0)
    assert all(torch.equal(each, each.half().float()) for each in fitted.parameters())
    layer = torch.nn.Linear(3, 3)
    before = layer.weight.detach().clone()
    torch.testing.assert_close(rounded(layer).weight, before, rtol=1e-3, atol=1e-7)
    assert not torch.equal(layer.weight, before)
