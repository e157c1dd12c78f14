"""Units on disk, and measuring those that are missing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.evaluation.measuring import Bench, measure_all
from models.evaluation.methods import Fit, Method, Predicted, methods
from models.evaluation.units import UnitStore
from tests.models.evaluation.fake_jobs import jobs
from tests.models.evaluation.fake_results import result


def test_a_result_is_read_as_it_was_written(tmp_path: Path):
    store, written = UnitStore(tmp_path), replace(result(off=0.25), gap=np.linspace(0, 1, 40))
    store.save(written)
    (read,) = store.results()
    assert read.facts == written.facts
    assert np.array_equal(read.snapshots.family, written.snapshots.family)
    assert np.allclose(read.accuracy, written.accuracy)
    assert read.gap is not None and written.gap is not None and np.allclose(read.gap, written.gap)
    assert list(store.results(["another zoo"])) == []


def test_an_interrupted_unit_is_missing(tmp_path: Path):
    store, written = UnitStore(tmp_path), result()
    store.save(written)
    assert store.has(written.facts.unit, "", "now")
    next(tmp_path.glob("*/*/*.json")).unlink()
    assert not store.has(written.facts.unit, "", "now")


@pytest.mark.parametrize(("settings", "fingerprint"), [("others", "now"), ("", "then")])
def test_a_unit_of_other_settings_or_networks_is_missing(tmp_path: Path, settings: str, fingerprint: str):
    store, written = UnitStore(tmp_path), result()
    store.save(written)
    assert not store.has(written.facts.unit, settings, fingerprint)


def bench(folder: Path, **fits: Fit) -> Bench:
    known = {name: Method(words=name, kind="baseline", run=fit, settings="") for name, fit in fits.items()}
    return Bench(zoo="zoo", networks=jobs(8, ("mlp",)), methods=known, store=UnitStore(folder))


def mean(train: object, test: object, seed: int) -> Predicted:
    del train
    assert isinstance(test, tuple)
    return Predicted(accuracy=np.full(sum(len(job.entries) for job in test), 0.1 + seed))


def broken(train: object, test: object, seed: int) -> Predicted:
    raise ValueError("cannot be fitted")


def test_what_is_missing_is_measured_once(tmp_path: Path):
    ours = bench(tmp_path, mean=mean)
    units = ours.missing(["full", "run"], ["mean"], [0, 1])
    assert len(units) == 4
    assert measure_all(ours, units[:3], processes=2) == []
    assert ours.missing(["full", "run"], ["mean"], [0, 1]) == units[3:]
    assert {each.facts.unit for each in ours.store.results()} == set(units[:3])


def test_a_method_that_fails_does_not_stop_the_others(tmp_path: Path):
    ours = bench(tmp_path, mean=mean, broken=broken)
    units = ours.missing(["full"], ["broken", "mean"], [0])
    (failed,) = measure_all(ours, units, processes=1)
    assert failed.method == "broken"
    assert "cannot be fitted" in ours.store.log(failed).read_text()
    assert [each.facts.unit.method for each in ours.store.results()] == ["mean"]


def test_every_method_says_what_it_is():
    known = methods()
    assert {"gmn", "product", "weights", "hybrid", "statnn"} <= set(known)
    assert len({method.words for method in known.values()}) == len(known)
    assert known["hybrid"].needs_answers and not known["weights"].needs_answers
