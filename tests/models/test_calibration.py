"""Intervals hold the truth as often as they say on new architectures, if the residuals were measured honestly."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import Calibration, calibrate, covered, honest_quantile

COVERAGE = 0.9
UNBOUNDED = (-100.0, 100.0)
FAMILIES: Mapping[str, float] = {"cnn": 1.0, "mlp": 1.0, "vit": 3.0}
"""By how much errors are larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """Predictions and measurements of snapshots of random architectures."""

    predicted: np.ndarray
    measured: np.ndarray
    families: list[str]
    architectures: list[str]

    def calibration(self, coverage: float = COVERAGE) -> Calibration:
        return calibrate(self.predicted, self.measured, self.families, self.architectures, coverage, UNBOUNDED)

    def coverage(self, calibration: Calibration) -> float:
        return covered(calibration, self.predicted, self.measured, self.families)

    def of(self, family: str) -> "Networks":
        mine = np.array(self.families) == family
        return Networks(
            predicted=self.predicted[mine],
            measured=self.measured[mine],
            families=[family] * int(mine.sum()),
            architectures=list(np.array(self.architectures)[mine]),
        )


def networks(count: int, seed: int, families: Mapping[str, float] = FAMILIES, snapshots: int = 20) -> Networks:
    """Errors grow with the predicted value, and snapshots of one architecture err alike."""
    rng = np.random.default_rng(seed)
    names = [list(families)[number % len(families)] for number in range(count)]
    predicted = rng.uniform(0, 1, (count, snapshots))
    errors = rng.normal(size=(count, 1)) + rng.normal(size=(count, snapshots))
    errors *= (0.02 + 0.2 * predicted) * np.array([families[name] for name in names])[:, None]
    return Networks(
        predicted=predicted.ravel(),
        measured=(predicted + errors).ravel(),
        families=[name for name in names for _ in range(snapshots)],
        architectures=[str(number) for number in range(count) for _ in range(snapshots)],
    )


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_intervals_cover_as_often_as_they_say(coverage: float):
    calibration = networks(400, 0).calibration(coverage)
    assert abs(networks(1000, 1).coverage(calibration) - coverage) < 0.03


def test_few_architectures_cover_as_often_on_average():
    """Thirty architectures of twenty snapshots are thirty things that are alike, and not six hundred."""
    fresh = networks(600, 1)
    shares = [fresh.coverage(networks(30, seed).calibration()) for seed in range(2, 42)]
    assert abs(np.mean(shares) - COVERAGE) < 0.02


def test_snapshots_taken_for_architectures_cover_too_little():
    """The negative control: twelve architectures whose snapshots hardly differ, each taken for one of its own."""
    rng = np.random.default_rng(0)
    honest, naive = [], []
    for _ in range(200):
        values = np.abs(np.repeat(rng.normal(size=12), 50) + rng.normal(size=600) / 100)
        fresh = np.abs(rng.normal(size=2000))
        honest.append((fresh <= honest_quantile(values, np.repeat(np.arange(12), 50), COVERAGE)).mean())
        naive.append((fresh <= honest_quantile(values, np.arange(600), COVERAGE)).mean())
    assert np.mean(honest) > COVERAGE - 0.02
    assert np.mean(naive) < COVERAGE - 0.03


def test_each_bin_covers_as_often_as_it_says():
    calibration = networks(600, 0).calibration()
    fresh = networks(2000, 1)
    bin_of = np.searchsorted(calibration.edges, fresh.predicted)
    for number in range(len(calibration.half_widths)):
        mine = bin_of == number
        share = covered(calibration, fresh.predicted[mine], fresh.measured[mine], list(np.array(fresh.families)[mine]))
        assert abs(share - COVERAGE) < 0.05
    assert calibration.half_widths[-1] > 2 * calibration.half_widths[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_covers_as_often_as_it_says(family: str):
    calibration = networks(300, 0).calibration()
    assert abs(networks(1500, 1).of(family).coverage(calibration) - COVERAGE) < 0.03


def test_a_family_that_is_not_told_apart_is_covered_too_little():
    fresh, calibration = networks(600, 1).of("vit"), networks(300, 0).calibration()
    assert covered(calibration, fresh.predicted, fresh.measured) < 0.8


def test_a_family_of_few_architectures_has_the_width_of_all():
    many, few = networks(120, 0, {"cnn": 1.0, "mlp": 1.0}), networks(8, 1, {"vit": 3.0})
    calibration = calibrate(
        np.concatenate([many.predicted, few.predicted]),
        np.concatenate([many.measured, few.measured]),
        [*many.families, *few.families],
        [*many.architectures, *(f"vit {name}" for name in few.architectures)],
        COVERAGE,
        UNBOUNDED,
    )
    assert set(calibration.families) == {"cnn", "mlp"}
    assert calibration.interval(0.5, "vit") == calibration.interval(0.5, "never heard of")


def test_residuals_that_flatter_do_not_cover():
    """A predictor calibrated on networks it was trained on promises too much."""
    seen = networks(300, 0)
    flattered = seen.predicted + (seen.measured - seen.predicted) / 3
    calibration = calibrate(seen.predicted, flattered, seen.families, seen.architectures, COVERAGE, UNBOUNDED)
    assert networks(300, 1).coverage(calibration) < 0.6


def test_too_few_architectures_bound_nothing():
    few = networks(8, 0)
    bounded = calibrate(few.predicted, few.measured, few.families, few.architectures, COVERAGE, (0.0, 1.0))
    assert set(bounded.half_widths) == {1.0}
    assert bounded.families == {}


def test_predictions_that_are_all_the_same_are_calibrated():
    residuals = np.arange(1, 21) / 20
    calibration = calibrate(np.zeros(20), residuals, ["mlp"] * 20, list(map(str, range(20))), 0.8, UNBOUNDED)
    width = calibration.interval(0.0, "mlp").high
    assert width == pytest.approx(0.8, abs=0.05), "of 20 architectures, 16 are below it"


@given(st.floats(-0.5, 1.5), st.sampled_from(["vit", "mlp", ""]))
def test_an_interval_holds_its_value_inside_the_bounds(value: float, family: str):
    calibration = Calibration(
        coverage=0.9, edges=(0.5,), half_widths=(0.1, 0.2), bounds=(0.0, 1.0), families={"vit": 2.0}
    )
    interval = calibration.interval(value, family)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    width = (0.2 if value <= 0.5 else 0.4) * (2 if family == "vit" else 1)
    assert interval.high - interval.low <= width + 1e-9
