"""Scores on cases that can be done by hand."""

import numpy as np
import pytest

from models.evaluation.scores import score, score_strata


def test_a_perfect_prediction():
    measured = np.array([0.1, 0.2, 0.4])
    found = score(measured, measured)
    assert (found.r2, found.tau, found.tau_ceiling, found.mae, found.count) == (1, 1, 1, 0, 3)


def test_scores_by_hand():
    found = score(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    assert found.r2 == pytest.approx(0.5), "residual 1 of 2"
    assert found.tau == pytest.approx(1.0)
    assert found.mae == pytest.approx(1 / 3)


def test_one_pair_in_the_wrong_order():
    assert score(np.array([2.0, 1.0, 3.0]), np.array([1.0, 2.0, 3.0])).tau == pytest.approx(1 / 3), "2 pairs to 1"


def test_tied_labels_lower_the_ceiling():
    found = score(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert found.tau_ceiling == pytest.approx(4 / np.sqrt(6 * 4)), "4 of 6 pairs can be told apart"
    assert found.tau == pytest.approx(found.tau_ceiling)


def test_the_mean_explains_and_orders_nothing():
    measured = np.array([0.0, 0.5, 1.0])
    found = score(np.full(3, 0.5), measured)
    assert (found.r2, found.tau) == (0, 0)
    assert score(np.ones(3), measured).r2 < 0


def test_what_only_ranks_is_not_measured_by_its_numbers():
    found = score(np.array([10.0, 20.0, 40.0]), np.array([0.1, 0.2, 0.3]), ranked_only=True)
    assert (found.r2, found.mae, found.tau) == (None, None, 1)


def test_strata_hide_what_is_between_them():
    measured = np.concatenate([np.arange(10.0), 100 + np.arange(10.0)])
    strata = np.repeat(["early", "late"], 10)
    between = score_strata(np.repeat([0.0, 1.0], 10), measured, strata)
    inside = score_strata(np.tile(np.arange(10.0), 2), measured, strata)
    assert between is not None and inside is not None
    assert (between.tau, inside.tau) == (0, pytest.approx(1))
    assert (inside.strata, inside.count) == (2, 20)


def test_small_strata_say_nothing():
    assert score_strata(np.arange(4.0), np.arange(4.0), np.zeros(4)) is None
