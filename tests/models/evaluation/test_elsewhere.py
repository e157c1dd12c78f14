"""What a published predictor says about a zoo that it was not fitted to."""

from dataclasses import replace

import numpy as np
import pytest

from models.evaluation.elsewhere import elsewhere, elsewhere_table
from models.evaluation.judged import Estimates, Judged
from models.evaluation.snapshots import snapshots_of
from models.evaluation.tables import MISSING
from tests.models.evaluation.fake_jobs import jobs


def judged(answered: slice, off: float) -> Judged:
    """A predictor that is off by so much, with intervals of .02 to both sides, and answers some."""
    snapshots = snapshots_of(jobs(6))
    accuracy, gap = (
        Estimates(value=said, low=said - 0.02, high=said + 0.02, coverage=0.9)
        for said in (snapshots.accuracy + off, snapshots.gap)
    )
    is_answered = np.zeros(len(snapshots.accuracy), bool)
    is_answered[answered] = True
    return Judged(snapshots=snapshots, accuracy=accuracy, gap=gap, is_answered=is_answered)


@pytest.mark.parametrize(("off", "holds"), [(0.01, 1.0), (0.03, 0.0)])
def test_values_and_intervals_are_held_against_what_was_measured(off: float, holds: float):
    everything = judged(slice(None), off)
    found = {each.networks: each for each in elsewhere(everything)}
    every = found["all"]
    assert every.scores is not None and every.scores.mae == pytest.approx(off)
    assert (every.answered, every.holds, every.architectures) == (1.0, holds, 12)
    gap = found["all, generalization gap"]
    assert gap.scores is not None and (gap.scores.r2, gap.holds) == (pytest.approx(1), 1.0)
    assert found["finals"].snapshots == everything.snapshots.is_final.sum() < every.snapshots
    families = set(everything.snapshots.family.tolist())
    assert families < found.keys()
    assert sum(found[name].snapshots for name in families) == every.snapshots


def test_what_is_not_answered_is_counted_and_not_scored():
    some = judged(slice(0, 5), 0.01)
    some = replace(some, accuracy=replace(some.accuracy, value=np.where(some.is_answered, some.accuracy.value, np.nan)))
    every, *_ = elsewhere(some)
    assert every.scores is not None and every.scores.count == 5
    assert every.answered == pytest.approx(5 / every.snapshots)
    nothing = elsewhere(judged(slice(0, 0), 0.01))
    table = elsewhere_table("anything-v1", "some-zoo", nothing)
    assert len(table.rows) == len(nothing)
    assert all(row[3:] == ("0.0%", *(MISSING,) * 5) for row in table.rows)
    assert "anything-v1 on some-zoo" in table.title
