"""What was measured of a domain, from a file beside the predictor into a page."""

from dataclasses import replace
from pathlib import Path

import pytest

from models.evaluation.domain_scores import EVERYTHING, ArmScores
from models.evaluation.domain_table import BEGIN, END, read_scores, show, write_scores

INSIDE = ArmScores(
    kind="inside",
    arm="inside",
    networks=40,
    auroc=None,
    auroc_good=None,
    spared=None,
    auroc_spoiled=None,
    refused=0.0,
    answered=0.98,
    coverage=0.9,
    mean_accuracy=0.24,
)
TASKS = replace(
    INSIDE,
    kind="other task",
    arm=EVERYTHING,
    networks=8,
    auroc=0.875,
    auroc_good=0.9,
    answered=0.25,
    coverage=0.5,
    mean_accuracy=0.1,
)


def test_what_is_written_beside_a_predictor_is_read_again(tmp_path: Path):
    write_scores(tmp_path, [INSIDE, TASKS])
    assert read_scores(tmp_path) == [INSIDE, TASKS]


def test_a_page_gets_the_table_between_its_marks(tmp_path: Path):
    write_scores(tmp_path, [INSIDE, TASKS])
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nan old table\n{END}\nafter\n")
    show(tmp_path, page)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "an old table" not in text
    assert "| **inside** | 40 |  |  |  |  | 0.00 | 0.98 | 0.90 | 0.24 |" in text
    assert "| **other task** | 8 | 0.88 | 0.90 |  |  | 0.00 | 0.25 | 0.50 | 0.10 |" in text


def test_a_page_without_marks_is_left_as_it_is(tmp_path: Path):
    write_scores(tmp_path, [INSIDE])
    page = tmp_path / "page.md"
    page.write_text("no marks\n")
    with pytest.raises(ValueError, match="needs the line"):
        show(tmp_path, page)
    assert page.read_text() == "no marks\n"
