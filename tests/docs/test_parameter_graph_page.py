"""docs/parameter-graph.md: its example runs and prints what it says, and its tables name everything there is."""

import contextlib
import io
from dataclasses import fields
from typing import get_args
from xml.etree import ElementTree

import pytest

from metagauge.graph.parameter_graph import GroupKind, Operation, Reading, Role
from tests.docs.pages import ROOT, fenced, named, page, rows

PAGE = page("parameter-graph.md")


def test_the_example_prints_what_the_page_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    (code,), (expected,) = fenced(PAGE, "python"), fenced(PAGE, "text")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/parameter-graph.md", "exec"), {})
    assert printed.getvalue() == expected


@pytest.mark.parametrize(
    ("head", "things"),
    [
        ("kind of group", get_args(GroupKind)),
        ("operation", get_args(Operation)),
        ("role", get_args(Role)),
        ("field", tuple(field.name for field in fields(Reading))),
    ],
)
def test_the_tables_name_everything_once(head: str, things: tuple[str, ...]):
    told = [name for first, *_ in rows(PAGE, head) for name in named(first)]
    assert sorted(told) == sorted(things)


def test_the_picture_is_that_of_the_example():
    drawn = ElementTree.parse(ROOT / "docs" / "parameter-graph.svg")
    texts = {node.text for node in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"resnet.onnx", "conv_1", "residual", "relu"} <= {(text or "").strip() for text in texts}
