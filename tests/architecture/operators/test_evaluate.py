"""Operators computed in numpy: no copies for views, typed refusals. Values are compared in the interpreter's tests."""

import ml_dtypes
import numpy as np
import pytest

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.control import Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Unary, Unpack
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Expand, Reshape, Slice, Transpose
from metagauge.errors import ArchitectureMismatchError, OperatorUnknownError

NUMBERS = np.arange(12, dtype=np.float16).reshape(3, 4)


@pytest.mark.parametrize(
    "operator",
    [
        Reshape(shape=(4, 3)),
        Transpose(axes=(1, 0)),
        Slice(axis=1, start=3, count=4, step=-1),
        Slice(axis=0, start=0, count=2, step=2),
        Expand(shape=(1000, 1000, 3, 4)),
    ],
)
def test_movement_copies_nothing_and_keeps_the_type(operator):
    (moved,) = evaluate(operator, [NUMBERS])
    assert np.shares_memory(moved, NUMBERS)
    assert moved.dtype == np.float16


def test_one_row_of_a_table_is_a_view():
    (row,) = evaluate(Gather(axis=0), [NUMBERS, np.array(-1)])
    assert np.shares_memory(row, NUMBERS)
    np.testing.assert_array_equal(row, NUMBERS[-1])


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn])
def test_narrow_floats_are_computed_as_float32(dtype):
    narrow = np.array([0.5, 2.0]).astype(dtype)
    (found,) = evaluate(Binary(function="divide"), [narrow, np.float32([3.0, 3.0])])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.float32([0.5, 2.0]) / 3)


def test_integers_stay_integers_where_they_can():
    numbers = np.array([-7, 7])
    (scaled,) = evaluate(Unary(function="affine", alpha=2.0, beta=1.0), [numbers])
    (halved,) = evaluate(Binary(function="divide"), [numbers, np.array(2)])
    assert scaled.tolist() == [-13, 15]
    assert halved.tolist() == [-3, 3]
    assert scaled.dtype == halved.dtype == np.int64


def test_packed_codes_come_lowest_first():
    (codes,) = evaluate(Unpack(bits=4), [np.array([[0x21, 0x43]], dtype=np.uint8)])
    assert codes.tolist() == [[1, 2, 3, 4]]


def test_casting_to_integers_cuts_off_and_survives_anything():
    (whole,) = evaluate(Cast(numbers="int"), [np.array([1.9, -1.9, np.nan, np.inf])])
    assert whole[:3].tolist() == [1, -1, 0]


def test_an_axis_of_one_is_not_stretched_in_a_contraction():
    with pytest.raises(ArchitectureMismatchError, match="axis j"):
        evaluate(Contract(equation="ij,j->i"), [np.ones((2, 3)), np.ones(1)])


def test_a_choice_needs_only_the_side_it_takes():
    (taken,) = evaluate(Choose(), [np.array(False), None, NUMBERS])
    assert taken is NUMBERS


def test_what_does_not_fit_is_a_mismatch():
    with pytest.raises(ArchitectureMismatchError, match=r"\(3, 4\), \(5,\)"):
        evaluate(Binary(function="add"), [NUMBERS, np.ones(5)])


def test_an_unknown_operator_is_named():
    with pytest.raises(OperatorUnknownError, match="Sorcery"):
        evaluate(Opaque(operator="Sorcery", shapes=()), [])
