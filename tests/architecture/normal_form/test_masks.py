"""Masks before a softmax have one spelling, and those that mask nothing none."""

import numpy as np
import pytest

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Binary, Unary, Where
from metagauge.architecture.operators.literal import unpack
from metagauge.architecture.operators.movement import Expand
from metagauge.architecture.operators.reduction import Softmax
from metagauge.architecture.operators.source import Constant
from tests.architecture.normal_form.sketch import Sketch, computing

CAUSAL = np.tril(np.ones((4, 4), dtype=bool))
SCORES = Contract(equation="bhqd,bhkd->bhqk")


def scores(s: Sketch) -> str:
    """What a network masks: products of queries and keys. What is added to them may be a mask itself."""
    return s.do(SCORES, s.given(1, 2, 4, 8), s.given(1, 2, 4, 8))


def masked(s: Sketch, y: str) -> list[np.ndarray]:
    """Checks that it is one choice before one softmax, and returns what is let through and what masked ones get."""
    flow = s.normal(s.do(Softmax(axis=3), y))
    assert computing(flow) == [SCORES, Where(), Softmax(axis=3)]
    constants = [unpack(step.operator) for step in flow.steps if isinstance(step.operator, Constant)]
    return sorted(constants, key=lambda array: array.dtype.kind)


@pytest.mark.parametrize("least", [-np.inf, -3.4028235e38, -1e9, -1e4, -65504.0])
def test_a_mask_that_is_added(least: float):
    s = Sketch()
    bias = s.constant(np.where(CAUSAL, 0.0, least).astype(np.float32)[None, None])
    mask, fill = masked(s, s.binary("add", bias, scores(s)))
    np.testing.assert_array_equal(mask, CAUSAL[None, None])
    assert fill == -np.inf


@pytest.mark.parametrize("flipped", [False, True])
def test_a_mask_that_chooses(flipped: bool):
    s = Sketch()
    x, least = scores(s), s.constant(np.float32(-1e9))
    condition = s.constant(CAUSAL ^ flipped)
    y = s.do(Where(), condition, *((least, x) if flipped else (x, least)))
    mask, _ = masked(s, y)
    np.testing.assert_array_equal(mask, CAUSAL[None, None])


def test_a_mask_that_multiplies_first():
    s = Sketch()
    ones = s.constant(CAUSAL.astype(np.float32))
    rest = s.constant(np.where(CAUSAL, 0.0, -1e4).astype(np.float32))
    mask, _ = masked(s, s.binary("add", s.binary("multiply", scores(s), ones), rest))
    np.testing.assert_array_equal(mask, CAUSAL[None, None])


def test_several_masks_are_one():
    s = Sketch()
    first = s.constant(np.where(CAUSAL, 0.0, -1e9).astype(np.float32))
    second = np.array([True, True, True, False])
    bounded = s.unary("clip", s.binary("add", scores(s), first), -3.4028235e38, 3.4028235e38)
    y = s.do(Where(), s.constant(second), bounded, s.constant(np.float32(-np.inf)))
    mask, _ = masked(s, y)
    np.testing.assert_array_equal(mask, (CAUSAL & second)[None, None])


def test_a_mask_within_a_bias_comes_out():
    s = Sketch()
    bias = s.binary("add", s.weight(1, 2, 4, 4), s.constant(np.where(CAUSAL, 0.0, -1e9).astype(np.float32)))
    flow = s.normal(s.do(Softmax(axis=3), s.binary("add", scores(s), bias)))
    assert computing(flow) == [SCORES, Binary(function="add"), Where(), Softmax(axis=3)]


@pytest.mark.parametrize("expanded", [False, True])
def test_a_mask_that_masks_nothing_disappears(expanded: bool):
    s = Sketch()
    zeros = s.constant(np.zeros((1, 1, 1, 1), np.float32))
    zeros = s.do(Expand(shape=(1, 1, 4, 4)), zeros) if expanded else zeros
    y = s.binary("add", scores(s), zeros)
    y = s.do(Where(), s.constant(np.ones((4, 4), bool)), y, s.constant(np.float32(-np.inf)))
    assert computing(s.normal(s.do(Softmax(axis=3), y))) == [SCORES, Softmax(axis=3)]


def test_a_row_that_is_masked_as_a_whole_keeps_its_mask():
    s = Sketch()
    mask = CAUSAL.copy()
    mask[0] = False
    y = s.binary("add", scores(s), s.constant(np.where(mask, 0.0, -1e9).astype(np.float32)))
    assert computing(s.normal(s.do(Softmax(axis=3), y))) == [SCORES, Binary(function="add"), Softmax(axis=3)]


def test_a_small_bias_is_no_mask():
    s = Sketch()
    y = s.binary("add", scores(s), s.constant(np.where(CAUSAL, 0.0, -50.0).astype(np.float32)))
    assert computing(s.normal(s.do(Softmax(axis=3), y))) == [SCORES, Binary(function="add"), Softmax(axis=3)]


def test_a_mask_that_is_given_stays():
    s = Sketch()
    given = s.affine(s.given(1, 1, 1, 4), -1e4)
    y = s.binary("add", scores(s), given)
    found = computing(s.normal(s.do(Softmax(axis=3), y)))
    assert found == [Unary(function="affine", alpha=-1e4), SCORES, Binary(function="add"), Softmax(axis=3)]


def constants(flow: Dataflow) -> list[np.ndarray]:
    return [unpack(step.operator) for step in flow.steps if isinstance(step.operator, Constant)]


def test_the_logarithm_of_a_very_small_share_keeps_its_mask():
    s = Sketch()
    y = s.do(Where(), s.constant(CAUSAL), scores(s), s.constant(np.float32(-1e4)))
    flow = s.normal(s.do(Softmax(axis=3, logarithm=True), y))
    assert [array.item() for array in constants(flow) if array.size == 1] == [-1e4]


def test_a_very_small_number_counts_beside_a_mask_that_is_given():
    s = Sketch()
    y = s.binary("add", scores(s), s.affine(s.given(1, 1, 1, 4), -1e4))
    y = s.do(Where(), s.constant(CAUSAL), y, s.constant(np.float32(-1e4)))
    flow = s.normal(s.do(Softmax(axis=3), y))
    assert not any(np.isneginf(array).any() for array in constants(flow))


def test_minus_infinity_is_less_than_any_mask_that_is_given():
    s = Sketch()
    y = s.binary("add", scores(s), s.affine(s.given(1, 1, 1, 4), -1e4))
    y = s.binary("add", y, s.constant(np.where(CAUSAL, 0.0, -np.inf).astype(np.float32)))
    assert computing(s.normal(s.do(Softmax(axis=3), y)))[-2:] == [Where(), Softmax(axis=3)]
