"""What the page on declarations shows is what the service reads."""

import re

import pytest

from metagauge.contract import Basis, Declarations, Domain, Report
from metagauge.declarations import CLASSES, NAMES, parse
from metagauge.service.settings import Settings
from tests.service.processes import ROOT
from worker.reading.stored_network import EXECUTED_ELEMENTS, EXECUTED_OPERATIONS

PAGE = (ROOT / "docs" / "declaring.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"(?:-F |--)(input[_-]mean|input[_-]std|class[_-]order)[= ](\S+)", PAGE)


def test_every_name_is_explained_and_shown():
    assert {name.replace("-", "_") for name, _ in SHOWN} == set(NAMES)
    assert all(f"| `{name}` |" in PAGE for name in NAMES)
    assert all(name in PAGE for name in CLASSES)


@pytest.mark.parametrize(("name", "text"), SHOWN)
def test_what_is_shown_is_understood(name: str, text: str):
    key = name.replace("-", "_")
    whole = {"input_mean": "0,0,0", "input_std": "1,1,1", key: text}
    assert getattr(parse(whole), key) is not None


def test_the_scale_of_whole_pixels_is_within_bounds():
    found = re.search(r"standard deviation `([\d.,]+)`", PAGE)
    assert found is not None
    assert parse({"input_mean": "0,0,0", "input_std": found[1]}) != Declarations()


def test_the_fields_and_bounds_are_those_of_the_service():
    fields = re.findall(r"^\| `([\w.]+)` \|", PAGE.partition("## What a report")[2], re.MULTILINE)
    assert {field for field in fields if "." not in field} <= set(Report.model_fields)
    assert "nearest" in Domain.model_fields
    assert all(f"`{basis}`" in PAGE for basis in Basis.__args__)
    assert f"{EXECUTED_ELEMENTS:,}".replace(",", " ") in PAGE
    assert f"no more than {EXECUTED_OPERATIONS}," in PAGE
    assert f"({Settings().predict_deadline_s:g} s)" in PAGE
