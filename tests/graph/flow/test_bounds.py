"""Graphs of dataflows that no network has: refused in words, in time."""

import numpy as np
import pytest

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.movement import Concat
from metagauge.architecture.operators.source import Given, Weight
from metagauge.errors import LimitExceededError
from metagauge.graph.build import build
from metagauge.graph.flow import canvas
from tests.architecture.specified import checkpoint


def chain(steps: int) -> tuple[Dataflow, int]:
    """Features that grow by one input with every concatenation, then a linear map."""
    found = [
        Step(outputs=("x",), operator=Given(shape=(1, 2))),
        Step(outputs=("w",), operator=Weight(tensor="w")),
        Step(outputs=("v0",), operator=Contract(equation="bi,oi->bo"), inputs=("x", "w")),
    ]
    for number in range(steps):
        parts = (f"v{number}", "x")
        found.append(Step(outputs=(f"v{number + 1}",), operator=Concat(axis=1), inputs=parts))
    width = 3 + 2 * steps
    found.append(Step(outputs=("last",), operator=Weight(tensor="last")))
    found.append(Step(outputs=("y",), operator=Contract(equation="bi,oi->bo"), inputs=(f"v{steps}", "last")))
    return Dataflow(steps=tuple(found), outputs=("y",)), width


def tensors(width: int):
    return checkpoint({"w": np.ones((3, 2), np.float32), "last": np.ones((4, width), np.float32)})


def test_nested_concatenations_are_blocks_of_their_parts():
    dataflow, width = chain(10)
    graph = build(dataflow, tensors(width))
    assert sum(block.role == "linear" for block in graph.blocks) == 12


def test_very_deep_ones_are_refused_in_words_or_drawn():
    dataflow, width = chain(3000)
    try:
        graph = build(dataflow, tensors(width))
    except LimitExceededError as error:
        assert "nested" in str(error)
    else:
        assert graph.edges > 0


def test_a_graph_of_too_many_groups_is_refused(monkeypatch):
    monkeypatch.setattr(canvas, "MAX_GROUPS", 2)
    dataflow, width = chain(2)
    with pytest.raises(LimitExceededError, match="groups"):
        build(dataflow, tensors(width))
