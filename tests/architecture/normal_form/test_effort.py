"""No file takes long: what is looked at and computed is counted, and what is too much stays as it was written."""

import numpy as np

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.normal_form.curves import recognise
from metagauge.architecture.normal_form.draft import Draft, begin
from metagauge.architecture.normal_form.effort import SMALL, Effort
from metagauge.architecture.normal_form.folding import fold
from metagauge.architecture.normal_form.normalise import rules_for
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.shapes import shapes
from tests.architecture.normal_form.sketch import Sketch, computing


def drafted(flow: Dataflow, effort: Effort) -> Draft:
    """One round with this much effort."""
    draft = begin(flow, shapes(flow, {}.__getitem__), {}, rules_for, effort)
    for step in flow.steps:
        draft.add(step)
    return draft


def kept(flow: Dataflow, effort: Effort) -> list[Operator]:
    return computing(drafted(flow, effort).finish(flow))


def sums(count: int, size: int) -> Dataflow:
    """A range, to which one is added again and again."""
    s = Sketch()
    y, one = s.constant(np.arange(size)), s.constant(np.array(1))
    for _ in range(count):
        y = s.binary("add", y, one)
    return s.flow(y)


def test_sums_of_constants_are_computed():
    assert kept(sums(6, 10_000), Effort()) == []


def test_constants_are_computed_up_to_a_bound():
    effort = Effort(folds=100_000)
    left = kept(sums(60, 10_000), effort)
    assert 40 < len(left) < 60
    assert effort.folds < 0


def test_small_constants_cost_next_to_nothing():
    effort = Effort()
    assert kept(sums(100, 4), effort) == []
    assert effort.folds > 0.99 * Effort().folds


def test_large_constants_are_looked_at_up_to_a_bound():
    effort = Effort(looks=30_000)
    left = kept(sums(6, 10_000), effort)
    assert len(left) == 3
    assert effort.looks < 0


def test_whether_a_constant_is_one_number_is_asked_once():
    s = Sketch()
    x, large = s.given(SMALL * 2), s.constant(np.arange(SMALL * 2, dtype=np.float32))
    y = x
    for _ in range(50):
        y = s.binary("multiply", y, large)
    effort = Effort()
    kept(s.flow(y), effort)
    assert Effort().looks - effort.looks == 2 * SMALL


def test_curves_are_looked_at_up_to_a_bound():
    def silus(count: int) -> Dataflow:
        s = Sketch()
        y = s.given(1, 4)
        for _ in range(count):
            y = s.binary("multiply", y, s.unary("sigmoid", y))
        return s.flow(y)

    effort = Effort(curves=20)
    found = kept(silus(20), effort)
    assert 0 < sum(operator.kind == "binary" for operator in found) < 20
    assert all(operator.kind == "unary" for operator in kept(silus(20), Effort()))


def test_curves_that_are_none_we_know_are_told_apart_by_a_few_points():
    s = Sketch()
    y = s.given(1, 4)
    for place in range(100):
        y = s.unary("tanh" if place % 2 else "sigmoid", y)
    effort = Effort()
    assert len(kept(s.flow(y), effort)) == 100
    assert Effort().matches - effort.matches < 300
    assert recognise in rules_for(type(s.steps[-1].operator)) and fold in rules_for(type(s.steps[-1].operator))
