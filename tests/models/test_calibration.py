"""Intervals hold the truth as often as they say, if the residuals they were measured on are honest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import Calibration, calibrate, covered

COVERAGE = 0.9
UNBOUNDED = (-100.0, 100.0)


def predictions(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions whose error grows with their value, and measurements."""
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(0, 1, count)
    return predicted, predicted + rng.normal(size=count) * (0.02 + 0.2 * predicted)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_intervals_cover_as_often_as_they_say(coverage: float):
    calibration = calibrate(*predictions(4000, 0), coverage, UNBOUNDED)
    assert abs(covered(calibration, *predictions(4000, 1)) - coverage) < 0.03


def test_each_bin_covers_as_often_as_it_says():
    calibration = calibrate(*predictions(4000, 0), COVERAGE, UNBOUNDED)
    predicted, measured = predictions(4000, 1)
    for number in range(4):
        mine = np.searchsorted(calibration.edges, predicted) == number
        assert abs(covered(calibration, predicted[mine], measured[mine]) - COVERAGE) < 0.05
    assert calibration.half_widths[-1] > 2 * calibration.half_widths[0]


def test_residuals_that_flatter_do_not_cover():
    """A predictor calibrated on networks it was trained on promises too much."""
    predicted, measured = predictions(4000, 0)
    flattered = predicted + (measured - predicted) / 3
    calibration = calibrate(predicted, flattered, COVERAGE, UNBOUNDED)
    assert covered(calibration, *predictions(4000, 1)) < 0.6


def test_half_widths_are_conformal_quantiles():
    residuals = np.arange(1, 10) / 10
    calibration = calibrate(np.zeros(9), residuals, 0.8, UNBOUNDED, bins=1)
    assert calibration.half_widths == (0.8,), "the ceil(0.8 * 10)th of nine"


@given(st.floats(-0.5, 1.5))
def test_an_interval_holds_its_value_inside_the_bounds(value: float):
    calibration = Calibration(coverage=0.9, edges=(0.5,), half_widths=(0.1, 0.2), bounds=(0.0, 1.0))
    interval = calibration.interval(value)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.high - interval.low <= (0.2 if value <= 0.5 else 0.4) + 1e-9
