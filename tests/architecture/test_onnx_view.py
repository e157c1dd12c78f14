"""Views move elements exactly as arrays do."""

from dataclasses import replace
from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metagauge.architecture.onnx.states import Weight
from metagauge.architecture.onnx.view import BATCH, Step, View, narrowed, reshaped, run, transposed, whole
from metagauge.architecture.onnx.weight import rows
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.resolve import apply_view

BATCH_SIZE = 5
SHAPES = st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=1, max_size=3)


def read(view: View, array: np.ndarray) -> np.ndarray:
    """The elements of `array` (batch, *shape) that the view shows."""
    index = [np.zeros((), dtype=int)] + [np.asarray(offset) for offset in view.offsets]
    for axis, steps in enumerate(view.runs):
        sizes = [1] * len(view.runs)
        sizes[axis] = prod(step.size for step in steps)
        within = np.arange(sizes[axis])
        for step in reversed(steps):
            within, part = np.divmod(within, step.size)
            index[step.axis + 1] = index[step.axis + 1] + (part * step.stride).reshape(sizes)
    return np.broadcast_to(array[tuple(np.broadcast_arrays(*index))], view.shape)


@st.composite
def moved(draw: st.DrawFn) -> tuple[View, np.ndarray, np.ndarray]:
    """A view, what it views, and what NumPy makes of the same movements."""
    shape = tuple(draw(SHAPES))
    array = np.arange(BATCH_SIZE * prod(shape)).reshape(BATCH_SIZE, *shape)
    view, expected = whole("value", shape, BATCH_SIZE), array
    for _ in range(draw(st.integers(0, 6))):
        match draw(st.sampled_from(["transpose", "split", "join", "narrow"])):
            case "transpose":
                order = draw(st.permutations(range(expected.ndim)))
                view, expected = transposed(view, order), expected.transpose(order)
            case "narrow":
                axis = draw(st.integers(0, expected.ndim - 1))
                start = draw(st.integers(0, expected.shape[axis] - 1))
                stop = draw(st.integers(start + 1, expected.shape[axis]))
                part = narrowed(view, axis, start, stop)
                if part is not None:
                    view, expected = part, np.take(expected, range(start, stop), axis)
            case kind:
                axis = draw(st.integers(0, expected.ndim - 1))
                sizes = list(expected.shape)
                if kind == "split":
                    factor = draw(st.sampled_from([n for n in (1, 2, 3) if sizes[axis] % n == 0]))
                    sizes[axis : axis + 1] = [factor, sizes[axis] // factor]
                elif axis + 1 < len(sizes):
                    sizes[axis : axis + 2] = [sizes[axis] * sizes[axis + 1]]
                other = reshaped(view, sizes)
                if other is not None:
                    view, expected = other, expected.reshape(sizes)
    return view, array, expected


@given(moved())
def test_a_view_shows_what_the_array_becomes(case: tuple[View, np.ndarray, np.ndarray]):
    view, array, expected = case
    assert view.shape == expected.shape
    np.testing.assert_array_equal(read(view, array), expected)


def test_another_order_shows_something_else():
    view = whole("value", (2, 3), BATCH_SIZE)
    array = np.arange(BATCH_SIZE * 6).reshape(BATCH_SIZE, 2, 3)
    turned = transposed(view, (0, 2, 1))
    assert not np.array_equal(read(turned, array), array.reshape(turned.shape))


def test_movements_that_undo_each_other_leave_the_same_view():
    view = whole("value", (6, 4), BATCH_SIZE)
    there = reshaped(view, (BATCH_SIZE, 2, 3, 4))
    assert there is not None
    back = reshaped(transposed(transposed(there, (0, 3, 1, 2)), (0, 2, 3, 1)), (BATCH_SIZE, 6, 4))
    assert back == view


def test_a_reshape_across_two_axes_is_refused():
    turned = transposed(whole("value", (3, 4), BATCH_SIZE), (0, 2, 1))
    assert reshaped(turned, (BATCH_SIZE, 6, 2)) is None


@given(st.data())
def test_rows_are_those_that_the_steps_visit(data: st.DataObject):
    sizes = data.draw(st.lists(st.sampled_from([1, 2, 3]), min_size=2, max_size=4))
    strides = [prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    kept = data.draw(st.permutations(range(len(sizes))))[: data.draw(st.integers(1, len(sizes)))]
    offset = sum(
        data.draw(st.integers(0, sizes[axis] - 1)) * strides[axis] for axis in range(len(sizes)) if axis not in kept
    )
    steps = tuple(Step(axis=1, stride=strides[axis], size=sizes[axis]) for axis in kept if sizes[axis] > 1)
    array = np.arange(prod(sizes) * 2).reshape(-1, 2)
    visited = [offset]
    for step in steps:
        visited = [start + number * step.stride for start in visited for number in range(step.size)]
    part = rows(Weight(parameter=Parameter(tensor="w"), shape=array.shape), steps, offset)
    found = array
    for seen in part.parameter.views:
        found = apply_view(found, seen, "w")
    np.testing.assert_array_equal(found, array[visited])
    assert part.shape == found.shape


def test_steps_that_continue_each_other_are_joined():
    assert run(Step(axis=0, stride=6, size=2), Step(axis=0, stride=1, size=6)) == (Step(axis=0, stride=1, size=12),)
    assert len(run(Step(axis=0, stride=1, size=6), Step(axis=0, stride=6, size=2))) == 2
    assert run(Step(axis=BATCH, stride=1, size=1)) == ()


def test_the_batch_is_not_narrowed():
    view = whole("value", (3,), BATCH_SIZE)
    assert narrowed(view, 0, 0, 2) is None
    assert narrowed(view, 0, 0, BATCH_SIZE) == replace(view)
