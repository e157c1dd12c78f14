"""From results to lines, tables and pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.evaluation.page import BEGIN, END, write_page
from models.evaluation.paper import PAPER
from models.evaluation.pictures import learning_curve, scatter
from models.evaluation.scorecard import current, lines_of
from models.evaluation.table import Table
from models.evaluation.tables import tables_of
from tests.models.evaluation.fake_results import COUNT, result, snapshots


def test_seeds_become_a_mean_and_a_spread():
    (line,) = lines_of([result(seed=0, off=0.01), result(seed=1, off=0.03)])
    assert line.seeds == (0, 1)
    assert line.everything.mae is not None
    assert line.everything.mae.mean == pytest.approx(0.02)
    assert line.everything.mae.spread == pytest.approx(0.01 * np.sqrt(2))


def test_one_seed_has_no_spread():
    (line,) = lines_of([result(off=0.01)])
    assert line.everything.tau.spread == 0


def test_finals_and_families_are_scored_alone():
    (line,) = lines_of([result()])
    assert (line.everything.count, line.finals.count) == (COUNT, COUNT // 2)
    assert {name: figures.count for name, figures in line.families.items()} == {"cnn": 20, "mlp": 20}
    assert line.strata is not None and line.strata.tau.mean == pytest.approx(1)


def test_a_step_that_tells_all_tells_nothing_within_strata():
    """What a recipe knows: the length of training. Pooled that orders networks, within strata it does not."""
    by_step = replace(result(), accuracy=np.where(snapshots().is_final, 0.5, 0.1))
    (line,) = lines_of([by_step])
    assert line.strata is not None
    assert line.everything.tau.mean > 0.5
    assert line.strata.tau.mean == 0


def test_what_only_ranks_has_no_r2():
    (line,) = lines_of([result(ranked_only=True)])
    assert line.everything.r2 is None and line.everything.mae is None
    assert line.everything.tau.mean == pytest.approx(1)


def test_families_left_out_in_turn_come_together():
    lines = lines_of([result(arm="family:cnn", families=("cnn",)), result(arm="family:mlp", families=("mlp",))])
    together = next(line for line in lines if line.arm == "family")
    assert together.everything.count == 2 * COUNT
    assert set(together.families) == {"cnn", "mlp"}


def test_a_seed_without_all_families_does_not_count():
    found = [result(arm=f"family:{name}", families=(name,)) for name in ("cnn", "mlp")]
    lines = lines_of([*found, result(arm="family:cnn", families=("cnn",), seed=1, off=0.5)])
    assert next(line for line in lines if line.arm == "family").seeds == (0,)


def test_results_of_other_networks_or_settings_are_out_of_date():
    older = [result(fingerprint="then"), result(method="gmn", settings="small")]
    newer = [result(minutes=1, seed=1), result(method="gmn", settings="large", minutes=1)]
    kept, stale = current([*older, *newer])
    assert kept == newer
    assert stale == older


def test_tables_show_every_method_of_every_arm(tmp_path: Path):
    results = [result(arm=arm, method=method) for arm in ("five", "half", "full") for method in ("rich", "alpha")]
    text = "\n".join(table.markdown() for table in [*tables_of(lines_of(results)), PAPER])
    assert text.count("the alpha one") == 3 + 1 + 1, "three arms, families of one, the learning curve"
    assert "3 (5%) | 10 (50%) | 20 (100%)" in text
    assert "another zoo" in text


def test_pictures_repeat(tmp_path: Path):
    results = [result(arm=arm) for arm in ("half", "full")]
    for name in ("one", "two"):
        learning_curve(lines_of(results), tmp_path / f"{name}-curve.svg")
        scatter(results[0], tmp_path / f"{name}-scatter.svg")
    for kind in ("curve", "scatter"):
        one, two = ((tmp_path / f"{name}-{kind}.svg").read_bytes() for name in ("one", "two"))
        assert one == two
        assert b"<svg" in one


def test_a_page_keeps_what_is_around_the_scorecard(tmp_path: Path):
    page = tmp_path / "results.md"
    page.write_text(f"before\n{BEGIN}\nold numbers\n{END}\nafter\n")
    write_page(page, [PAPER], [tmp_path / "scores" / "a-curve.svg"])
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert "old numbers" not in text
    assert "![a curve](scores/a-curve.svg)" in text


def test_tables_and_pictures_of_zoos_that_were_not_measured_again_stay(tmp_path: Path):
    def table(zoo: str, cell: str) -> Table:
        return Table(title=f"{zoo}: scores", header=("tau",), rows=((cell,),))

    page, old, new = tmp_path / "results.md", tmp_path / "gone-curve.svg", tmp_path / "here-curve.svg"
    page.write_text(f"{BEGIN}{END}")
    write_page(page, [table("gone", "0.71"), table("here", "0.72"), PAPER], [old, new])
    for _ in range(2):
        write_page(page, [table("here", "0.73"), PAPER], [new])
        text = page.read_text()
        assert [text.count(part) for part in ("0.71", "0.72", "0.73", PAPER.title)] == [1, 0, 1, 1]
        assert [text.count(path.name) for path in (old, new)] == [1, 1]


@pytest.mark.parametrize("text", ["", BEGIN, END + BEGIN])
def test_a_page_without_marks_is_refused(tmp_path: Path, text: str):
    page = tmp_path / "results.md"
    page.write_text(text)
    with pytest.raises(ValueError, match="needs the line"):
        write_page(page, [PAPER], [])
    assert page.read_text() == text
