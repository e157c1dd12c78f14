"""Movements, constants, copies and what nobody needs."""

import numpy as np

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.control import Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Unary, Where
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Slice, Transpose
from metagauge.architecture.operators.reduction import Reduce, TopK
from metagauge.architecture.operators.source import Constant, Given, Weight
from tests.architecture.normal_form.sketch import Sketch, computing

RELU = Unary(function="relu")


def test_what_changes_nothing_is_left_out():
    s = Sketch()
    x = y = s.given(1, 4, 8)
    for operator in (
        Reshape(shape=(1, 4, 8)),
        Expand(shape=(1, 4, 8)),
        Transpose(axes=(0, 1, 2)),
        Slice(axis=1, start=0, count=4),
        Cast(numbers="float"),
        Pad(widths=((0, 0), (0, 0), (0, 0))),
        Concat(axis=0),
        Unary(function="affine", alpha=1.0, beta=0.0),
        Unary(function="power", alpha=1.0),
    ):
        y = s.do(operator, y)
    y = s.binary("multiply", s.binary("add", y, s.constant(np.zeros(8))), s.constant(np.ones((4, 1))))
    assert computing(s.normal(s.do(RELU, s.do(Where(), s.constant(True), y, s.weight(8))))) == [RELU]
    assert x == "v0"


def test_zeros_that_stretch_a_value_stay():
    s = Sketch()
    y = s.binary("add", s.given(1, 1, 8), s.constant(np.zeros((1, 4, 8))))
    assert Binary(function="add") in computing(s.normal(y))


def test_movements_in_a_row_are_one():
    s = Sketch()
    x = s.do(Reshape(shape=(2, 16)), s.do(Reshape(shape=(32,)), s.given(1, 4, 8)))
    y = s.do(Transpose(axes=(2, 0, 1)), s.do(Transpose(axes=(1, 2, 0)), s.do(Reshape(shape=(2, 4, 4)), x)))
    z = s.do(Slice(axis=0, start=1, count=1), s.do(Slice(axis=0, start=0, count=2, step=1), y))
    assert computing(s.normal(z)) == [Reshape(shape=(2, 4, 4)), Slice(axis=0, start=1, count=1)]


def test_what_is_made_of_means_is_made_before_their_axes_go():
    s = Sketch()
    x = s.given(1, 4, 8)
    low, high = (s.do(Reduce(function=function, axes=(2,), keep=False), x) for function in ("min", "max"))
    found = computing(s.normal(s.binary("subtract", s.unary("exp", high), low)))
    assert found[-1] == Reshape(shape=(1, 4))
    assert sum(isinstance(operator, Reshape) for operator in found) == 1


def test_transposing_an_axis_of_one_is_a_reshape():
    s = Sketch()
    assert computing(s.normal(s.do(Transpose(axes=(1, 0, 2)), s.given(1, 4, 8)))) == [Reshape(shape=(4, 1, 8))]


def test_a_slice_of_one_part_is_that_part():
    s = Sketch()
    parts = [s.do(RELU, s.given(1, size, 8)) for size in (1, 4)]
    y = s.do(Slice(axis=1, start=0, count=1), s.do(Concat(axis=1), *parts))
    assert computing(s.normal(y)) == [RELU]


def test_known_places_are_slices():
    s = Sketch()
    table = s.weight(9, 8)
    some = s.do(Gather(axis=0), table, s.constant(np.array([[2, 3, 4]])))
    same = s.do(Gather(axis=0), table, s.constant(np.array([[1, 1, 1]])))
    found = computing(s.normal(some, same))
    assert found == [
        Slice(axis=0, start=2, count=3),
        Reshape(shape=(1, 3, 8)),
        Slice(axis=0, start=1, count=1),
        Reshape(shape=(1, 1, 8)),
        Expand(shape=(1, 3, 8)),
    ]
    scattered = s.do(Gather(axis=0), table, s.constant(np.array([2, 0, 5])))
    assert computing(s.normal(scattered)) == [Gather(axis=0)]


def test_what_is_expanded_only_to_be_added_is_not():
    s = Sketch()
    y = s.binary("add", s.given(1, 4, 8), s.do(Expand(shape=(1, 4, 8)), s.weight(1, 1, 8)))
    assert computing(s.normal(y)) == [Binary(function="add")]


def test_constants_are_computed():
    s = Sketch()
    places = s.do(Cast(numbers="float"), s.constant(np.arange(4)))
    angles = s.unary("cos", s.binary("multiply", places, s.constant(np.array([0.5, 1.0, 0.1, 3.0]))))
    flow = s.normal(s.binary("multiply", s.given(1, 4), angles))
    assert [step.operator.kind for step in flow.steps] == ["constant", "given", "binary"]


def test_the_same_step_twice_is_one():
    s = Sketch()
    x = s.given(1, 4)
    y = s.binary("add", s.do(RELU, x), s.unary("tanh", s.do(RELU, x)))
    assert computing(s.normal(y)) == [RELU, Unary(function="tanh"), Binary(function="add")]


def test_opaque_steps_are_never_one():
    s = Sketch()
    x, dice = s.given(1, 4), Opaque(operator="RandomNormalLike", shapes=((1, 4),))
    assert computing(s.normal(s.binary("add", s.do(dice, x), s.do(dice, x)))).count(dice) == 2


def test_what_nobody_needs_is_dropped_but_not_what_is_given():
    s = Sketch()
    x, unused = s.given(1, 4), s.given(1, 2)
    s.unary("tanh", s.binary("multiply", s.weight(2), unused))
    flow = s.normal(s.do(RELU, x))
    assert [type(step.operator) for step in flow.steps] == [Given, Given, Unary]


def test_outputs_are_followed():
    s = Sketch()
    x = s.given(1, 4)
    flow = s.normal(s.do(Reshape(shape=(1, 4)), x), s.do(RELU, x))
    assert flow.outputs[0] == x
    assert len(flow.steps) == 2


def test_a_choice_that_is_known_is_made():
    s = Sketch()
    x = s.given(1, 4)
    y = s.do(Choose(), s.constant(False), s.unary("tanh", x), s.do(RELU, x))
    assert computing(s.normal(y)) == [RELU]


def test_operators_with_several_outputs_stay():
    s = Sketch()
    x = s.do(Reshape(shape=(1, 4)), s.given(1, 4))
    s.steps.append(Step(outputs=("best", "places"), operator=TopK(axis=1, count=2), inputs=(x,)))
    flow = s.normal("best", "places")
    assert flow.outputs == ("best", "places")
    assert flow.steps[-1].inputs == ("v0",)


def test_axes_are_kept_and_reduced_together():
    s = Sketch()
    x = s.given(1, 4, 8)
    one = s.do(Reduce(function="mean", axes=(2,)), x)
    both = s.do(Reduce(function="mean", axes=(1,), keep=False), one)
    assert computing(s.normal(both)) == [Reduce(function="mean", axes=(1, 2)), Reshape(shape=(1, 1))]


def test_nothing_times_a_value_is_a_constant():
    s = Sketch()
    x = s.given(1, 4)
    assert computing(s.normal(s.binary("maximum", x, s.affine(x, 0.0, 0.25)))) == [
        Unary(function="clip", alpha=0.25, beta=3.4028234663852886e38)
    ]


def test_adding_what_is_negated_is_subtracting():
    s = Sketch()
    x, y = s.given(1, 4), s.weight(4)
    s.binary("add", x, s.unary("negate", y))
    assert computing(s.normal(s.steps[-1].outputs[0])) == [Binary(function="subtract")]
    assert computing(s.normal(s.binary("subtract", x, s.affine(y, -1.0)))) == [Binary(function="add")]


def test_data_comes_before_weights_and_weights_before_constants():
    s = Sketch()
    x, weight, constant = s.given(1, 4), s.weight(4), s.constant(np.arange(4.0))
    flow = s.normal(s.binary("add", s.binary("multiply", constant, weight), s.binary("multiply", weight, x)))
    kinds = {step.outputs[0]: step.operator for step in flow.steps}
    read = [[type(kinds[name]) for name in step.inputs] for step in flow.steps if step.inputs]
    assert read == [[Weight, Constant], [Given, Weight], [Binary, Binary]]
    last = flow.steps[-1]
    assert isinstance(kinds[last.inputs[0]], Binary)
