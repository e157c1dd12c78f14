"""What each arm fits to and scores."""

from itertools import pairwise

import pytest

from models.evaluation.arms import SHARES, arms_of, parts_of, width
from models.training.networks import JobNetworks
from tests.models.evaluation.fake_jobs import again, jobs


@pytest.fixture(scope="module")
def networks() -> list[JobNetworks]:
    return jobs(20)


def architectures(part: tuple[JobNetworks, ...]) -> set[str]:
    return {job.architecture for job in part}


@pytest.mark.parametrize("arm", ["full", *SHARES, "ood-width", "family:mlp"])
def test_no_architecture_is_fitted_to_and_scored(networks: list[JobNetworks], arm: str):
    parts = parts_of(arm, networks)
    assert architectures(parts.train).isdisjoint(architectures(parts.test))


def test_an_arm_by_run_knows_the_architectures_and_no_run(networks: list[JobNetworks]):
    parts = parts_of("run", networks)
    train, test = ({run for job in part for run in job.runs} for part in (parts.train, parts.test))
    assert train.isdisjoint(test)
    assert not architectures(parts.train).isdisjoint(architectures(parts.test))


def test_an_architecture_of_two_zoos_is_in_one_part(networks: list[JobNetworks]):
    joined = [*networks, *(again(job, "two") for job in networks)]
    parts = parts_of("full", joined)
    assert architectures(parts.train).isdisjoint(architectures(parts.test))
    assert {str(job.zoo) for job in parts.test} == {"one", "two"}


def test_less_data_is_part_of_more_and_scored_on_the_same(networks: list[JobNetworks]):
    arms = [parts_of(arm, networks) for arm in (*sorted(SHARES, key=lambda each: SHARES[each]), "full")]
    for fewer, more in pairwise(arms):
        assert architectures(fewer.train) <= architectures(more.train)
        assert fewer.test == more.test
    assert len(arms[-2].train) == round(0.5 * len(arms[-1].train))


def test_half_the_data_has_half_of_each_family(networks: list[JobNetworks]):
    half, full = (parts_of(arm, networks).train for arm in ("half", "full"))
    for family in ("mlp", "cnn"):
        counts = [sum(job.family == family for job in part) for part in (half, full)]
        assert abs(counts[0] - counts[1] / 2) <= 1


def test_wider_networks_than_those_fitted_to_are_scored(networks: list[JobNetworks]):
    parts = parts_of("ood-width", networks)
    for family in ("mlp", "cnn"):
        widest = max(width(job) for job in parts.train if job.family == family)
        assert all(width(job) > widest for job in parts.test if job.family == family)
    assert {job.family for job in parts.test} == {"mlp", "cnn"}


def test_width_is_that_of_the_widest_hidden_group(networks: list[JobNetworks]):
    for job in networks:
        rows = [tensor.shape[1] for name, tensor in job.tensors.items() if tensor.ndim > 2 and "head" not in name]
        assert width(job) == max(rows)


def test_a_left_out_family_is_all_that_is_scored(networks: list[JobNetworks]):
    parts = parts_of("family:cnn", networks)
    assert {job.family for job in parts.train} == {"mlp"}
    assert len(parts.test) == 20
    assert arms_of(["full", "family", "full"], networks) == ("full", "family:cnn", "family:mlp")
    assert arms_of(["family"], [job for job in networks if job.family == "cnn"]) == ()


@pytest.mark.parametrize("arm", ["nothing", "family:vit"])
def test_what_is_no_arm_is_refused(networks: list[JobNetworks], arm: str):
    with pytest.raises(ValueError, match=arm):
        parts_of(arm, networks)
