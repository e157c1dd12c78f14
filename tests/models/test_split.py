"""A split never lets one architecture, or one run, be on both sides."""

from dataclasses import replace
from pathlib import Path

import pytest

from models.graph_tensors import stack
from models.training.networks import JobNetworks, load_networks
from models.training.split import Split, split
from models.zoo.store import Entry
from tests.models.conftest import Zoo
from tests.models.test_zoo import sound
from tests.zoo_networks import drawn, graph_of

FAMILY_SIZES = {"mlp": 30, "cnn": 20}


@pytest.fixture(scope="module")
def networks() -> list[JobNetworks]:
    """Jobs of two families; every third draws the architecture of the one before."""
    graphs = stack([graph_of(*drawn("mlp"))] * 4)
    jobs = []
    for family, size in FAMILY_SIZES.items():
        for number in range(size):
            drawing = number - (number % 3 == 2)
            jobs.append(job(len(jobs), f"{family}{drawing}", family))
    return [replace(each, graphs=graphs, written=graphs) for each in jobs]


def job(number: int, architecture: str, family: str) -> JobNetworks:
    entries = tuple(entry(number, member, step, family) for member in (0, 1) for step in (1, 2))
    graphs = stack([graph_of(*drawn("mlp"))])
    network, _ = drawn("mlp")
    return JobNetworks(
        zoo=Path("zoo"),
        job=number,
        architecture=architecture,
        family=family,
        network=network,
        tensors={},
        graphs=graphs,
        written=graphs,
        entries=entries,
    )


def entry(job_number: int, member: int, step: int, family: str) -> Entry:
    return Entry(
        job=job_number,
        member=member,
        step=step,
        family=family,
        test_accuracy=0.5,
        test_loss=1.0,
        test_images=1,
        train_accuracy=0.6,
        train_loss=1.0,
        train_images=1,
        is_final=step == 2,
        training=sound("adamw"),
    )


def parts(found: Split) -> tuple[tuple[JobNetworks, ...], ...]:
    return found.train, found.calibration, found.test


def snapshots(part: tuple[JobNetworks, ...]) -> list[tuple[int, int, int]]:
    return [(each.job, each.member, each.step) for job in part for each in job.entries]


@pytest.mark.parametrize("kind", ["architecture", "run"])
@pytest.mark.parametrize("seed", range(3))
def test_every_snapshot_is_in_one_part(kind, seed: int, networks: list[JobNetworks]):
    found = parts(split(networks, kind, seed))
    together = [each for part in found for each in snapshots(part)]
    assert sorted(together) == sorted(snapshots(tuple(networks)))


@pytest.mark.parametrize("seed", range(5))
def test_no_architecture_is_in_two_parts(seed: int, networks: list[JobNetworks]):
    train, calibration, test = (
        {job.architecture for job in part} for part in parts(split(networks, "architecture", seed))
    )
    assert not (train & calibration or train & test or calibration & test)
    assert train and calibration and test


@pytest.mark.parametrize("seed", range(5))
def test_no_run_is_in_two_parts_but_architectures_are(seed: int, networks: list[JobNetworks]):
    found = parts(split(networks, "run", seed))
    train, calibration, test = ({each.run for job in part for each in job.entries} for part in found)
    assert not (train & calibration or train & test or calibration & test)
    assert {job.architecture for job in found[0]} & {job.architecture for job in found[2]}


def test_every_family_gets_its_share(networks: list[JobNetworks]):
    _, calibration, test = parts(split(networks, "architecture", 0))
    for family, size in FAMILY_SIZES.items():
        architectures = size - size // 3
        held = {job.architecture for job in test if job.family == family}
        measured = {job.architecture for job in calibration if job.family == family}
        assert (len(measured), len(held)) == (round(0.16 * architectures), round(0.20 * architectures))


def test_another_seed_is_another_split(networks: list[JobNetworks]):
    one, other = (split(networks, "architecture", seed).test for seed in (0, 1))
    assert [job.job for job in one] != [job.job for job in other]
    assert [job.job for job in one] == [job.job for job in split(networks, "architecture", 0).test]


def test_rows_keep_their_labels(mlp_zoo: Zoo):
    networks = load_networks([mlp_zoo.folder])
    test = split(networks, "run", 0).test
    whole = {job.job: job for job in networks}
    for part in test:
        rows = [whole[part.job].entries.index(each) for each in part.entries]
        for mine, its in zip(part.graphs.blocks, whole[part.job].graphs.blocks, strict=True):
            assert (mine.weight == its.weight[rows]).all()
