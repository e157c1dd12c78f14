"""Coverage is measured on architectures that did not calibrate, with one quantile for all families or one for each."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from models.evaluation.intervals import COVERAGE, Errors, cross_calibrated, intervals_of, resample


def errors(spreads: Mapping[str, float], architectures: int = 30, snapshots: int = 6) -> Errors:
    """Predictions that are off by so much, architecture by architecture."""
    rng = np.random.default_rng(0)
    families = np.repeat(list(spreads), architectures)
    sizes = np.repeat(list(spreads.values()), architectures)[:, None]
    off = sizes * (rng.normal(size=(len(families), 1)) + rng.normal(size=(len(families), snapshots)))
    predicted = rng.uniform(0.4, 0.6, off.shape)
    return Errors(
        predicted=predicted.ravel(),
        measured=(predicted + off).ravel(),
        families=np.repeat(families, snapshots),
        kinds=np.repeat(families, snapshots),
        architectures=np.repeat([f"{family}{number}" for number, family in enumerate(families)], snapshots),
    )


UNEQUAL = errors({"cnn": 0.01, "vit": 0.05})


def test_each_family_is_held_as_often_as_promised():
    held = resample(UNEQUAL, 0.5, 20, 0, by_family=True)
    assert held.mean == pytest.approx(COVERAGE, abs=0.04)
    assert all(share == pytest.approx(COVERAGE, abs=0.06) for share in held.families.values())


def test_families_that_graphs_do_not_tell_apart_share_a_quantile():
    told_alike = replace(UNEQUAL, kinds=np.full(len(UNEQUAL.kinds), "cnn"))
    held = resample(told_alike, 0.5, 20, 0, by_family=True)
    assert held == resample(UNEQUAL, 0.5, 20, 0, by_family=False)
    assert set(held.families) == {"cnn", "vit"}


@pytest.mark.parametrize("coverage", [0.7, 0.9])
def test_every_architecture_is_covered_once_by_the_others(coverage: float):
    told = cross_calibrated(UNEQUAL, 10, 0, coverage=coverage, bounds=(0.0, 1.0))
    assert [each.value for each in told] == UNEQUAL.predicted.tolist()
    holds = np.array([each.low <= value <= each.high for each, value in zip(told, UNEQUAL.measured, strict=True)])
    assert holds.mean() == pytest.approx(coverage, abs=0.04)


def test_an_architecture_does_not_calibrate_its_own_interval():
    """One that is far off everywhere widens the intervals of all others, and not its own."""
    name = UNEQUAL.architectures[0]
    mine = UNEQUAL.architectures == name
    wild = replace(UNEQUAL, measured=np.where(mine, 1.0, UNEQUAL.measured))
    told, wilder = (
        cross_calibrated(each, len(set(UNEQUAL.architectures)), 0, coverage=COVERAGE, bounds=(0.0, 1.0))
        for each in (UNEQUAL, wild)
    )
    widths, wider = (np.array([each.high - each.low for each in found]) for found in (told, wilder))
    assert (widths[mine] == wider[mine]).all()
    assert (widths[~mine] != wider[~mine]).any()


def test_intervals_stay_inside_their_bounds():
    narrow = intervals_of(UNEQUAL, UNEQUAL, bounds=(0.45, 0.55))
    assert all(0.45 <= each.low <= each.value <= each.high <= 0.55 for each in narrow)


def test_one_quantile_for_unequal_families_holds_one_too_seldom():
    held = resample(UNEQUAL, 0.5, 20, 0, by_family=False)
    assert held.families["vit"] < COVERAGE - 0.06
    assert held.families["cnn"] > COVERAGE + 0.06
