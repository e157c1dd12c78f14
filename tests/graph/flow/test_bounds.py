"""Graphs of dataflows that no network has: refused in words, in time."""

import numpy as np
import pytest

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.movement import Concat, Pad
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


def doubled(times: int) -> Dataflow:
    """Features concatenated with themselves, again and again: a few steps, and twice as many terms with each."""
    found = [
        Step(outputs=("x",), operator=Given(shape=(1, 2))),
        Step(outputs=("w",), operator=Weight(tensor="w")),
        Step(outputs=("v0",), operator=Contract(equation="bi,oi->bo"), inputs=("x", "w")),
    ]
    for number in range(times):
        found.append(Step(outputs=(f"v{number + 1}",), operator=Concat(axis=1), inputs=(f"v{number}", f"v{number}")))
    return Dataflow(steps=tuple(found), outputs=(f"v{times}",))


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


def test_doubling_does_not_take_time_that_doubles():
    graph = build(doubled(24), checkpoint({"w": np.ones((3, 2), np.float32)}))
    assert len(graph.groups) < 2000


@pytest.mark.parametrize(
    "step",
    [
        Step(outputs=("v",), operator=Pad(widths=((0, 0), (0, 1 << 26))), inputs=("w",)),
        Step(outputs=("v",), operator=Contract(equation="ab,cd->abcd"), inputs=("w", "w")),
    ],
)
def test_weights_out_of_proportion_to_the_file_are_refused_before_they_are_computed(step):
    rows = np.ones((1024, 16), np.float32)
    rank = 2 if isinstance(step.operator, Pad) else 4
    meets = "abcd"[:rank]
    read = Contract(equation=f"{meets},{meets}->{meets[:1]}")
    given = (1024, 16 + (1 << 26)) if rank == 2 else (1024, 16, 1024, 16)
    dataflow = Dataflow(
        steps=(
            Step(outputs=("w",), operator=Weight(tensor="w")),
            step,
            Step(outputs=("x",), operator=Given(shape=given)),
            Step(outputs=("y",), operator=read, inputs=("x", "v")),
        ),
        outputs=("y",),
    )
    with pytest.raises(LimitExceededError):
        build(dataflow, checkpoint({"w": rows}))
