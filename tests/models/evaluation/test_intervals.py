"""Coverage is measured on architectures that did not calibrate, with one quantile for all families or one for each."""

from collections.abc import Mapping

import numpy as np
import pytest

from models.evaluation.intervals import COVERAGE, Errors, resample


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
        architectures=np.repeat([f"{family}{number}" for number, family in enumerate(families)], snapshots),
    )


UNEQUAL = errors({"cnn": 0.01, "vit": 0.05})


def test_each_family_is_held_as_often_as_promised():
    held = resample(UNEQUAL, 0.5, 20, 0, by_family=True)
    assert held.mean == pytest.approx(COVERAGE, abs=0.04)
    assert all(share == pytest.approx(COVERAGE, abs=0.06) for share in held.families.values())


def test_one_quantile_for_unequal_families_holds_one_too_seldom():
    held = resample(UNEQUAL, 0.5, 20, 0, by_family=False)
    assert held.families["vit"] < COVERAGE - 0.06
    assert held.families["cnn"] > COVERAGE + 0.06
