"""docs/reading.md names every rung, hint and model_type there is a template for, and no other."""

import json
import re
from dataclasses import fields
from typing import get_args

from metagauge.architecture.architecture import Rung
from metagauge.architecture.templates.family import families
from metagauge.architecture.templates.names.hints import Hints, hints_of
from metagauge.architecture.templates.vision.huggingface import MODELS
from tests.docs.pages import named, page, rows

PAGE = page("reading.md")


def test_every_rung_is_told():
    assert sorted(named(rung)[0] for rung, *_ in rows(PAGE, "rung")) == sorted(get_args(Rung))


def test_every_model_type_is_listed():
    start = PAGE.index("These `model_type`s are known:")
    listed = named(PAGE[start : PAGE.index("From names alone")])[1:]
    known = {model for family in families().values() for model in family.models} | set(MODELS)
    assert listed == sorted(known)


def test_every_hint_is_told_and_no_other():
    assert [named(hint)[0] for hint, *_ in rows(PAGE, "hint")] == [field.name for field in fields(Hints)]


def test_the_example_of_hints_is_made_of_hints():
    (hints,) = re.findall(r"^echo '(.*)' > hints.json$", PAGE, re.MULTILINE)
    assert hints_of(json.loads(hints)) == Hints(num_heads=12)
