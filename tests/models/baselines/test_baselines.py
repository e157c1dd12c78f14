"""Baselines see what they say they see, learn what can be learned, and repeat."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.baselines import boosting, neural
from models.baselines.baseline import accuracies_of
from models.baselines.boosting import Boosting
from models.baselines.catalogue import METHODS
from models.baselines.deep_sets import DeepSets
from models.baselines.dmc import Dmc
from models.baselines.flat import flatten
from models.baselines.neural import Effort, Neural
from models.baselines.rows import architecture_only, probe_answers, recipe_only, weight_statistics
from models.probes.responses import RESPONSE_FEATURES, needs_class_order
from models.training.networks import JobNetworks, load_networks
from tests.models.conftest import Zoo

SHORT = Effort(epochs=2, trial_epochs=1, learning_rates=(1e-3, 1e-2))


@pytest.fixture(scope="module")
def networks(mlp_zoo: Zoo) -> list[JobNetworks]:
    """The smallest ones, so that fits take no time."""
    jobs = load_networks([mlp_zoo.folder])
    return sorted(jobs, key=lambda job: sum(block.weight[0].numel() for block in job.graphs.blocks))[:6]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neural, "EFFORT", SHORT)
    monkeypatch.setattr(boosting, "GRID", {"max_iter": [5]})


def told_apart_by_scale(jobs: Sequence[JobNetworks]) -> list[JobNetworks]:
    """The same networks with accuracies that the size of their weights tells."""
    found = []
    for job in jobs:
        sizes = np.array([float(row.square().mean()) for row in job.graphs.blocks[0].weight])
        labels = 0.1 + 0.8 * (sizes > np.median(sizes))
        entries = tuple(
            replace(entry, test_accuracy=float(label)) for entry, label in zip(job.entries, labels, strict=True)
        )
        found.append(replace(job, entries=entries))
    return found


def asked(jobs: Sequence[JobNetworks]) -> list[JobNetworks]:
    """The same networks with random answers to probe images."""
    rng = torch.Generator().manual_seed(0)
    return [
        replace(
            job, graphs=replace(job.graphs, responses=torch.randn(len(job.entries), RESPONSE_FEATURES, generator=rng))
        )
        for job in jobs
    ]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_a_number_for_each_snapshot_and_repeats(name: str, networks: list[JobNetworks], quick: None):
    jobs = asked(networks)
    train, test = jobs[:4], jobs[4:]
    method = METHODS[name]
    one, again = (method.baseline.fit(train, seed=0).predict(test) for _ in range(2))
    assert one.shape == accuracies_of(test).shape
    assert np.isfinite(one).all()
    assert np.array_equal(one, again)
    assert method.ranks_only or (one.min() >= 0 and one.max() <= 1)


def test_what_reads_answers_is_not_asked_without(networks: list[JobNetworks]):
    for name, method in METHODS.items():
        assert method.can_read(networks) is not name.startswith("probes")
        assert method.can_read(asked(networks))
    with pytest.raises(ValueError, match="not asked"):
        probe_answers(networks[0])


def test_rows_see_what_their_names_say(networks: list[JobNetworks]):
    job = networks[0]
    structure, recipe, weights = (rows(job) for rows in (architecture_only, recipe_only, weight_statistics))
    assert len(np.unique(structure, axis=0)) == 1, "snapshots of a job share their architecture"
    assert len(np.unique(recipe, axis=0)) == len(job.entries)
    assert len(np.unique(weights, axis=0)) == len(job.entries)


def test_answers_without_order_leave_out_what_needs_it(networks: list[JobNetworks]):
    (job,) = asked(networks[:1])
    other = job.graphs.responses.clone()
    other[:, torch.from_numpy(needs_class_order())] += 1
    changed = replace(job, graphs=replace(job.graphs, responses=other))
    rows = {name: METHODS[name].baseline.rows for name in ("probes-unordered", "probes", "probes-rich")}
    assert np.array_equal(rows["probes-unordered"](job), rows["probes-unordered"](changed))
    assert not np.array_equal(rows["probes"](job), rows["probes"](changed))
    assert rows["probes-rich"](job).shape[1] > rows["probes"](job).shape[1] > rows["probes-unordered"](job).shape[1]


@pytest.mark.parametrize("make", [DeepSets, Dmc])
def test_neural_baselines_learn_what_the_weights_tell(make: type, networks: list[JobNetworks]):
    jobs = told_apart_by_scale(networks)
    effort = Effort(epochs=40, learning_rates=(3e-3,), snapshots=6, jobs=1)
    errors = [
        np.abs(Neural(make=make, effort=each).fit(jobs[:2], 0).predict(jobs[:2]) - accuracies_of(jobs[:2])).mean()
        for each in (effort, replace(effort, epochs=1))
    ]
    assert errors[0] < 0.6 * errors[1]


@pytest.mark.parametrize("make", [DeepSets, Dmc])
def test_neural_baselines_keep_to_the_budget(make: type):
    assert sum(parameter.numel() for parameter in make().parameters()) <= 750_000


def test_the_better_learning_rate_is_taken(networks: list[JobNetworks]):
    jobs = told_apart_by_scale(networks)
    effort = Effort(epochs=1, trial_epochs=20, learning_rates=(1e-9, 3e-3), jobs=1)
    assert Neural(make=DeepSets, effort=effort).fit(jobs[:4], 0).learning_rate == 3e-3
    still = replace(effort, learning_rates=(1e-9,))
    assert Neural(make=DeepSets, effort=still).fit(jobs[:1] * 2, 0).learning_rate == 1e-9


def test_the_grid_is_tuned_in_folds_of_architectures(networks: list[JobNetworks]):
    fitted = Boosting(rows=weight_statistics, grid={"max_iter": [3, 4]}).fit(networks, 0)
    assert set(fitted.search.cv_results_["param_max_iter"].tolist()) == {3, 4}
    assert fitted.search.n_splits_ == boosting.FOLDS


def test_a_set_of_parameters_has_no_order(networks: list[JobNetworks]):
    flat = flatten(networks[0])
    order = torch.randperm(flat.counts[0], generator=torch.Generator().manual_seed(1))
    order = torch.cat([order, torch.arange(flat.counts[0], sum(flat.counts))])
    shuffled = replace(flat, values=flat.values[:, order], positions=flat.positions[order])
    changed = replace(flat, values=flat.values * 1.5)
    torch.manual_seed(0)
    for make, is_blind in ((DeepSets, True), (Dmc, False)):
        module = make().eval()
        if isinstance(module, DeepSets):
            module.SHOWN = max(flat.counts)  # all are shown, so that nothing is drawn
        outputs = [module(each, torch.Generator().manual_seed(0)) for each in (flat, shuffled, changed)]
        assert torch.allclose(outputs[0], outputs[1], atol=1e-5) is is_blind
        assert not torch.allclose(outputs[0], outputs[2], atol=1e-5)


def test_flat_networks_hold_every_parameter_once(networks: list[JobNetworks], mlp_zoo: Zoo):
    job = networks[0]
    flat = flatten(job)
    _, stored = mlp_zoo.store.networks(job.job)
    for row, (_, _, tensors) in zip(flat.values, stored, strict=True):
        kept = [array for name, array in tensors.items() if "running" not in name]
        values = np.sort(np.concatenate([array.ravel() for array in kept]))
        if len(kept) == len(tensors):  # running statistics are folded into the scales and shifts of others
            assert np.array_equal(np.sort(row.numpy()), values)
    assert sum(flat.counts) == flat.values.shape[1] == len(flat.positions) == len(flat.tensor_of)
